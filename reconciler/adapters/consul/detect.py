"""Recognises Consul: servers that tell of themselves (the I/O layer gives them as one object), or what the Helm chart
of consul-k8s installs (label ``app: consul``, ``component: server | connect-injector | …``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.adapters.consul.enrolment import enrolled_namespaces, exceptions, marks, refuses_by_default
from reconciler.adapters.consul.kinds import GROUP, MESH, PROXY_DEFAULTS
from reconciler.adapters.consul.names import ANY, DEFAULT_NAMESPACE, PLACE
from reconciler.adapters.leaves import section
from reconciler.adapters.raw import Object, containers, labels, mappings, name, namespace, template, texts
from reconciler.model.facts import OUTSIDE, GatewayFacts, MeshFacts, PortFacts
from reconciler.model.native import NativeKind

TYPE = "consul"
DATACENTER = "Datacenter"
#: in the names of components of the chart
_ROLES = {"ingress-gateway": "Ingress", "api-gateway": "Ingress", "mesh-gateway": "EastWest"}
_ROLES |= {"terminating-gateway": "Egress"}
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
Kinds = Mapping[str, list[Object]]


def detect(objects: Iterable[Object]) -> tuple[MeshFacts, ...]:
    """One for each datacenter of servers, and one for each namespace that the chart is installed in."""
    kinds: dict[str, list[Object]] = {}
    for found in objects:
        kinds.setdefault(str(found.get("kind", "")), []).append(found)
    told = [_told(item, kinds) for item in kinds.get(DATACENTER, [])]
    places = sorted({namespace(item) for item in _components(kinds)})
    return (*told, *(_installed(place, kinds) for place in places))


def _told(item: Object, kinds: Kinds) -> MeshFacts:
    spec = section(item, "spec")
    outside = texts(spec.get("outside"))
    return MeshFacts(
        type=TYPE,
        namespace=DEFAULT_NAMESPACE,
        version=str(spec.get("version", "")),
        trust_domain=str(spec.get("trustDomain", "")),
        mtls=_mode(kinds),
        gateways=tuple(_gateway(one) for one in mappings(spec.get("gateways"))),
        enrolled_namespaces=(DEFAULT_NAMESPACE,),
        workload_profiles={f"{DEFAULT_NAMESPACE}/Instance/{one}": OUTSIDE for one in outside},
        settings=_settings(kinds, str(spec.get("datacenter", "")), str(spec.get("defaultPolicy", ""))),
    )


def _gateway(one: Object) -> GatewayFacts:
    ports = tuple(PortFacts(number) for number in one.get("ports") or () if isinstance(number, int))
    role = str(one.get("role", ""))
    return GatewayFacts(str(one["name"]), DEFAULT_NAMESPACE, role, {}, texts(one.get("addresses")), ports)


def _components(kinds: Kinds) -> list[Object]:
    """Servers, or the injector where the servers are elsewhere."""
    found = [item for kind in _WORKLOADS for item in kinds.get(kind, []) if labels(item).get("app") == "consul"]
    return [item for item in found if _component(item) in ("server", "connect-injector")]


def _component(item: Object) -> str:
    return str(labels(item).get("component", ""))


def _installed(place: str, kinds: Kinds) -> MeshFacts:
    own = [item for item in _components(kinds) if namespace(item) == place]
    injectors = [item for item in own if _component(item) == "connect-injector"]
    workloads = [item for kind in _WORKLOADS for item in kinds.get(kind, [])]
    return MeshFacts(
        type=TYPE,
        namespace=place,
        version=_version(own),
        mtls=_mode(kinds),
        gateways=tuple(sorted(_gateways(place, kinds), key=lambda one: one.name)),
        enrolled_namespaces=enrolled_namespaces(injectors, kinds.get("Namespace", []), workloads, place),
        workload_profiles=exceptions(injectors, workloads),
        settings=_settings(kinds, "", "deny" if refuses_by_default(injectors) else "") | marks(workloads),
    )


def _version(own: Sequence[Object]) -> str:
    """The tag of the servers' image; the injector has one of consul-k8s, whose numbers are others."""
    for item in own:
        for container in containers(section(template(item), "spec") and template(item)):
            image = str(container.get("image", ""))
            tag = image.partition("@")[0].rpartition(":")[2]
            if _component(item) == "server" and container.get("name") == "consul" and "/" not in tag:
                return tag
    return ""


def _gateways(place: str, kinds: Kinds) -> Iterable[GatewayFacts]:
    for item in (one for kind in _WORKLOADS for one in kinds.get(kind, [])):
        role = _ROLES.get(_component(item), "")
        if labels(item).get("app") == "consul" and role and namespace(item) == place:
            pods = {str(key): str(value) for key, value in sorted(labels(template(item)).items())}
            yield GatewayFacts(_gateway_name(item), place, role, pods)


def _gateway_name(item: Object) -> str:
    """What it is registered as, and so what callers see; else what its workload is called."""
    given = section(section(template(item), "metadata"), "annotations")
    return str(given.get("consul.hashicorp.com/gateway-consul-service-name") or name(item))


def _mode(kinds: Kinds) -> str:
    modes = {str(section(item, "spec").get("mutualTLSMode", "")) for item in kinds.get("ProxyDefaults", [])}
    return "Permissive" if "permissive" in modes else "Strict"


def _protocol(kinds: Kinds) -> str:
    said = (section(section(item, "spec"), "config").get("protocol") for item in kinds.get("ProxyDefaults", []))
    return next((str(one).lower() for one in said if one), "")


def _place(kind: NativeKind, kinds: Kinds) -> str:
    own = (item for item in kinds.get(kind.kind.kind, []) if str(item.get("apiVersion", "")).startswith(f"{GROUP}/"))
    return next((namespace(item) for item in own), "")


def _settings(kinds: Kinds, datacenter: str, default: str) -> dict[str, str]:
    """``default``: what servers do where no intention speaks of a call; ``intentions``: that, or what that for all
    services says; ``protocol``: what services speak that say nothing of it; ``place.<kind>``: where its object is."""
    found = {"datacenter": datacenter, "default": default, "intentions": default, "protocol": _protocol(kinds)}
    for item in kinds.get("ServiceIntentions", []):
        spec = section(item, "spec")
        if section(spec, "destination").get("name") == ANY:
            for one in mappings(spec.get("sources")):
                if one.get("name") == ANY and "action" in one:
                    found["intentions"] = str(one["action"])
    found |= {f"{PLACE}{one.kind.kind}": _place(one, kinds) for one in (MESH, PROXY_DEFAULTS)}
    return {key: value for key, value in sorted(found.items()) if value}
