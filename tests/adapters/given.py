"""Reads a mesh intent from the short YAML form of ``cases/<mesh>/<case>/given.yaml``; see any of them for the form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from reconciler.model.access import AccessAction, Jwt, JwtProvider, TokenPlace
from reconciler.model.destination_intents import DestinationIntent
from reconciler.model.destinations import DestinationPort, Endpoint, Subset
from reconciler.model.facts import (
    ClusterFacts,
    CrdFacts,
    GatewayFacts,
    MeshFacts,
    PortFacts,
    ProbeFacts,
    ServiceFacts,
    WorkloadFacts,
)
from reconciler.model.findings import Position
from reconciler.model.intents import (
    AccessIntent,
    Backend,
    DefaultDeny,
    HostIntent,
    Identity,
    MeshIntent,
    MtlsIntent,
    Origin,
    Route,
    TrafficSource,
)
from reconciler.model.refs import DocRef, KindId, ServiceRef, TargetId
from reconciler.model.rules import Leaf
from reconciler.model.selectors import ClaimMatch, GrpcMatch, Match, PathKind, PathMatch, ValueMatch

Given = Mapping[str, Any]


class Loader(yaml.SafeLoader):
    """YAML 1.2 as far as it matters here: ``on`` is a word."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:bool"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))


class Dumper(yaml.SafeDumper):
    """Writes out what occurs twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def read(path: Path, mesh: str = "istio") -> MeshIntent:
    return intent(yaml.load(path.read_text(), Loader), mesh)


def dump(value: Any) -> str:
    return yaml.dump(value, Dumper=Dumper, sort_keys=False, width=120)


#: a plain mesh of each type
PLAIN: Given = {
    "appmesh": {"type": "appmesh", "namespace": "appmesh-system", "version": "1.13.3"},
    "istio": {"type": "istio", "namespace": "istio-system", "trust_domain": "cluster.local"},
    "gateway-api": {"type": "gateway-api", "namespace": "", "version": "1.6.1", "channel": "experimental"},
    "smi": {
        "type": "smi",
        "namespace": "smi",
        "trust_domain": "cluster.local",
        "mtls": "Strict",
        "settings": {"access": "closed"},
    },
    "cilium": {"type": "cilium", "namespace": "kube-system", "version": "1.19.0", "trust_domain": "spiffe.cilium"},
    "kuma": {
        "type": "kuma",
        "namespace": "kuma-system",
        "version": "2.14.3",
        "trust_domain": "default.eu-1.mesh.local",
    },
    "linkerd": {"type": "linkerd", "namespace": "linkerd", "version": "2.20", "trust_domain": "cluster.local"},
    "consul": {"type": "consul", "namespace": "consul", "version": "1.20.1", "mtls": "Strict"},
    "envoy": {"type": "envoy", "namespace": "", "trust_domain": "cluster.local", "declared": True},
}


def intent(given: Given, plain: str = "istio") -> MeshIntent:
    """``given`` as a mesh intent on target eu-1/mesh. Fields that are not in it have the defaults of a plain mesh."""
    mesh = dict(given.get("mesh", {}))
    gateways = tuple(GatewayFacts(**gateway) for gateway in mesh.pop("gateways", ()))
    enrolled = tuple(mesh.pop("enrolled_namespaces", ()))
    deny, cluster = given.get("default_deny"), _cluster(given.get("cluster", {}))
    facts = MeshFacts(
        **(PLAIN.get(plain, {"type": plain, "namespace": ""}) | mesh), gateways=gateways, enrolled_namespaces=enrolled
    )
    return MeshIntent(
        target=TargetId("eu-1", "mesh"),
        cluster_domain=given.get("cluster_domain", "cluster.local"),
        cluster=_spoken(cluster) if facts.declared else cluster,
        mesh=facts,
        destinations=tuple(_declared(cluster, given.get("endpoints", {}))) if facts.declared else (),
        hosts=tuple(_host(name, host or {}, given) for name, host in given.get("hosts", {}).items()),
        access=tuple(_access(access) for access in given.get("access", ())),
        mtls=tuple(_mtls(mtls) for mtls in given.get("mtls", ())),
        default_deny=None if deny is None else DefaultDeny(_gateways(deny), (origin("VirtualMesh", "default/prod"),)),
    )


#: where a service answers whose endpoints are not given
ENDPOINTS: tuple[Given, ...] = (
    {"address": "10.0.1.1", "name": "one", "locality": "eu/a", "labels": {"version": "v1"}},
    {"address": "10.0.1.2", "name": "two", "locality": "us/b", "labels": {"version": "v2"}},
)


def _spoken(cluster: ClusterFacts) -> ClusterFacts:
    """Documents say what each port speaks; here its name does."""
    services = (
        replace(one, ports=tuple(replace(port, app_protocol=port.app_protocol or _said(port)) for port in one.ports))
        for one in cluster.services
    )
    return replace(cluster, services=tuple(services))


def _said(port: PortFacts) -> str:
    return port.name.partition("-")[0]


def _declared(cluster: ClusterFacts, endpoints: Mapping[str, Iterable[Given]]) -> Iterator[DestinationIntent]:
    """A document for each service; the proxies before its endpoints call the others."""
    for one in cluster.services:
        ports = tuple(DestinationPort(port.number, port.name, _said(port).upper()) for port in one.ports)
        yield DestinationIntent(
            service=one.ref,
            hosts=(one.ref.label,),
            ports=ports,
            external=False,
            resolution="",
            endpoints=tuple(Endpoint(**place) for place in endpoints.get(one.ref.label, ENDPOINTS)),
            selector={},
            visible_to=(),
            origins=(origin("Destination", one.ref.name),),
        )


def origin(kind: str, policy: str) -> Origin:
    namespace, _, name = policy.rpartition("/")
    return Origin(DocRef(kind, namespace or "default", name), Position(f"policies/{name}.yaml", 1, 1))


def service(name: str) -> ServiceRef:
    return ServiceRef(*name.split("."), cluster="eu-1")


#: what is one leaf, whatever it holds
_WHOLE = ("traffic.rateLimit.local", "traffic.rateLimit.global", "traffic.csrf", "traffic.extAuth")


def leaves(rule: Given, policy: str = "p") -> tuple[Leaf, ...]:
    """A rule as leaves, each at its finest path; header operations one leaf for each header."""
    made = origin("TrafficPolicy", policy)
    return tuple(Leaf(path, value, made.position, made.ref, key) for path, value, key in _flat("traffic", rule))


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any, str]]:
    parts = path.split(".")
    if len(parts) == 4 and parts[1] == "headers":
        names = value if isinstance(value, list) else [str(value)]
        operations = value.items() if isinstance(value, Mapping) else ((name, True) for name in names)
        yield from ((path, item, name) for name, item in operations)
    elif isinstance(value, Mapping) and path not in _WHOLE:
        for key, item in value.items():
            yield from _flat(f"{path}.{key}", item)
    else:
        yield path, value, ""


def _gateways(deny: Given) -> tuple[GatewayFacts, ...]:
    return tuple(GatewayFacts(**gateway) for gateway in deny.get("gateways", ()))


def _cluster(given: Given) -> ClusterFacts:
    crds = given.get("crds")
    return ClusterFacts(
        cluster="eu-1",
        namespaces=given.get("namespaces", {}),
        services=tuple(_service(name, facts) for name, facts in given.get("services", {}).items()),
        workloads=tuple(_workload(workload) for workload in given.get("workloads", ())),
        crds=None if crds is None else {_kind(kind): _crd(_kind(kind), versions) for kind, versions in crds.items()},
    )


def _workload(given: Given) -> WorkloadFacts:
    return WorkloadFacts(**{**given, "probes": tuple(ProbeFacts(**probe) for probe in given.get("probes", ()))})


def _kind(text: str) -> KindId:
    kind, _, group = text.partition(".")
    return KindId(group, kind)


def _crd(kind: KindId, said: list[str] | Given) -> CrdFacts:
    """Its versions; or these and, of what claims need, the fields that there are."""
    given = said if isinstance(said, Mapping) else {"versions": said}
    fields = frozenset(given["fields"]) if "fields" in given else None
    return CrdFacts(kind, f"{kind.kind.lower()}s", True, tuple(given["versions"]), fields)


def _service(name: str, facts: Given) -> ServiceFacts:
    ports = tuple(PortFacts(**port) for port in facts.get("ports", ()))
    return ServiceFacts(service(name), selector=facts.get("selector", {}), ports=ports)


def _host(name: str, host: Given, given: Given) -> HostIntent:
    ref, policy = service(name), host.get("policy", "p")
    cluster = _cluster(given.get("cluster", {}))
    return HostIntent(
        service=ref,
        facts=cluster.service(ref.name, ref.namespace),
        routes=tuple(_route(route, name, policy) for route in host.get("routes", ())),
        host_leaves=leaves(host.get("rule", {}), policy),
        subsets=tuple(Subset(subset, tuple(labels.items())) for subset, labels in host.get("subsets", {}).items()),
        origins=(origin("TrafficPolicy", policy),),
        inbound=tuple(_route(route, name, policy) for route in host.get("inbound", ())),
    )


def _route(route: Given, host: str, policy: str) -> Route:
    policy = route.get("policy", policy)
    inherited = leaves(route.get("inherited", {}), "everywhere")
    return Route(
        sources=tuple(
            TrafficSource(source.get("namespace", ""), tuple(sorted(source.get("labels", {}).items())))
            for source in route.get("from", ())
        ),
        matches=tuple(match(item) for item in route.get("match", ())),
        backends=tuple(_backend(item, host, 1) for item in route.get("to", ({},))),
        mirrors=tuple(_backend(item, host, 100) for item in route.get("mirror", ())),
        leaves=(*leaves(route.get("rule", {}), policy), *inherited),
        origins=(origin("TrafficPolicy", policy),),
        name=route.get("name", ""),
        reject=route.get("reject", False),
    )


def _backend(item: Given, host: str, weight: float) -> Backend:
    return Backend(
        service(item.get("service", host)),
        item.get("weight", weight),
        item.get("subset", ""),
        item.get("port", 0),
        item.get("headers", {}),
    )


def match(item: Given) -> Match:
    """A match in the long form of the neutral API."""
    return Match(
        path=_path(item["path"]) if "path" in item else None,
        methods=tuple(item.get("methods", ())),
        headers=tuple(_value(header) for header in item.get("headers", ())),
        query=tuple(_value(parameter) for parameter in item.get("query", ())),
        authority=item.get("authority", ""),
        scheme=item.get("scheme", ""),
        ports=tuple(item.get("ports", ())),
        sni=tuple(item.get("sni", ())),
        grpc=GrpcMatch(**item["grpc"]) if "grpc" in item else None,
        jwt_claims=_claims(item.get("jwtClaims", ())),
    )


def _claims(items: Iterable[Given]) -> tuple[ClaimMatch, ...]:
    return tuple(ClaimMatch(tuple(item["name"]), tuple(item["values"])) for item in items)


def _jwt(jwt: Given) -> Jwt:
    """Claims have a list of names; places are ``{header | query | cookie: name}``."""
    providers = tuple(
        JwtProvider(
            **{key: tuple(value) if isinstance(value, list) else value for key, value in one.items() if key != "from"},
            places=tuple(TokenPlace(kind, name) for place in one.get("from", ()) for kind, name in place.items()),
        )
        for one in jwt["providers"]
    )
    return Jwt(providers, jwt.get("require", True), _claims(jwt.get("claims", ())))


def _path(path: Given) -> PathMatch:
    kind = next(kind for kind in PathKind if kind.value in path)
    return PathMatch(kind, path[kind.value], path.get("ignoreCase", False))


def _value(value: Given) -> ValueMatch:
    kind = next(kind for kind in ("exact", "prefix", "suffix", "regex", "present") if kind in value)
    text = "" if kind == "present" else value[kind]
    return ValueMatch(value["name"], kind, text, value.get("invert", False), value.get("ignoreCase", False))


def _access(access: Given) -> AccessIntent:
    made = origin("AccessPolicy", access.get("policy", "p"))
    callers = access.get("from")
    return AccessIntent(
        service=service(access["service"]),
        selector=access.get("selector", {"app": access["service"].split(".")[0]}),
        action=AccessAction(access.get("action", "Allow")),
        identities=None if callers is None else tuple(_identity(caller) for caller in callers),
        matches=tuple(match(item) for item in access.get("match", ())),
        ports=tuple(access.get("ports", ())),
        policy=made.ref,
        origins=(made,),
        provider=access.get("provider", ""),
        jwt=_jwt(access["jwt"]) if "jwt" in access else None,
    )


def _identity(caller: Given) -> Identity:
    return Identity(**{field: tuple(value) if isinstance(value, list) else value for field, value in caller.items()})


def _mtls(mtls: Given) -> MtlsIntent:
    name = mtls.get("service")
    selector = mtls.get("selector", {"app": name.split(".")[0]} if name else {})
    ref = service(name) if name else None
    return MtlsIntent(mtls["mode"], ref, selector, (origin("TrafficPolicy" if name else "Mesh", "p"),))
