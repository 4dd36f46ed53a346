"""The role that a connection asks to assume."""

from __future__ import annotations

import os
import re
from typing import Any

from mwaalib.connection.reader import Reader

ASSUME_ROLE = {
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


# What AssumeRoleWithWebIdentity does not take.
_ROLE_ONLY = {
    "external_id": "external_id",
    "tags": "assume_role_kwargs.Tags",
    "transitive_tag_keys": "assume_role_kwargs.TransitiveTagKeys",
    "source_identity": "assume_role_kwargs.SourceIdentity",
    "serial_number": "assume_role_kwargs.SerialNumber",
    "token_code": "assume_role_kwargs.TokenCode",
}


def assume_role(read: Reader, extra: dict[str, Any], conn: Any) -> dict[str, Any] | None:
    """Return the role to assume and how, or None without one."""
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
        if name not in ASSUME_ROLE:
            raise read.error(path, f"unknown parameter, known are {', '.join(sorted(ASSUME_ROLE))}")
        field, kind = ASSUME_ROLE[name]
        if kind is list:
            role[field] = read.items(path, value)
        elif kind is int:
            role[field] = read.number(path, value, whole=True)
        else:
            role[field] = read.text(path, value)
    if "policy_arns" in role:
        role["policy_arns"] = [_policy_arn(read, item) for item in role["policy_arns"]]
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
        for field in sorted(set(role) & set(_ROLE_ONLY)):
            read.warn(f"extra.{_ROLE_ONLY[field]}", (), f"has no effect with assume_role_method {method!r}")
            del role[field]
    else:
        for name in ("assume_role_with_web_identity_token_file", "assume_role_with_web_identity_federation"):
            if extra.get(name):
                read.warn(
                    f"extra.{name}",
                    (),
                    "has no effect without assume_role_method 'assume_role_with_web_identity'",
                )
    role.setdefault("session_name", re.sub(r"[^\w+=,.@-]+", "-", f"Airflow_{conn.conn_id}")[:64])
    return {name: value for name, value in role.items() if value not in (None, [])}


def _policy_arn(read: Reader, item: Any) -> str:
    arn = item.get("arn") if isinstance(item, dict) else item
    if not isinstance(arn, str):
        raise read.error("extra.assume_role_kwargs.PolicyArns", f"expected {{'arn': text}}, got {item!r}")
    return arn
