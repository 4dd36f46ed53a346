"""The settings of a native session, read from an Airflow connection.

What an extra means to nobody here is named in a warning, and what would change how requests are secured
is an error.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from mwaalib.compat import mask_secret
from mwaalib.connection import SERVICES, unknown_parameters
from mwaalib.connection.client_options import client_options, options, user_agent
from mwaalib.connection.reader import Reader, near
from mwaalib.connection.role import assume_role

log = logging.getLogger(__name__)

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
_SESSION = {"aws_access_key_id", "aws_secret_access_key", "aws_session_token", "region_name", "profile_name"}
# What `service_config` may say of a service; `verify` and `config_kwargs` belong to the whole connection here.
_SERVICE = {"endpoint_url", "region_name"}


def from_connection(
    conn: Any,
    *,
    region_name: str | None = None,
    verify: bool | str | None = None,
    config: Any = None,
    service: str | None = None,
) -> str:
    """Return the settings of a session as JSON, from a connection already fetched. See `resolve`."""
    read = Reader(f"connection {conn.conn_id!r}" if conn is not None else "hook")
    extra = _extra(read, conn)
    session = read.mapping("extra.session_kwargs", extra.get("session_kwargs"))
    given = options(config)
    chosen_options = given if given else read.mapping("extra.config_kwargs", extra.get("config_kwargs"))
    options_path = "config" if given else "extra.config_kwargs"
    for name in session:
        if name not in _SESSION:
            read.warn(f"extra.session_kwargs.{name}", _SESSION)
    services = read.mapping("extra.service_config", extra.get("service_config"))
    endpoints, regions = _services(read, services)
    service_region = regions.get(SERVICES.get(service or "", ""))
    role = assume_role(read, extra, conn)
    if role and regions.get("sts"):
        role["region"] = regions["sts"]

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
        "assume_role": role,
        "user_agent_extra": user_agent(read, options_path, chosen_options),
        **_credentials(read, conn, extra, session),
        **client_options(read, options_path, chosen_options),
    }
    chosen = verify if verify is not None else extra.get("verify")
    settings["verify"] = read.verify("verify", chosen)
    if unknown_parameters() == "warn":
        settings["unknown_parameters"] = "warn"
    return json.dumps(
        {key: value for key, value in settings.items() if value not in (None, {}, [])}, sort_keys=True
    )


def _extra(read: Reader, conn: Any) -> dict[str, Any]:
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
    read: Reader, conn: Any, extra: dict[str, Any], session: dict[str, Any]
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


def _services(read: Reader, services: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    endpoints: dict[str, str] = {}
    regions: dict[str, str] = {}
    for name, value in services.items():
        path = f"extra.service_config.{name}"
        if name not in SERVICES:
            if near(name, SERVICES):
                read.warn(path, SERVICES)
            continue  # a service other providers use this connection for
        config = read.mapping(path, value)
        for member in config:
            # The bucket is what other providers' hooks of S3 fall back on.
            if member not in _SERVICE and (name, member) != ("s3", "bucket_name"):
                read.warn(f"{path}.{member}", _SERVICE)
        for found, member in ((endpoints, "endpoint_url"), (regions, "region_name")):
            value = read.text(f"{path}.{member}", config.get(member))
            if value:
                found[SERVICES[name]] = value
    return endpoints, regions
