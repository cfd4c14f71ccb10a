"""What is done where requests arrive, by the proxies beside a service's workloads: injected faults and limits. The mesh
tells arriving requests apart by their caller only, so that these hold for all of them, to whatever service of the
workloads they were sent.

Source: kumahq/kuma, pkg/plugins/policies/meshfaultinjection/plugin/xds/configurer.go (a bandwidth in kbps is what the
proxy takes for KiB a second).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma.kinds import FAULT, RATE_LIMIT
from reconciler.adapters.kuma.lengths import duration
from reconciler.adapters.kuma.objects import arriving, build, proxies
from reconciler.adapters.kuma.percentages import percentage
from reconciler.adapters.leaves import section, tree
from reconciler.adapters.proxy_parts import kibibytes
from reconciler.adapters.retrying import abort_status
from reconciler.model.intents import HostIntent, MeshIntent, Origin, Route
from reconciler.model.native import NativeKind, NativeObject
from reconciler.model.rules import Leaf

Native = dict[str, Any]
_UNITS = {"Second": "1s", "Minute": "1m", "Hour": "1h", "Day": "24h"}
_FAULTS = ("traffic.fault.delay", "traffic.fault.abort", "traffic.fault.bandwidth")
_LIMIT = ("traffic.rateLimit.local",)


def arriving_policies(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> Iterator[NativeObject]:
    """The policies for the workloads of a service."""
    if fault := _shared([route for route in host.routes if not route.reject], _FAULTS, host, gaps):
        yield _policy(FAULT, {"http": _fault(fault, gaps)}, fault, host, intent, gaps)
    if limit := _shared(host.inbound, _LIMIT, host, gaps):
        yield _policy(RATE_LIMIT, {"local": {"http": _limit(limit[0], gaps)}}, limit, host, intent, gaps)


def _shared(routes: Sequence[Route], paths: tuple[str, ...], host: HostIntent, gaps: Gaps) -> list[Leaf]:
    """The leaves at and below some paths, which must be the same on every route."""
    found = [_at(route, paths) for route in routes]
    asked = next((leaves for leaves in found if leaves), [])
    said = [(leaf.path, leaf.value) for leaf in asked]
    if any([(leaf.path, leaf.value) for leaf in leaves] != said for leaves in found):
        told = f"the mesh cannot tell requests to {host.service.label} apart by more than their callers"
        gaps.error("mesh-inexpressible", told, asked[0], "ask for it for all requests to the service")
    return asked


def _at(route: Route, paths: tuple[str, ...]) -> list[Leaf]:
    return [leaf for leaf in route.leaves if any(f"{leaf.path}.".startswith(f"{path}.") for path in paths)]


def _policy(
    kind: NativeKind, default: Native, leaves: Sequence[Leaf], host: HostIntent, intent: MeshIntent, gaps: Gaps
) -> NativeObject:
    selector = dict(host.facts.selector) if host.facts else {}
    if not selector:
        told = f"no workloads are known behind {host.service.label}"
        gaps.error("mesh-inexpressible", told, leaves[0])
    spec = {"targetRef": proxies(selector, intent), **arriving(default, kind, intent)}
    origins = {Origin(leaf.policy, leaf.position) for leaf in leaves}
    return build(intent, kind, host.service.namespace, host.service.name, spec, origins)


def _fault(leaves: Sequence[Leaf], gaps: Gaps) -> list[Native]:
    asked, leaf = section(tree(leaves), "fault"), leaves[0]
    native: Native = {}
    if delay := section(asked, "delay"):
        native["delay"] = {
            "value": duration(delay.get("duration"), leaf, gaps),
            "percentage": percentage(delay.get("percent")),
        }
    if abort := section(asked, "abort"):
        http, grpc = abort_status(abort, leaf, gaps)
        if grpc is not None:
            gaps.error("mesh-inexpressible", "the mesh aborts with statuses of HTTP only", leaf)
        native["abort"] = {"httpStatus": http or 0, "percentage": percentage(abort.get("percent"))}
    if slow := section(asked, "bandwidth"):
        limit = f"{kibibytes(str(slow.get('limit')), leaf, gaps)}kbps"
        native["responseBandwidth"] = {"limit": limit, "percentage": percentage(slow.get("percent"))}
    return [native]


def _limit(leaf: Leaf, gaps: Gaps) -> Native:
    """Each proxy counts for itself."""
    asked: Mapping[str, Any] = leaf.value
    requests, interval = int(asked["requests"]), _UNITS.get(str(asked["unit"]), "")
    if int(asked.get("burst", requests)) != requests:
        gaps.error("mesh-inexpressible", "the mesh cannot let in more, or fewer, at once than in the whole time", leaf)
    if asked.get("per", "Route") != "Route" or "header" in asked:
        gaps.error("mesh-inexpressible", "the mesh counts all requests together", leaf)
    return {"requestRate": {"num": requests, "interval": interval}}
