"""Which capabilities a policy uses: its leaves, conditions and sources as dotted paths without lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from reconciler.compile.entries import MIRROR, ROUTE, route_entries
from reconciler.model.access import AccessPolicy
from reconciler.model.findings import Position
from reconciler.model.rules import Leaf
from reconciler.model.selectors import Match, PolicySource, PolicyTarget, ValueMatch
from reconciler.model.traffic import TrafficPolicy

HOST_WIDE = (
    "traffic.connections",
    "traffic.healthCheck",
    "traffic.loadBalancing",
    "traffic.mtls",
    "traffic.outlier",
    "traffic.protocol",
    "traffic.retries.budget",
    "traffic.timeout.connect",
    "traffic.tls",
)
#: what the destination's own side does with a request that has reached it
SERVER_SIDE = ("traffic.csrf", "traffic.extAuth", "traffic.rateLimit")
MTLS = "traffic.mtls"
#: what there is only where requests are seen, and not where connections are; beside what is done on the server's side
OF_REQUESTS = (
    "traffic.cors",
    "traffic.dlp",
    "traffic.fault",
    "traffic.headers",
    "traffic.loadBalancing.hash.cookie",
    "traffic.loadBalancing.hash.header",
    "traffic.loadBalancing.hash.query",
    "traffic.match.authority",
    "traffic.match.grpc",
    "traffic.match.headers",
    "traffic.match.jwtClaims",
    "traffic.match.methods",
    "traffic.match.path",
    "traffic.match.query",
    "traffic.match.scheme",
    "traffic.mirror",
    "traffic.redirect",
    "traffic.respond",
    "traffic.retries",
    "traffic.rewrite",
    "traffic.route.headers",
    "traffic.timeout.idle",
    "traffic.timeout.request",
    "traffic.timeout.stream",
    "traffic.transform",
    "traffic.unmatched",
)
#: by which it is chosen where a connection goes
ROUTING = ("traffic.from", "traffic.match.ports", "traffic.route")


@dataclass(frozen=True, slots=True)
class Use:
    """One use of the capability ``path``; ``detail`` is a finer path that an adapter may claim on its own.

    ``value`` is what a leaf is set to where that is a plain value, ``count`` how many items a list has.
    """

    path: str
    position: Position
    detail: str = ""
    value: str | float | None = None
    count: int = 0


def host_wide(leaf: Leaf) -> bool:
    """Whether a leaf holds for a host as a whole, so that it cannot depend on match or from."""
    return _below(leaf.path, HOST_WIDE)


def server_side(leaf: Leaf) -> bool:
    """Whether a leaf is carried out where requests arrive, not where they are sent."""
    return _below(leaf.path, SERVER_SIDE)


def needs_requests(use: Use, *, routed: bool) -> bool:
    """Whether a use is about requests, or about the way of connections where the mesh does not choose that
    (not ``routed``)."""
    path = use.detail or use.path
    return _below(path, OF_REQUESTS) or (not routed and _below(path, ROUTING))


@lru_cache(maxsize=10_000)
def _below(path: str, above: tuple[str, ...]) -> bool:
    return any(path == one or path.startswith(f"{one}.") for one in above)


def traffic_uses(policy: TrafficPolicy, sources: Iterable[PolicySource]) -> tuple[Use, ...]:
    """What a traffic policy asks of the mesh of one target; ``sources`` are those that may be there."""
    uses = [use for leaf in policy.leaves for use in leaf_uses(leaf)]
    uses += _match_uses("traffic", policy.matches, policy.position)
    uses += _target_uses("traffic", policy.targets)
    uses += [use for source in sources for use in _source_uses("traffic", source)]
    if policy.reject_unmatched:
        uses.append(Use("traffic.unmatched", policy.position))
    return tuple(dict.fromkeys(uses))


def all_traffic_uses(policy: TrafficPolicy) -> tuple[Use, ...]:
    return traffic_uses(policy, policy.sources or ())


def access_uses(policy: AccessPolicy) -> tuple[Use, ...]:
    if not policy.authorizes:
        return ()
    uses = [Use(f"access.{policy.action.value.lower()}", policy.position)]
    if policy.priority:
        uses.append(Use("access.priority", policy.position))
    uses += _jwt_uses(policy)
    uses += _match_uses("access", policy.matches, policy.position)
    uses += _target_uses("access", policy.targets)
    for source in policy.sources or ():
        uses += _source_uses("access", source)
        scope = (("meshes", source.meshes is not None), ("clusters", bool(source.clusters)))
        uses += [Use(f"access.from.{field}", source.position) for field, used in scope if used]
    return tuple(dict.fromkeys(uses))


def scope_uses(policy: AccessPolicy) -> tuple[Use, ...]:
    """What its reach asks of the callers' side."""
    return (Use("access.scope", policy.position),) if policy.scopes else ()


