"""Airflow's `aws` connection, turned into the settings of a native session.

The default connection id `aws_default` may be missing: a DAG that names no connection then uses the
default chain (environment, profile, web identity, container, instance metadata), as on a fresh
Amazon MWAA environment. Any other id that does not exist is an error, never a silent fall to other
credentials. What an extra means to nobody here is named in a warning, and what would change how
requests are secured is an error.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Mapping
from typing import Any

from mwaalib.compat import AirflowNotFoundException, BaseHook, airflow_version, mask_secret
from mwaalib.exceptions import ConnectionNotFoundError, ConnectionSettingsError

DEFAULT_CONN_ID = "aws_default"

log = logging.getLogger(__name__)

# Names of services in boto3 that a session has a client for -> their names in the core.
SERVICES = {
    "emr": "emr",
    "stepfunctions": "sfn",
    "sfn": "sfn",
    "glue": "glue",
    "ssm": "ssm",
    "s3": "s3",
    "logs": "logs",
    "sts": "sts",
    "iam": "iam",
}

_EXTRAS = {
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "region_name",
    "endpoint_url",
    "verify",
    "profile_name",
    "session_kwargs",
    "config_kwargs",
    "service_config",
    "role_arn",
    "assume_role_method",
    "assume_role_kwargs",
    "external_id",
    "assume_role_with_web_identity_federation",
    "assume_role_with_web_identity_token_file",
}
_ASSUME_ROLE = {
    "RoleSessionName": ("session_name", str),
    "ExternalId": ("external_id", str),
    "DurationSeconds": ("duration_seconds", int),
    "Policy": ("policy", str),
    "PolicyArns": ("policy_arns", list),
    "Tags": ("tags", list),
    "TransitiveTagKeys": ("transitive_tag_keys", list),
    "SourceIdentity": ("source_identity", str),
    "SerialNumber": ("serial_number", str),
    "TokenCode": ("token_code", str),
}
# Options of botocore that say how a request is secured or where it goes: never dropped silently.
_REFUSED_CONFIG = {
    "use_fips_endpoint",
    "use_dualstack_endpoint",
    "client_cert",
    "signature_version",
    "proxies_config",
    "ignore_configured_endpoint_urls",
}


class _Reader:
    """Reads values out of one connection and names their path when they are wrong."""

    def __init__(self, source: str) -> None:
        self.source = source

    def error(self, path: str, message: str) -> ConnectionSettingsError:
        return ConnectionSettingsError(f"{self.source}: {path}: {message}")

    def text(self, path: str, value: Any) -> str | None:
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise self.error(path, f"expected text, got {type(value).__name__}")
        return value

    def number(self, path: str, value: Any, *, whole: bool = False) -> Any:
        if value is None or value == "":
            return None
        if isinstance(value, bool):
            raise self.error(path, "expected a number, got bool")
        try:
            found = int(value) if whole else float(value)
        except (TypeError, ValueError):
            raise self.error(path, f"expected a {'whole ' if whole else ''}number, got {value!r}") from None
        if found <= 0:
            raise self.error(path, f"expected a number above 0, got {value!r}")
        return found

    def mapping(self, path: str, value: Any) -> dict[str, Any]:
        if value is None or value == "":
            return {}
        if isinstance(value, str):  # a connection written as URI holds only text
            try:
                value = json.loads(value)
            except ValueError:
                raise self.error(path, "expected a JSON object, got text") from None
        if not isinstance(value, Mapping):
            raise self.error(path, f"expected a JSON object, got {type(value).__name__}")
        return dict(value)

    def items(self, path: str, value: Any) -> list[Any]:
        if value is None or value == "":
            return []
        if not isinstance(value, (list, tuple)):
            raise self.error(path, f"expected a list, got {type(value).__name__}")
        return list(value)

    def verify(self, path: str, value: Any) -> bool | str | None:
        if value is None or value == "":
            return None
        if isinstance(value, str):
            # Templates and URIs turn a switch into text.
            return {"true": True, "false": False}.get(value.lower(), value)
        if not isinstance(value, bool):
            raise self.error(
                path, f"expected true, false or the path of a CA file, got {type(value).__name__}"
            )
        return value

    def warn(self, path: str, known: Any, consequence: str = "is not understood and has no effect") -> None:
        near = _near(path.rsplit(".", 1)[-1], known)
        hint = f", did you mean {near[0]!r}?" if near else ""
        log.warning("%s: %s %s%s", self.source, path, consequence, hint)


def _near(name: str, known: Any) -> list[str]:
    from difflib import get_close_matches

    return get_close_matches(name, sorted(known), n=1, cutoff=0.7)


def fetch(conn_id: str | None) -> Any:
    """Return the Airflow connection, or None where the default chain is meant.

    :param conn_id: Connection id; None or empty means the default chain.
    :raises ConnectionNotFoundError: when an id other than `aws_default` does not exist.
    """
    if not conn_id:
        return None
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException as error:
        if conn_id == DEFAULT_CONN_ID:
            log.info("Connection %r does not exist: using the default credential chain.", conn_id)
            return None
        raise ConnectionNotFoundError(
            f"connection {conn_id!r} does not exist. Create it, or set aws_conn_id=None to use the default "
            "credential chain (environment, profile, web identity, container, instance metadata)."
        ) from error


def resolve(
    conn_id: str | None,
    *,
    region_name: str | None = None,
    verify: bool | str | None = None,
    config: Any = None,
    service: str | None = None,
) -> str:
    """Return the settings of a session as JSON.

    Makes no call to AWS. Asks Airflow for the connection, so not for the event loop of a triggerer.

    :param conn_id: Airflow connection id; None or empty means the default chain.
    :param region_name: Region, over that of the connection.
    :param verify: True, False or the path of a CA file, over that of the connection.
    :param config: Options of a botocore client as dict (or a botocore `Config`), instead of the
        connection's `config_kwargs`.
    :param service: boto3 name of the service, to find its `service_config`.
    :raises ConnectionSettingsError: when the connection is missing or cannot be used as written.
    """
    return from_connection(
        fetch(conn_id), region_name=region_name, verify=verify, config=config, service=service
    )


def from_connection(
    conn: Any,
    *,
    region_name: str | None = None,
    verify: bool | str | None = None,
    config: Any = None,
    service: str | None = None,
) -> str:
    """Return the settings of a session as JSON, from a connection already fetched. See `resolve`."""
    read = _Reader(f"connection {conn.conn_id!r}" if conn is not None else "hook")
    extra = _extra(read, conn)
    session = read.mapping("extra.session_kwargs", extra.get("session_kwargs"))
    given = options(config)
    chosen_options = given if given else read.mapping("extra.config_kwargs", extra.get("config_kwargs"))
    options_path = "config" if given else "extra.config_kwargs"
    services = read.mapping("extra.service_config", extra.get("service_config"))
    endpoints, service_region = _services(read, services, service)

    settings: dict[str, Any] = {
        "region": region_name
        or service_region
        or read.text("extra.region_name", extra.get("region_name"))
        or read.text("extra.session_kwargs.region_name", session.get("region_name"))
        or read.text(f"{options_path}.region_name", chosen_options.get("region_name")),
        "profile": read.text("extra.profile_name", extra.get("profile_name"))
        or read.text("extra.session_kwargs.profile_name", session.get("profile_name")),
        "endpoint_url": read.text("extra.endpoint_url", extra.get("endpoint_url")),
        "service_endpoints": endpoints,
        "assume_role": _assume_role(read, extra, conn),
        "user_agent_extra": _user_agent(read, options_path, chosen_options),
        **_credentials(read, conn, extra, session),
        **_client_options(read, options_path, chosen_options),
    }
    chosen = verify if verify is not None else extra.get("verify")
    settings["verify"] = read.verify("verify", chosen)
    return json.dumps(
        {key: value for key, value in settings.items() if value not in (None, {}, [])}, sort_keys=True
    )


def _extra(read: _Reader, conn: Any) -> dict[str, Any]:
    if conn is None:
        return {}
    if conn.conn_type and conn.conn_type != "aws":
        log.warning("%s: expected connection type 'aws', got %r", read.source, conn.conn_type)
    if getattr(conn, "host", None):
        log.warning("%s: the host field has no effect, an endpoint goes into extra.endpoint_url", read.source)
    text = conn.extra
    if not text:
        return {}
    try:
        extra = json.loads(text) if isinstance(text, str) else dict(text)
    except ValueError as error:
        raise read.error("extra", f"not valid JSON ({error})") from None
    if not isinstance(extra, dict):
        raise read.error("extra", f"expected a JSON object, got {type(extra).__name__}")
    if set(extra) == {"__extra__"}:  # a connection written as URI
        extra = read.mapping("extra.__extra__", extra["__extra__"])
    for name in extra:
        if name not in _EXTRAS:
            read.warn(f"extra.{name}", _EXTRAS)
    return extra


def _credentials(
    read: _Reader, conn: Any, extra: dict[str, Any], session: dict[str, Any]
) -> dict[str, str | None]:
    if conn is None:
        return {}
    key = secret = None
    login, password = conn.login or None, conn.password or None
    if login and password:
        key, secret = login, password
    elif bool(login) != bool(password) and not extra.get("aws_access_key_id"):
        raise read.error(
            "login, password", "access key id and secret access key belong together, one is missing"
        )
    for path, source in (("extra", extra), ("extra.session_kwargs", session)):
        if key is None:
            key = read.text(f"{path}.aws_access_key_id", source.get("aws_access_key_id"))
            secret = read.text(f"{path}.aws_secret_access_key", source.get("aws_secret_access_key"))
            if bool(key) != bool(secret):
                raise read.error(
                    path, "aws_access_key_id and aws_secret_access_key belong together, one is missing"
                )
    token = read.text("extra.aws_session_token", extra.get("aws_session_token")) or read.text(
        "extra.session_kwargs.aws_session_token", session.get("aws_session_token")
    )
    if token and not key:
        raise read.error("extra.aws_session_token", "a session token needs the access key it belongs to")
    for value in (secret, token):
        if value:
            mask_secret(value)
    return {"access_key_id": key, "secret_access_key": secret, "session_token": token}


def _assume_role(read: _Reader, extra: dict[str, Any], conn: Any) -> dict[str, Any] | None:
    role_arn = read.text("extra.role_arn", extra.get("role_arn"))
    method = read.text("extra.assume_role_method", extra.get("assume_role_method")) or "assume_role"
    kwargs = read.mapping("extra.assume_role_kwargs", extra.get("assume_role_kwargs"))
    external_id = read.text("extra.external_id", extra.get("external_id"))
    if role_arn is None:
        for name in ("assume_role_method", "assume_role_kwargs", "external_id"):
            if extra.get(name):
                read.warn(f"extra.{name}", (), "has no effect without role_arn")
        return None
    if method not in ("assume_role", "assume_role_with_web_identity"):
        raise read.error(
            "extra.assume_role_method",
            f"{method!r} is not supported, use 'assume_role' or 'assume_role_with_web_identity'",
        )
    role: dict[str, Any] = {"role_arn": role_arn, "method": method}
    if external_id:
        role["external_id"] = external_id
    for name, value in kwargs.items():
        path = f"extra.assume_role_kwargs.{name}"
        if name not in _ASSUME_ROLE:
            raise read.error(path, f"unknown parameter, known are {', '.join(sorted(_ASSUME_ROLE))}")
        field, kind = _ASSUME_ROLE[name]
        if kind is list:
            role[field] = read.items(path, value)
        elif kind is int:
            role[field] = read.number(path, value, whole=True)
        else:
            role[field] = read.text(path, value)
    if "policy_arns" in role:
        role["policy_arns"] = [
            item["arn"] if isinstance(item, dict) else item for item in role["policy_arns"]
        ]
    if method == "assume_role_with_web_identity":
        federation = extra.get("assume_role_with_web_identity_federation") or "file"
        if federation != "file":
            raise read.error(
                "extra.assume_role_with_web_identity_federation",
                f"{federation!r} is not supported, use 'file'",
            )
        file = read.text(
            "extra.assume_role_with_web_identity_token_file",
            extra.get("assume_role_with_web_identity_token_file"),
        ) or os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE")
        if not file:
            raise read.error("extra.assume_role_with_web_identity_token_file", "needed and not set")
        role["web_identity_token_file"] = file
    role.setdefault("session_name", re.sub(r"[^\w+=,.@-]+", "-", f"Airflow_{conn.conn_id}")[:64])
    return {name: value for name, value in role.items() if value not in (None, [])}


def _services(
    read: _Reader, services: dict[str, Any], service: str | None
) -> tuple[dict[str, str], str | None]:
    endpoints: dict[str, str] = {}
    region = None
    for name, value in services.items():
        path = f"extra.service_config.{name}"
        if name not in SERVICES:
            if _near(name, SERVICES):
                read.warn(path, SERVICES)
            continue  # a service other providers use this connection for
        config = read.mapping(path, value)
        url = read.text(f"{path}.endpoint_url", config.get("endpoint_url"))
        if url:
            endpoints[SERVICES[name]] = url
        if service is not None and SERVICES[name] == SERVICES.get(service):
            region = read.text(f"{path}.region_name", config.get("region_name"))
    return endpoints, region


def options(config: Any) -> dict[str, Any]:
    """Return botocore options given as dict, or as a botocore `Config`, as a dict."""
    if config is None:
        return {}
    if isinstance(config, Mapping):
        return dict(config)
    # A botocore Config object made by the user; it keeps what it was given.
    given = getattr(config, "_user_provided_options", None)
    if given is None:
        raise ConnectionSettingsError(f"hook: config: expected a dict, got {type(config).__name__}")
    return dict(given)


def _client_options(read: _Reader, path: str, options: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    known = {"region_name", "user_agent_extra", "connect_timeout", "read_timeout", "retries", "proxies"}
    for name, value in options.items():
        if name in _REFUSED_CONFIG and value:
            raise read.error(f"{path}.{name}", "not supported by mwaalib, and not safe to ignore")
        if name not in known:
            read.warn(f"{path}.{name}", known)
    for name in ("connect_timeout", "read_timeout"):
        found[name] = read.number(f"{path}.{name}", options.get(name))
    retries = read.mapping(f"{path}.retries", options.get("retries"))
    for name in set(retries) - {"max_attempts", "total_max_attempts", "mode"}:
        read.warn(f"{path}.retries.{name}", ("max_attempts", "total_max_attempts", "mode"))
    if retries.get("total_max_attempts") is not None:
        found["max_attempts"] = read.number(
            f"{path}.retries.total_max_attempts", retries["total_max_attempts"], whole=True
        )
    elif retries.get("max_attempts") is not None:
        # botocore counts retries here, without the first attempt; 0 means no retry.
        again = retries["max_attempts"]
        found["max_attempts"] = 1 + (
            0 if again in (0, "0") else read.number(f"{path}.retries.max_attempts", again, whole=True)
        )
    mode = read.text(f"{path}.retries.mode", retries.get("mode"))
    if mode is not None and mode not in ("legacy", "standard", "adaptive"):
        raise read.error(f"{path}.retries.mode", f"expected legacy, standard or adaptive, got {mode!r}")
    found["retry_mode"] = mode
    found["proxies"] = {
        scheme: url
        for scheme, url in read.mapping(f"{path}.proxies", options.get("proxies")).items()
        if read.text(f"{path}.proxies.{scheme}", url)
    }
    return found


def _user_agent(read: _Reader, path: str, options: dict[str, Any]) -> str:
    from mwaalib import __version__

    own = f"Airflow/{'.'.join(map(str, airflow_version()))} mwaalib/{__version__}"
    extra = read.text(f"{path}.user_agent_extra", options.get("user_agent_extra"))
    return f"{own} {extra}" if extra else own
