"""Recognises Cilium from the DaemonSet of its agents and the ConfigMap that they read.

Labels of the DaemonSet and keys of ``cilium-config`` are those of the chart (install/kubernetes/cilium/templates/
cilium-agent/daemonset.yaml and cilium-configmap.yaml in cilium/cilium). There are no proxies beside pods: every pod
with an address of the network is in the mesh.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.adapters.cilium.kinds import AGENTS
from reconciler.adapters.leaves import section
from reconciler.adapters.raw import Object, containers, labels, name, namespace, template
from reconciler.adapters.standard.kinds import BUNDLE
from reconciler.adapters.standard.seen import classes, gateway, release
from reconciler.model.facts import GatewayFacts, MeshFacts

TYPE = "cilium"
CONFIG = "cilium-config"
#: of identities, as the mesh is installed; without mutual authentication nobody shows any
TRUST_DOMAIN = "spiffe.cilium"
#: the controller of gateway classes of this mesh
CONTROLLER = "io.cilium/gateway-controller"
#: where nobody's services live, and a mistake would take the cluster down
SYSTEM = ("kube-node-lease", "kube-public", "kube-system")
_PROXIES = "cilium-envoy"
#: what of the configuration changes what policies do
_SETTINGS = (
    "cluster-id",
    "cluster-name",
    "enable-gateway-api",
    "enable-ipsec",
    "enable-l7-proxy",
    "enable-non-default-deny-policies",
    "enable-policy",
    "enable-wireguard",
    "mesh-auth-enabled",
    "mesh-auth-mutual-enabled",
)
Kinds = Mapping[str, list[Object]]


def detect(objects: Iterable[Object]) -> tuple[MeshFacts, ...]:
    """The agents among objects of DETECT_KINDS; a cluster has them once."""
    by_kind: dict[str, list[Object]] = {}
    for found in objects:
        by_kind.setdefault(str(found.get("kind", "")), []).append(found)
    agents = [item for item in by_kind.get("DaemonSet", []) if labels(item).get("k8s-app") == AGENTS]
    return tuple(_mesh(item, by_kind) for item in sorted(agents, key=lambda one: (namespace(one), name(one))))


def _mesh(agents: Object, by_kind: Kinds) -> MeshFacts:
    config = _config(agents, by_kind.get("ConfigMap", []))
    installed = release(by_kind.get("CustomResourceDefinition", []))
    known = {one: by for one, by in classes(by_kind.get("GatewayClass", [])).items() if by == CONTROLLER}
    components = {BUNDLE: installed[0]} if installed else {}
    proxies = [version for item in by_kind.get("DaemonSet", []) if (version := _proxy(item, agents))]
    components |= {_PROXIES: proxies[0]} if proxies else {}
    outside = {*SYSTEM, namespace(agents)}
    return MeshFacts(
        type=TYPE,
        namespace=namespace(agents),
        version=_version(agents, "cilium-agent"),
        trust_domain=config.get("mesh-auth-spiffe-trust-domain", TRUST_DOMAIN),
        mtls="Permissive",
        gateways=_gateways(by_kind.get("Gateway", []), known),
        enrolled_namespaces=tuple(sorted({name(item) for item in by_kind.get("Namespace", [])} - outside)),
        settings={key: config[key] for key in _SETTINGS if key in config},
        components=dict(sorted(components.items())),
        channel=installed[1] if installed else "",
        classes=known,
    )


def _config(agents: Object, maps: Iterable[Object]) -> Mapping[str, str]:
    found = (item for item in maps if name(item) == CONFIG and namespace(item) == namespace(agents))
    return {key: str(value) for item in found for key, value in section(item, "data").items()}


def _gateways(found: Iterable[Object], known: Mapping[str, str]) -> tuple[GatewayFacts, ...]:
    own = [one for one in map(gateway, found) if one.class_name in known]
    return tuple(sorted(own, key=lambda facts: (facts.namespace, facts.name)))


def _proxy(item: Object, agents: Object) -> str:
    """The version of the proxies, where they run beside the agents."""
    own = labels(item).get("k8s-app") == _PROXIES and namespace(item) == namespace(agents)
    return _version(item, _PROXIES) if own else ""


def _version(item: Object, container: str) -> str:
    """The tag of an image without its digest: ``quay.io/cilium/cilium:v1.18.2@sha256:...``."""
    image = next((str(one.get("image", "")) for one in containers(template(item)) if one.get("name") == container), "")
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    return tag.removeprefix("v")
