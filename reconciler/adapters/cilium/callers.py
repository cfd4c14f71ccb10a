"""Who may call, as the ``from...`` fields of rules. The mesh knows callers by the labels of their pods, which it makes
an identity of; a rule has one kind of them (pkg/policy/api/rule_validation.go), and rules are alternatives."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.model.facts import MeshFacts
from reconciler.model.intents import Identity

NAMESPACE = "k8s:io.kubernetes.pod.namespace"
ACCOUNT = "k8s:io.cilium.k8s.policy.serviceaccount"
CLUSTER = "k8s:io.cilium.k8s.policy.cluster"
#: every pod of every namespace; an empty selector would be those of the namespace of the policy
EVERY_POD = {"matchExpressions": [{"key": NAMESPACE, "operator": "Exists"}]}
_EVERY_ADDRESS = ("0.0.0.0/0", "::/0")
Peers = dict[str, Any]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def peers(identities: Iterable[Identity] | None, mesh: MeshFacts, gaps: Gaps) -> list[Peers]:
    """One item for pods and one for networks; empty for nobody. ``identities`` None: everyone, those outside too."""
    if identities is None:
        return [{"fromEntities": ["all"]}]
    pods: list[dict[str, Any]] = []
    networks: list[dict[str, Any]] = []
    for identity in identities:
        if identity.ip_include or identity.ip_exclude:
            networks += [one for one in _networks(identity, gaps) if one not in networks]
        elif (pod := _pods(identity, mesh, gaps)) not in pods:
            pods.append(pod)
    found = {"fromEndpoints": sorted(pods, key=str), "fromCIDRSet": sorted(networks, key=str)}
    return [{field: several} for field, several in found.items() if several]


def _pods(identity: Identity, mesh: MeshFacts, gaps: Gaps) -> dict[str, Any]:
    if identity.raw:
        gaps.error("mesh-inexpressible", f"the mesh does not tell callers by names like {identity.raw!r}")
    if identity.trust_domain not in ("", mesh.trust_domain):
        gaps.error("mesh-inexpressible", f"the mesh knows no callers of trust domain {identity.trust_domain}")
    wanted = {NAMESPACE: identity.namespace, ACCOUNT: identity.service_account}
    if identity.trust_domain and not identity.service_account and mesh.settings.get("cluster-id", "0") != "0":
        # all callers of this cluster, of which a mesh of clusters has more than one
        wanted[CLUSTER] = mesh.settings.get("cluster-name", "default")
    labels = {key: value for key, value in wanted.items() if value}
    if not identity.namespace:
        return EVERY_POD | ({"matchLabels": labels} if labels else {})
    return {"matchLabels": labels}


def _networks(identity: Identity, gaps: Gaps) -> Iterator[dict[str, Any]]:
    """Networks without the parts that are taken out of them."""
    if identity.namespace or identity.service_account or identity.trust_domain or identity.raw or identity.any_identity:
        gaps.error("mesh-inexpressible", "the mesh cannot ask that a caller is of a network and has a name at once")
    left = [_network(text, gaps) for text in identity.ip_exclude]
    for text in identity.ip_include or _EVERY_ADDRESS:
        block = _network(text, gaps)
        inside = sorted(str(one) for one in left if _within(one, block))
        if any(_within(block, one) for one in left):
            continue
        yield {"cidr": str(block)} | ({"except": inside} if inside else {})


def _network(text: str, gaps: Gaps) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        gaps.error("mesh-invalid-value", f"not a network: {text!r}")
        return ipaddress.ip_network(_EVERY_ADDRESS[0])


def _within(one: Network, other: Network) -> bool:
    """Whether every address of the first is one of the second."""
    return one.version == other.version and one.network_address in other and one.broadcast_address in other
