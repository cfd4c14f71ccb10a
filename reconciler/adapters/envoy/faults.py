"""Injected faults, by the caller's proxy: requests that wait or fail, and answers that come slowly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.envoy.amounts import length
from reconciler.adapters.envoy.filters import FAULT
from reconciler.adapters.envoy.kinds import typed
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section
from reconciler.adapters.proxy_parts import kibibytes, share
from reconciler.adapters.retrying import abort_status
from reconciler.model.intents import Route
from reconciler.model.rules import Leaf

_FAULT = "envoy.extensions.filters.http.fault.v3.HTTPFault"


def fault(route: Route, rule: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    """By the name of the filter; empty when the rule asks for none."""
    asked = section(rule, "fault")
    leaf = leaf_at(route.leaves, "traffic.fault")
    native: dict[str, Any] = {}
    if delay := section(asked, "delay"):
        waits = {"fixed_delay": length(delay.get("duration"), leaf, gaps)}
        native["delay"] = {**waits, "percentage": share(delay.get("percent"))}
    if abort := section(asked, "abort"):
        native["abort"] = _status(abort, leaf, gaps) | {"percentage": share(abort.get("percent"))}
    if slow := section(asked, "bandwidth"):
        limit = {"limit_kbps": kibibytes(str(slow.get("limit")), leaf, gaps)}
        native["response_rate_limit"] = {"fixed_limit": limit, "percentage": share(slow.get("percent"))}
    return {FAULT: typed(_FAULT, **native)} if native else {}


def _status(abort: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> dict[str, Any]:
    http, grpc = abort_status(abort, leaf, gaps)
    if http is not None:
        return {"http_status": http}
    return {"grpc_status": grpc} if grpc is not None else {}