def _jwt_uses(policy: AccessPolicy) -> list[Use]:
    if policy.jwt is None:
        return []
    uses = [Use("access.jwt", policy.jwt.providers[0].position)]
    for one in policy.jwt.providers:
        uses += [Use("access.jwt", one.position, f"access.jwt.from.{place.kind}") for place in one.places]
    given = (("require", policy.jwt.require), ("claims", bool(policy.jwt.claims)))
    uses += [Use("access.jwt", policy.position, f"access.jwt.{field}") for field, used in given if used]
    return uses


def leaf_uses(leaf: Leaf) -> Iterable[Use]:
    if leaf.path not in (ROUTE, MIRROR):
        finer = _fields(leaf.path, leaf.value) or [("", leaf.value)]
        yield from (Use(leaf.path, leaf.position, path, _plain(value), _count(value)) for path, value in finer)
        return
    base = f"{ROUTE}.weight" if leaf.path == ROUTE else MIRROR
    in_part = leaf.path == MIRROR and any(entry.weight != 100 for entry in route_entries(leaf))
    yield Use(base, leaf.position, f"{MIRROR}.percent" if in_part else "")
    for entry in route_entries(leaf):
        if entry.to.subset or entry.to.subset_name:
            subset = f"{leaf.path}.subset"
            yield Use(subset if leaf.path == ROUTE else base, leaf.position, subset)
        if entry.to.ports:
            yield Use(base, leaf.position, f"{leaf.path}.ports")
        if entry.headers:
            headers = f"{leaf.path}.headers"
            yield Use(headers if leaf.path == ROUTE else base, leaf.position, headers)


def _fields(path: str, value: object) -> list[tuple[str, object]]:
    """The paths below a leaf that is merged as a whole, whose fields a mesh may still have one by one."""
    if isinstance(value, (list, tuple)):
        return [found for item in value for found in _fields(path, item)]
    if not isinstance(value, Mapping):
        return []
    found = []
    for key, below in value.items():
        finer = _fields(f"{path}.{key}", below)
        found += [] if finer and isinstance(below, Mapping) else [(f"{path}.{key}", below)]
        found += finer
    return found


def _plain(value: object) -> str | float | None:
    return value if isinstance(value, (str, int, float)) else None


def _count(value: object) -> int:
    return len(value) if isinstance(value, (list, tuple)) else 0


def _match_uses(kind: str, matches: Iterable[Match], position: Position) -> list[Use]:
    uses = []
    for match in matches:
        base = f"{kind}.match"
        if match.path is not None:
            uses.append(Use(f"{base}.path.{match.path.kind.value}", position))
            if match.path.ignore_case:
                uses.append(Use(f"{base}.path.{match.path.kind.value}", position, f"{base}.path.ignoreCase"))
        for field, values in (("headers", match.headers), ("query", match.query)):
            uses += [Use(f"{base}.{field}", position, f"{base}.{field}.{kind}") for kind in _operators(values)]
        given = (
            ("methods", bool(match.methods)),
            ("authority", bool(match.authority)),
            ("scheme", bool(match.scheme)),
            ("ports", bool(match.ports)),
            ("sni", bool(match.sni)),
            ("jwtClaims", bool(match.jwt_claims)),
        )
        uses += [Use(f"{base}.{field}", position) for field, used in given if used]
        if match.grpc is not None:
            parts = (("service", match.grpc.service), ("method", match.grpc.method))
            uses += [Use(f"{base}.grpc", position, f"{base}.grpc.{part}") for part, said in parts if said]
    return uses


def _operators(values: Iterable[ValueMatch]) -> Iterable[str]:
    for value in values:
        yield value.kind
        if value.invert:
            yield "invert"
        if value.ignore_case:
            yield "ignoreCase"


def _target_uses(kind: str, targets: Iterable[PolicyTarget]) -> list[Use]:
    parts = [one for one in targets if one.subset or one.subset_name]
    return [
        *(Use(f"{kind}.match.ports", target.position) for target in targets if target.ports),
        *(Use(f"{kind}.to.subset", target.position) for target in parts),
    ]


def _source_uses(kind: str, source: PolicySource) -> list[Use]:
    base = f"{kind}.from"
    labels = source.workload_labels
    fields = (
        ("namespaces", "", bool(source.namespaces)),
        ("workloads", "names", bool(source.workload_names)),
        ("workloads", "kinds", bool(source.workload_kinds)),
        ("workloads", "labels", bool(labels.match_labels or labels.match_expressions)),
        ("serviceAccounts", "", bool(source.service_accounts)),
        ("identities", "", bool(source.identities)),
        ("gateways", "", bool(source.gateways)),
        ("ipBlocks", "include", bool(source.ip_include)),
        ("ipBlocks", "exclude", bool(source.ip_exclude)),
        ("authenticated", "", bool(source.authenticated)),
        ("services", "", bool(source.services)),
    )
    return [
        Use(f"{base}.{field}", source.position, f"{base}.{field}.{detail}" if detail else "")
        for field, detail, used in fields
        if used
    ]
