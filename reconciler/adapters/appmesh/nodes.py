"""VirtualNodes that are there: what each of them is reached by, as facts of the mesh and back.

A VirtualNode says which pods are one member of the mesh, so it belongs to whoever put them there, and the controller
refuses a pod that two of them select. Routes refer to those that are there; what we add selects no pods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from reconciler.adapters.leaves import section
from reconciler.adapters.raw import Object, labels, mappings, name, namespace
from reconciler.model.facts import MeshFacts

#: on a VirtualNode that we add: the service that it stands for
STANDS_FOR = "reconciler.dev/stands-for"
_TOP = "virtualNode."


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """``hostname`` is empty where Cloud Map finds the pods. ``ports``: number and protocol of each listener. ``pods``:
    the labels that select its pods, None where it is said otherwise."""

    namespace: str
    name: str
    hostname: str = ""
    pods: tuple[tuple[str, str], ...] | None = None
    ports: tuple[tuple[int, str], ...] = ()


def read(item: Object) -> Node | None:
    """A VirtualNode of somebody; None for one that we added, or that is not of the form of its kind."""
    if STANDS_FOR in labels(item):
        return None
    spec = section(item, "spec")
    selector = section(spec, "podSelector")
    plain = bool(selector.get("matchLabels")) and not selector.get("matchExpressions")
    pods = tuple(sorted((str(key), str(value)) for key, value in section(selector, "matchLabels").items()))
    return Node(
        namespace(item),
        name(item),
        str(section(section(spec, "serviceDiscovery"), "dns").get("hostname") or "").rstrip("."),
        pods if plain else None,
        tuple(_ports(spec)),
    )


def _ports(spec: Object) -> Iterator[tuple[int, str]]:
    for listener in mappings(spec.get("listeners")):
        mapping = section(listener, "portMapping")
        if type(mapping.get("port")) is int:
            yield mapping["port"], str(mapping.get("protocol", ""))


def settings(items: Iterable[Object]) -> Mapping[str, str]:
    """The nodes among objects, as settings of a mesh."""
    found: dict[str, str] = {}
    for node in filter(None, map(read, items)):
        top = f"{_TOP}{node.namespace}/{node.name}"
        found[f"{top}:ports"] = ",".join(f"{port}/{protocol}" for port, protocol in node.ports)
        found |= {f"{top}:hostname": node.hostname} if node.hostname else {}
        found |= {f"{top}:pods": ",".join(f"{key}={value}" for key, value in node.pods)} if node.pods else {}
    return dict(sorted(found.items()))


def known(mesh: MeshFacts) -> tuple[Node, ...]:
    """The nodes that the facts of a mesh tell of, sorted."""
    return _known(tuple((key, value) for key, value in mesh.settings.items() if key.startswith(_TOP)))


@lru_cache(maxsize=64)
def _known(said: tuple[tuple[str, str], ...]) -> tuple[Node, ...]:
    by_node: dict[str, dict[str, str]] = {}
    for key, value in said:
        place, _, field = key.removeprefix(_TOP).rpartition(":")
        by_node.setdefault(place, {})[field] = value
    return tuple(sorted(_node(place, fields) for place, fields in by_node.items()))


def _node(place: str, fields: Mapping[str, str]) -> Node:
    space, _, own = place.partition("/")
    pods = tuple((key, value) for key, _, value in (pair.partition("=") for pair in _parts(fields.get("pods", ""))))
    ports = tuple((int(port), protocol) for port, _, protocol in (x.partition("/") for x in _parts(fields["ports"])))
    return Node(space, own, fields.get("hostname", ""), pods or None, ports)


def _parts(text: str) -> list[str]:
    return text.split(",") if text else []
