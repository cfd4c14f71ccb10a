"""Who is in a mesh: namespaces and pods that ask for a proxy by a label, and name their mesh by another.

The webhooks of the control plane look at policies in namespaces that have the label, whatever its value: elsewhere a
policy keeps no role, and would hold for the whole mesh (namespaceSelector of the webhook configurations).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.adapters.kuma.objects import DEFAULT_MESH, MESH_LABEL
from reconciler.adapters.raw import Object, annotations_of, labels, name, namespace, template
from reconciler.model.facts import OUTSIDE

INJECTION = "kuma.io/sidecar-injection"
_ON = ("enabled", "true")


@dataclass(frozen=True, slots=True)
class Enrolment:
    """``exceptions`` by "namespace/kind/name"."""

    namespaces: tuple[str, ...]
    exceptions: Mapping[str, str]


def enrolment(spaces: Iterable[Object], workloads: Iterable[Object], mesh: str) -> Enrolment:
    """The namespaces that are in a mesh, and workloads that are not as their namespace."""
    by_name = {name(item): item for item in spaces}
    within = {place: _is_in(item, item, mesh, False) for place, item in by_name.items()}
    exceptions = {}
    for item in workloads:
        space = by_name.get(namespace(item))
        usual = within.get(namespace(item), False)
        own = _is_in(template(item), space, mesh, usual) if space is not None else usual
        if own != usual:
            exceptions[f"{namespace(item)}/{item.get('kind')}/{name(item)}"] = "" if own else OUTSIDE
    return Enrolment(tuple(sorted(place for place, yes in within.items() if yes)), dict(sorted(exceptions.items())))


def _is_in(item: Object, space: Object, mesh: str, usual: bool) -> bool:
    """By its own word, then that of its namespace."""
    said = labels(item).get(INJECTION, annotations_of(item).get(INJECTION))
    wanted = usual if said is None else str(said) in _ON
    return wanted and str(_mesh(item) or _mesh(space) or DEFAULT_MESH) == mesh


def _mesh(item: Object) -> object:
    return labels(item).get(MESH_LABEL, annotations_of(item).get(MESH_LABEL))
