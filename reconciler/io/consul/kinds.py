"""Which kind of configuration entry is which kind of object, and how the two are called.

Source: the kinds of consul-k8s, control-plane/api/v1alpha1 (``ToConsul``), and api/config_entry.go of Consul.
"""

from __future__ import annotations

from reconciler.model.refs import KindId, ObjectKey

GROUP = "consul.hashicorp.com"
API_VERSION = f"{GROUP}/v1alpha1"
#: there are none in the community edition, and everything lies in this one
NAMESPACE = "default"
INTENTIONS = "ServiceIntentions"
#: what a server tells of itself, for discovery only
DATACENTER = "Datacenter"
#: the name of an object cannot be the wildcard that its destination may be
ANY, ANY_NAME = "*", "all.services"

ENTRIES = {
    "ServiceDefaults": "service-defaults",
    "ServiceResolver": "service-resolver",
    "ServiceSplitter": "service-splitter",
    "ServiceRouter": "service-router",
    INTENTIONS: "service-intentions",
    "JWTProvider": "jwt-provider",
    "ProxyDefaults": "proxy-defaults",
    "Mesh": "mesh",
    "ExportedServices": "exported-services",
    "IngressGateway": "ingress-gateway",
    "TerminatingGateway": "terminating-gateway",
}
KINDS = {entry: kind for kind, entry in ENTRIES.items()}
#: kinds of which there is one entry, under this name whatever is asked for
SINGLE = {"ProxyDefaults": "global", "Mesh": "mesh"}


def entry_name(key: ObjectKey) -> str:
    """What the entry of an object is called."""
    return ANY if key.kind == INTENTIONS and key.name == ANY_NAME else key.name


def key_of(kind: str, name: str) -> ObjectKey:
    """The object of an entry; ``kind`` that of the object."""
    return ObjectKey(GROUP, kind, NAMESPACE, ANY_NAME if kind == INTENTIONS and name == ANY else name)


def kind_id(kind: str) -> KindId:
    return KindId(GROUP, kind)
