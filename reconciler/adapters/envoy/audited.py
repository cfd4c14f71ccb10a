"""The access log of what is audited: a line on the standard output of the proxy for each request or connection that an
Audit is about, and for no other."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.envoy.kinds import typed

#: before the name of what is audited, in the metadata that the role filters leave
AUDITED = "audit_"
_POLICY = f"{AUDITED}shadow_effective_policy_id"
_CALLER = {
    "time": "%START_TIME%",
    "caller": "%DOWNSTREAM_PEER_URI_SAN%",
    "address": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%",
    "called": "%DOWNSTREAM_LOCAL_ADDRESS%",
}
_REQUEST = {
    "host": "%REQ(:AUTHORITY)%",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(:PATH)%",
    "status": "%RESPONSE_CODE%",
}


def of_requests() -> list[dict[str, Any]]:
    return [_log({"audit": f"%DYNAMIC_METADATA(envoy.filters.http.rbac:{_POLICY})%", **_CALLER, **_REQUEST})]


def of_connections() -> list[dict[str, Any]]:
    return [_log({"audit": f"%DYNAMIC_METADATA(envoy.filters.network.rbac:{_POLICY})%", **_CALLER})]


def _log(line: dict[str, str]) -> dict[str, Any]:
    hint = {"filter": "envoy.common", "path": [{"key": "access_log_hint"}], "value": {"bool_match": True}}
    log = typed("envoy.extensions.access_loggers.stream.v3.StdoutAccessLog", log_format={"json_format": line})
    return {
        "name": "reconciler.audit",
        "filter": {"metadata_filter": {"matcher": hint, "match_if_key_not_found": False}},
        "typed_config": log,
    }
