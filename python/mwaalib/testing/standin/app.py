"""The WSGI application: admin routes, faults, added operations, then moto."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mwaalib.testing.standin import call as calls
from mwaalib.testing.standin.errors import AwsError, StartResponse, respond_error, respond_json
from mwaalib.testing.standin.faults import Dropped
from mwaalib.testing.standin.overlay import Request

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime

log = logging.getLogger(__name__)


class Application:
    """Serves one stand-in.

    :param runtime: the stand-in's parts.
    """

    def __init__(self, runtime: Runtime) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        from mwaalib.testing.standin.admin import Admin

        self._runtime = runtime
        self._admin = Admin(runtime)
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith("/mwaalib/"):
            return self._admin(environ, start_response)
        if path.startswith("/moto-api"):
            return self._moto(environ, start_response)
        call = calls.identify(environ)
        self._runtime.count(call)
        try:
            self._runtime.faults.meet(call)
            operation = self._runtime.overlay.find(call.service, call.operation)
            if operation is not None:
                body = {**json.loads(calls.read_body(environ) or b"{}"), **call.members}
                request = Request(self._runtime.account_of(environ), call.region, body)
                return respond_json(start_response, operation(request))
            return self._moto(environ, start_response)
        except AwsError as error:
            return respond_error(call, error, start_response)
        except Dropped:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError("dropped by an injected fault") from None
        except NotImplementedError as error:
            # A 5xx would be retried by every SDK, and there is nothing to wait for.
            return respond_error(
                call,
                AwsError("UnsupportedOperation", f"the stand-in does not have this: {error}"),
                start_response,
            )
        except Exception as error:
            log.exception("%s:%s", call.service, call.operation)
            return respond_error(
                call,
                AwsError("InternalFailure", f"the stand-in failed: {type(error).__name__}: {error}", 500),
                start_response,
            )
