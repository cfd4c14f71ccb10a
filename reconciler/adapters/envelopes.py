"""Names and envelopes of native objects, for every adapter that writes to Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.served import served_version
from reconciler.model.canonical import digest
from reconciler.model.ingress_intents import GatewayIntent, HostTable
from reconciler.model.intents import MeshIntent, Origin
from reconciler.model.native import NativeKind, NativeObject
from reconciler.model.refs import ObjectKey

#: longest name of an object in Kubernetes, and of one that is a DNS label (a Service)
MAX_NAME = 253
MAX_LABEL = 63
#: in place of a host: all of them
ANY = "*"
_MARK = 10
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


def object_name(readable: str, identity: Iterable[str], *, ambiguous: bool = False) -> str:
    """A valid object name: the readable one, with a hash of ``identity`` where that could not tell two apart."""
    if not ambiguous and len(readable) <= MAX_NAME and _NAME.fullmatch(readable):
        return readable
    clean = re.sub(r"[^a-z0-9.-]+", "-", readable.lower())
    clean = re.sub(r"\.\.+", ".", re.sub(r"-*\.-*", ".", clean)).strip("-.")
    if clean == readable and len(clean) <= MAX_NAME and not ambiguous:
        return clean
    return _marked(clean, identity, MAX_NAME)


def label_name(readable: str, identity: Iterable[str], *, ambiguous: bool = False) -> str:
    """The same for a name that is a DNS label, which is shorter and has no dots."""
    clean = re.sub(r"[^a-z0-9-]+", "-", readable.lower()).strip("-")
    if clean == readable and clean[:1].isalpha() and len(clean) <= MAX_LABEL and not ambiguous:
        return clean
    return _marked(clean if clean[:1].isalpha() else f"s-{clean}", identity, MAX_LABEL)


def table_name(table: HostTable, asked: GatewayIntent) -> str:
    """``public.https.shop.example.org``; marked where that could mean something else too."""
    policy, parts = asked.policy, (table.listener.name, table.host)
    readable = ".".join((policy.name, *(part.replace(ANY, "any") for part in parts)))
    ambiguous = policy.namespace != "default" or "." in policy.name or ANY in table.host
    return object_name(readable, (policy.namespace, policy.name, *parts), ambiguous=ambiguous)


def _marked(clean: str, identity: Iterable[str], longest: int) -> str:
    return f"{clean[: longest - _MARK - 1].rstrip('-.')}-{digest(list(identity))[:_MARK]}"


def build(
    intent: MeshIntent, kind: NativeKind, namespace: str, name: str, spec: Mapping[str, Any], origins: Iterable[Origin]
) -> NativeObject:
    """The object of a kind in the version that the cluster serves."""
    version = served_version(kind, intent.cluster.crds)
    body = {
        "apiVersion": kind.api_version(version),
        "kind": kind.kind.kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
    key = ObjectKey(kind.kind.group, kind.kind.kind, namespace, name)
    return NativeObject(key, kind, body, tuple(sorted(set(origins))))
