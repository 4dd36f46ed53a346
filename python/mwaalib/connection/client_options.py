"""Options of a botocore client, as the settings of a session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mwaalib.compat import airflow_version
from mwaalib.connection.reader import Reader
from mwaalib.exceptions import ConnectionSettingsError

# Options of botocore that say how a request is secured or where it goes: never dropped silently.
REFUSED = {
    "use_fips_endpoint",
    "use_dualstack_endpoint",
    "client_cert",
    "signature_version",
    "proxies_config",
    "ignore_configured_endpoint_urls",
}


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


def client_options(read: Reader, path: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the time-outs, retries and proxies among botocore's options."""
    found: dict[str, Any] = {}
    known = {"region_name", "user_agent_extra", "connect_timeout", "read_timeout", "retries", "proxies"}
    for name, value in given.items():
        if name in REFUSED and value:
            raise read.error(f"{path}.{name}", "not supported by mwaalib, and not safe to ignore")
        if name not in known:
            read.warn(f"{path}.{name}", known)
    for name in ("connect_timeout", "read_timeout"):
        found[name] = read.number(f"{path}.{name}", given.get(name))
    retries = read.mapping(f"{path}.retries", given.get("retries"))
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
        for scheme, url in read.mapping(f"{path}.proxies", given.get("proxies")).items()
        if read.text(f"{path}.proxies.{scheme}", url)
    }
    return found


def user_agent(read: Reader, path: str, given: dict[str, Any]) -> str:
    """Return what the user agent says besides the SDK's own words."""
    from mwaalib import __version__

    own = f"Airflow/{'.'.join(map(str, airflow_version()))} mwaalib/{__version__}"
    extra = read.text(f"{path}.user_agent_extra", given.get("user_agent_extra"))
    return f"{own} {extra}" if extra else own
