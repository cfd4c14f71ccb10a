"""What an object takes for itself: a Service of which requests are shared out, and a host with settings. Of several the
products take the first, or refuse the second. None of them tells of the health of an object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.leaves import section


def claims(body: Mapping[str, Any]) -> tuple[str, ...]:
    spec = section(body, "spec")
    namespace = str(section(body, "metadata").get("namespace", ""))
    match body.get("kind"):
        case "TrafficSplit":
            name = str(spec.get("service", "")).partition(".")[0]
            return () if spec.get("matches") else (f"shares of Service {namespace}/{name}",)
        case "UpstreamTrafficSetting":
            return (f"settings of host {spec.get('host', '')}",)
    return ()
