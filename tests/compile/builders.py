"""Small ways to say what is asked and what is there, and a mesh that writes down its intent as it gets it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from reconciler.adapters.base import Adapter, Capability, Level
from reconciler.adapters.built import Built, built
from reconciler.adapters.gaps import Gaps
from reconciler.compile import compile_state, intents
from reconciler.model.access import AccessAction, AccessPolicy
from reconciler.model.clusters import Cluster, DirectoryConnection, ProxiesConnection
from reconciler.model.destinations import Destination
from reconciler.model.documents import DesiredState, View
from reconciler.model.extensions import Extension
from reconciler.model.facts import ClusterFacts, Facts, MeshFacts, PortFacts, ServiceFacts, WorkloadFacts
from reconciler.model.findings import Finding, Position
from reconciler.model.intents import AccessIntent, HostIntent, MeshIntent, MtlsIntent, Origin
from reconciler.model.meshes import Mesh, VirtualMesh
from reconciler.model.native import Compiled, NativeKind, NativeObject, Verdict
from reconciler.model.refs import DocRef, KindId, ObjectKey, ServiceRef, TargetId
from reconciler.model.rules import Leaf, RouteEntry
from reconciler.model.selectors import Match, MeshSet, PathKind, PathMatch, PolicySource, PolicyTarget, ValueMatch
from reconciler.model.settings import Settings
from reconciler.model.traffic import TrafficPolicy

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TARGET, US = TargetId("eu", "mesh"), TargetId("us", "mesh")
#: a rule that every mesh can carry out
TIMEOUT = {"traffic.timeout.request": "1s"}

HOST = NativeKind(KindId("toy.example.org", "Host"), ("v1",), "hosts", wave=30)
RULE = NativeKind(KindId("toy.example.org", "Rule"), ("v1",), "rules", wave=40)
MODE = NativeKind(KindId("toy.example.org", "Mode"), ("v1",), "modes", wave=35)


def native(
    kind: NativeKind, namespace: str, name: str, spec: Mapping[str, Any], origins: Iterable[Origin]
) -> NativeObject:
    body = {
        "apiVersion": kind.api_version(kind.versions[0]),
        "kind": kind.kind.kind,
        "metadata": {"namespace": namespace, "name": name},
        "spec": spec,
    }
    key = ObjectKey(kind.kind.group, kind.kind.kind, namespace, name)
    return NativeObject(key, kind, body, tuple(sorted(origins)))


def emit_hosts(intent: MeshIntent) -> Iterable[Built]:
    for host in intent.hosts:
        spec = {"routes": len(host.routes), "subsets": [subset.name for subset in host.subsets]}
        yield Built((native(HOST, host.service.namespace, host.service.name, spec, host.origins),))


#: values and parts of routes that the mesh of ``picky`` cannot say, beside calls of more than three policies at once
ODD = ("/x", 2, "Maglev", "2m")


def emit_picky(intent: MeshIntent) -> Iterable[Built]:
    """As ``emit_hosts``, of a mesh that cannot say everything that it claims."""
    for host in intent.hosts:
        gaps = Gaps()
        for leaf in (*host.host_leaves, *(leaf for route in host.routes for leaf in route.leaves)):
            if leaf.value in ODD:
                gaps.error("mesh-invalid-value", f"not {leaf.value}", leaf)
        for route in host.routes:
            if any(match.headers for match in route.matches):
                gaps.about(route.askers.match).error("mesh-invalid-value", "no headers")
            if any(one.subset == "v2" for one in route.backends):
                gaps.about(route.askers.backends).error("mesh-invalid-value", "no second version")
            if route.mirrors and route.matches:
                gaps.about(route.askers.mirrors).error("mesh-invalid-value", "no mirror of a part")
        spec = {"routes": len(host.routes), "subsets": [subset.name for subset in host.subsets]}
        made = native(HOST, host.service.namespace, host.service.name, spec, host.origins)
        yield built([made], gaps, host.origins, intent, host.service)


def emit_crowds(intent: MeshIntent) -> Iterable[Built]:
    """What is asked by too many at once, of whom none is to blame."""
    for host in intent.hosts:
        gaps = Gaps()
        if len(host.origins) > 3:
            gaps.error("mesh-inexpressible", "too many at once")
        made = native(MODE, host.service.namespace, f"crowd-{host.service.name}", {}, host.origins)
        yield built([made], gaps, host.origins, intent, host.service)


def emit_rules(intent: MeshIntent) -> Iterable[Built]:
    for rule in intent.access:
        name = f"{rule.policy.name}-{rule.service.name}"
        yield Built((native(RULE, rule.service.namespace, name, {"action": rule.action.value}, rule.origins),))
    if intent.default_deny is not None:
        yield Built((native(RULE, intent.mesh.namespace, "default", {}, intent.default_deny.origins),))


def emit_modes(intent: MeshIntent) -> Iterable[Built]:
    for mode in intent.mtls:
        name = mode.service.name if mode.service else "default"
        namespace = mode.service.namespace if mode.service else intent.mesh.namespace
        yield Built((native(MODE, namespace, name, {"mode": mode.mode}, mode.origins),))


def toy(levels: Mapping[str, Level] | None = None, **changes: Any) -> Adapter:
    """A mesh that can do everything but what ``levels`` says otherwise about."""
    claims = {path: Capability(path, Level.NATIVE) for path in ("traffic", "access", "mesh")}
    claims |= {path: Capability(path, level, note=f"{path} is odd") for path, level in (levels or {}).items()}
    base = Adapter(
        name="toy",
        kinds=(HOST, RULE, MODE),
        detect_kinds=(),
        detect=lambda _objects: (),
        default_mesh=MeshFacts("toy", "toy-system", trust_domain="cluster.local"),
        emitters=(emit_hosts, emit_rules, emit_modes),
        capabilities=lambda _profile: claims,
    )
    return replace(base, **changes)


def picky(*emitters: Any) -> Adapter:
    """A mesh that finds while it writes what it cannot say."""
    return toy(emitters=(emit_picky, emit_rules, emit_modes, *emitters))


_lines = iter(range(1, 1_000_000))


def at(path: str = "policies/p.yaml") -> Position:
    """A place that no other has."""
    return Position(path, next(_lines), 3)


def ref(name: str, kind: str = "TrafficPolicy", namespace: str = "default") -> DocRef:
    return DocRef(kind, namespace, name)


def svc(text: str) -> ServiceRef:
    return ServiceRef(*text.split("."))


def to(*services: str, **fields: Any) -> PolicyTarget:
    return PolicyTarget(services=tuple(svc(one) for one in services), position=at(), **fields)


def entry(service: str = "", subset: str = "", weight: float = 1, **fields: Any) -> RouteEntry:
    services = (svc(service),) if service else ()
    return RouteEntry(PolicyTarget(services=services, subset_name=subset, position=at(), **fields), weight)


def path(value: str, kind: PathKind = PathKind.PREFIX) -> Match:
    return Match(path=PathMatch(kind, value))


def header(name: str, value: str = "on") -> Match:
    return Match(headers=(ValueMatch(name, "exact", value),))


def traffic(name: str, *targets: PolicyTarget, rule: Mapping[str, Any] | None = None, **fields: Any) -> TrafficPolicy:
    """``rule`` maps capability paths to values; "path key" sets a leaf of one key."""
    policy = ref(name)
    leaves = []
    for text, value in (rule or {}).items():
        leaf_path, _, key = text.partition(" ")
        leaves.append(Leaf(leaf_path, value, at(), policy, key))
    fields.setdefault("position", at())
    if isinstance(fields.get("sources"), PolicySource):
        fields["sources"] = (fields["sources"],)
    return TrafficPolicy(policy, targets=targets or (to("web.shop"),), leaves=tuple(leaves), **fields)


def access(name: str, *targets: PolicyTarget, action: str = "Allow", **fields: Any) -> AccessPolicy:
    fields.setdefault("position", at())
    policy = ref(name, "AccessPolicy")
    return AccessPolicy(policy, action=AccessAction(action), targets=targets or (to("web.shop"),), **fields)


def group(name: str = "prod", **fields: Any) -> VirtualMesh:
    """A virtual mesh of all meshes."""
    fields.setdefault("members", MeshSet())
    return VirtualMesh(ref(name, "VirtualMesh"), at(), access_position=at(), mtls_position=at(), **fields)


def source(*services: str, **fields: Any) -> PolicySource:
    return PolicySource(services=tuple(svc(one) for one in services), position=at(), **fields)


def service(text: str, *ports: PortFacts, cluster: str = "eu", **fields: Any) -> ServiceFacts:
    name, namespace = text.split(".")
    fields.setdefault("selector", {"app": name})
    return ServiceFacts(ServiceRef(name, namespace, cluster), ports=ports or (PortFacts(80, "http", 8080),), **fields)


def workload(text: str, account: str = "", version: str = "v1", **fields: Any) -> WorkloadFacts:
    name, namespace = text.split(".")
    fields.setdefault("labels", {"app": name, "version": version})
    return WorkloadFacts("Deployment", namespace, f"{name}-{version}", service_account=account or name, **fields)


SERVICES = ("web.shop", "api.shop", "db.shop", "jobs.batch")


def cluster_facts(cluster: str = "eu", domain: str = "", **changes: Any) -> ClusterFacts:
    """The shop: four services with a workload each, and version v2 of the web."""
    base = ClusterFacts(
        cluster,
        namespaces={"shop": {}, "batch": {}},
        services=tuple(service(one, cluster=cluster) for one in SERVICES),
        workloads=(*(workload(one) for one in SERVICES), workload("web.shop", version="v2")),
        meshes=(MeshFacts("toy", "toy-system", "1.0", trust_domain=domain or f"{cluster}.example.org"),),
    )
    return replace(base, **changes)


@dataclass
class Given:
    """A repository and its clusters, one mesh document each; documents read the same on every target."""

    documents: tuple[Any, ...]
    facts: Mapping[str, ClusterFacts] = field(default_factory=lambda: {"eu": cluster_facts()})
    targets: tuple[TargetId, ...] = (TARGET,)
    adapter: Adapter = field(default_factory=toy)
    settings: Settings = field(default_factory=Settings)
    mesh: Mapping[str, Any] = field(default_factory=dict)
    ages: Mapping[Position, int] = field(default_factory=dict)
    broken: tuple[Any, ...] = ()
    unfit: bool = False  # the connection of the clusters

    def arguments(self) -> tuple[Any, ...]:
        names = sorted({target.mesh for target in self.targets})
        meshes = tuple(
            Mesh(
                ref(name, "Mesh"),
                Position("meshes.yaml", 1, 1),
                "toy",
                tuple(t.cluster for t in self.targets if t.mesh == name),
                **self.mesh,
            )
            for name in names
        )

        def of(kind: type) -> tuple[Any, ...]:
            return tuple(sorted((one for one in self.documents if isinstance(one, kind)), key=lambda one: one.ref))

        view = View(meshes, of(VirtualMesh), of(Destination), of(TrafficPolicy), of(AccessPolicy), of(Extension))
        kind = ProxiesConnection if self.adapter.default_mesh.declared and not self.unfit else DirectoryConnection
        clusters = {t.cluster: Cluster(t.cluster, at(), kind(t.cluster)) for t in self.targets}
        desired = DesiredState("abc", self.settings, clusters, dict.fromkeys(self.targets, view), {}, self.broken)
        unreachable = {t.cluster: "down" for t in self.targets if t.cluster not in self.facts}
        return desired, Facts(self.facts, unreachable), {"toy": self.adapter}, NOW, self.ages

    def compiled(self) -> Compiled:
        return compile_state(*self.arguments())

    def intent(self, target: TargetId = TARGET) -> MeshIntent:
        return intents(*self.arguments())[target]

    def host(self, name: str = "web.shop") -> HostIntent:
        return next(one for one in self.intent().hosts if f"{one.service.name}.{one.service.namespace}" == name)

    def rule(self, name: str) -> AccessIntent:
        return next(one for one in self.intent().access if one.policy.name == name)

    def mode(self) -> tuple[MtlsIntent, ...]:
        return self.intent().mtls


def given(*documents: Any, **fields: Any) -> Given:
    return Given(documents, **fields)


def found(compiled: Compiled, code: str) -> list[Finding]:
    return [finding for finding in compiled.findings if finding.code == code]


def codes(compiled: Compiled) -> list[str]:
    return sorted(finding.code for finding in compiled.findings)


def verdict(compiled: Compiled, policy: str, capability: str) -> Verdict:
    return next(one for one in compiled.verdicts if one.policy.endswith(f"/{policy}") and one.capability == capability)


def held(compiled: Compiled) -> list[str]:
    return sorted(hold.ref.name if hold.ref else "" for hold in compiled.holds)


def names(compiled: Compiled, target: TargetId = TARGET) -> list[str]:
    return [str(one.key) for one in compiled.objects[target]]
