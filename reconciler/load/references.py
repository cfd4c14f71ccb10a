"""What documents refer to, with the place of each reference, and whether it is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from reconciler.load.names import nearest
from reconciler.load.nodes import Map, Place, Seq, position
from reconciler.model.findings import Finding, error
from reconciler.model.refs import DocRef

_WORDS = {
    "Cluster": "cluster",
    "Mesh": "mesh",
    "VirtualMesh": "virtual mesh",
    "Destination": "Destination",
    "type": "mesh type",
    "gateway": "gateway",
}
#: kinds that say who calls whom
_POLICIES = frozenset({"AccessPolicy", "Extension", "TelemetryPolicy", "TrafficPolicy"})


@dataclass(frozen=True, slots=True)
class Reference:
    """``kind``: a document kind, ``type`` (of a mesh) or ``gateway``. ``caller``: it stands in ``from``."""

    kind: str
    name: str
    at: Place
    caller: bool = False


@dataclass(slots=True)
class Registry:
    """The names that exist, by kind of reference; ``broken`` ones exist but cannot be used. ``clusters_known``: the
    inventory could be read. ``unread``: a file that could not be read may hold more."""

    known: dict[str, set[str]]
    broken: dict[str, set[str]] = field(default_factory=dict)
    clusters_known: bool = True
    unread: bool = False
    #: Destination names that stand in several namespaces
    ambiguous: frozenset[str] = frozenset()


def references(kind: str, root: Map) -> Iterator[Reference]:
    """Every reference of a document in its long form."""
    spec = root.get("spec")
    if not isinstance(spec, Map):
        return
    for key in ("from", "to", "workloads"):
        for item in spec.get(key, ()):
            yield from _scope(item, caller=key == "from")
    yield from _rule(spec.get("rule"))
    if kind == "VirtualMesh":
        yield from _mesh_set(spec["meshes"], caller=False)
        yield from _rule((spec.get("defaults") or {}).get("traffic"))
    elif kind == "Ingress":
        yield from _ingress(spec)
    elif kind == "Mesh":
        yield Reference("type", spec["type"], spec.values_at["type"])
        yield from _names(spec, "clusters", "Cluster")
    elif kind == "Destination":
        yield from _clusters([spec["service"]] if "service" in spec else [])
        for key in ("services", "visibleTo"):
            for item in spec.get(key, ()):
                yield from _scope(item, caller=key == "visibleTo")
        if "virtualMesh" in spec:
            yield Reference("VirtualMesh", spec["virtualMesh"], spec.values_at["virtualMesh"])
    for override in spec.get("overrides", ()):
        yield from _scope(override["select"])


def _ingress(spec: Map) -> Iterator[Reference]:
    """Gateways are looked for in each mesh, since they may be known by discovery only."""
    yield from _rule(spec.get("options"))
    for item in spec.get("gateways", ()):
        yield from _names(item, "clusters", "Cluster")
        if "mesh" in item:
            yield from _mesh_set(item["mesh"], caller=False)
    for route in spec.get("routes", ()):
        yield from _rule(route["then"])
        yield from _rule(route.get("rule"))


def _rule(rule: Map | None) -> Iterator[Reference]:
    for key in ("route", "mirror"):
        for item in rule.get(key, ()) if rule else ():
            yield from _scope(item["to"])


def _scope(node: Map, *, caller: bool = False) -> Iterator[Reference]:
    yield from _names(node, "clusters", "Cluster", caller)
    yield from _names(node, "destinations", "Destination", caller)
    yield from _names(node, "gateways", "gateway", caller)
    if "meshes" in node:
        yield from _mesh_set(node["meshes"], caller=caller)
    yield from _clusters(node.get("services", ()))
    yield from _clusters(node.get("serviceAccounts", ()))


def _mesh_set(node: Map, *, caller: bool) -> Iterator[Reference]:
    yield from _names(node, "names", "Mesh", caller)
    yield from _names(node, "types", "type", caller)
    yield from _names(node, "clusters", "Cluster", caller)
    yield from _names(node, "virtualMeshes", "VirtualMesh", caller)


def _names(node: Map, key: str, kind: str, caller: bool = False) -> Iterator[Reference]:
    names = node.get(key)
    if isinstance(names, Seq):
        for name, at in names.entries():
            yield Reference(kind, name, at, caller)


def _clusters(items: Iterable[Map]) -> Iterator[Reference]:
    for item in items:
        if "cluster" in item:
            yield Reference("Cluster", item["cluster"], item.values_at["cluster"])


def reference_problems(ref: DocRef, root: Map, registry: Registry) -> list[Finding]:
    """A finding for each reference of a document that leads nowhere, or to what it needs and is broken."""
    found = []
    for reference in references(ref.kind, root):
        problem = _problem(reference, ref, registry)
        if problem is not None:
            found.append(problem)
    return found


def _problem(reference: Reference, ref: DocRef, registry: Registry) -> Finding | None:
    kind, name, at = reference.kind, reference.name, position(reference.at)
    word = _WORDS[kind]
    known = registry.known.get(kind, set())
    broken = registry.broken.get(kind, set())
    if name in known:
        if kind == "Destination" and name in registry.ambiguous:
            message = f"the Destination `{name}` stands in several namespaces"
            return error("ambiguous-reference", message, at, "give each a name of its own", ref)
        return None
    if name in broken:
        if not _is_needed(reference, ref):
            return None
        return error("broken-reference", f"the {word} `{name}` is broken, so this cannot be used", at, "", ref)
    if kind == "Cluster" and not registry.clusters_known:
        return None
    if (registry.unread and kind != "type") or (kind == "gateway" and registry.broken.get("Mesh")):
        message = f"there is no {word} `{name}` in what can be read"
        return error("broken-reference", message, at, "mend what is broken first", ref)
    hint = nearest(name, known | broken)
    return error("unknown-reference", f"there is no {word} `{name}`", at, hint, ref)


def _is_needed(reference: Reference, ref: DocRef) -> bool:
    """Whether a document cannot do without what it refers to: a Destination, the members of a virtual mesh, who
    calls. Without a cluster or mesh in its scope it only has fewer places to be."""
    if reference.kind in ("Destination", "VirtualMesh", "gateway"):
        return True
    return reference.kind == "Mesh" and reference.caller and ref.kind in _POLICIES
