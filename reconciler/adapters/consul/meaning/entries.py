"""Objects by the entry that each of them is: there is one of a kind and a name, wherever an object lies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from reconciler.adapters.consul.kinds import SERVICE_INTENTIONS, SERVICE_ROUTER, SERVICE_SPLITTER
from reconciler.adapters.consul.live import normalize
from reconciler.adapters.importing import MALFORMED, Body, Scene, key_of
from reconciler.adapters.leaves import section
from reconciler.adapters.raw import mappings
from reconciler.model.native import NativeKind
from reconciler.model.refs import ObjectKey


@dataclass(frozen=True)
class Entries:
    """By kind and name. ``others``: of an entry that is there twice, or that is not of the form of its kind. ``real``:
    the names of services that have instances."""

    held: Mapping[tuple[str, str], Body]
    others: tuple[Body, ...]
    real: frozenset[str]

    def of(self, kind: NativeKind, name: str) -> Body | None:
        return self.held.get((kind.kind.kind, name))

    def key(self, kind: NativeKind, name: str) -> ObjectKey:
        return key_of(self.held[kind.kind.kind, name])

    def names(self, kind: NativeKind) -> list[str]:
        return sorted(name for held, name in self.held if held == kind.kind.kind)

    def routes(self, name: str) -> list[Body]:
        router = self.of(SERVICE_ROUTER, name)
        return mappings(router["spec"].get("routes")) if router else []

    def splits(self, name: str) -> list[Body]:
        splitter = self.of(SERVICE_SPLITTER, name)
        return mappings(splitter["spec"].get("splits")) if splitter else []

    def is_split(self, name: str) -> bool:
        """Whether a name stands for nothing but a split that others lead to: nobody has instances of that name."""
        only_so = name not in self.real and self.of(SERVICE_ROUTER, name) is None
        return only_so and self.of(SERVICE_SPLITTER, name) is not None and name in self._led

    def part_of(self, name: str) -> frozenset[str]:
        """The splits that the chain of a name leads to and that are nothing else."""
        found: set[str] = set()
        left = [name]
        while left:
            one = left.pop()
            new = {to for to in _led_to([*self.routes(one), *self.splits(one)]) if self.is_split(to)} - found - {name}
            found |= new
            left += sorted(new)
        return frozenset(found)

    def beyond(self, name: str) -> list[ObjectKey]:
        """The splitters of others that the chain of a name leads to."""
        found: set[str] = set()
        left = _led_to([*self.routes(name), *self.splits(name)]) - {name}
        while left:
            found |= left
            left = _led_to([split for one in left for split in self.splits(one)]) - found - {name}
        own = self.part_of(name)
        return [self.key(SERVICE_SPLITTER, one) for one in sorted(found - own) if self.of(SERVICE_SPLITTER, one)]

    @cached_property
    def _led(self) -> frozenset[str]:
        routes = [one for name in self.names(SERVICE_ROUTER) for one in self.routes(name)]
        splits = [one for name in self.names(SERVICE_SPLITTER) for one in self.splits(name)]
        return frozenset(_led_to([*routes, *splits]))


def _led_to(given: Iterable[Body]) -> set[str]:
    """The services that routes or splits name."""
    return {str(to["service"]) for one in given if (to := section(one, "destination") or one).get("service")}


def entries_of(bodies: Iterable[Body], scene: Scene) -> Entries:
    """The entries of objects, in the spelling in which they are compared."""
    found: dict[tuple[str, str], list[Body]] = {}
    others: list[Body] = []
    for body in bodies:
        try:
            made = normalize(body)
            found.setdefault((str(body.get("kind")), _name(made)), []).append(made)
        except MALFORMED:
            others.append(body)
    held = {key: several[0] for key, several in sorted(found.items()) if len(several) == 1}
    others += [body for several in found.values() if len(several) > 1 for body in several]
    return Entries(held, tuple(others), frozenset(one.ref.name for one in scene.cluster.services))


def _name(body: Body) -> str:
    if body.get("kind") == SERVICE_INTENTIONS.kind.kind:
        return str(body["spec"]["destination"]["name"])
    return str(body["metadata"]["name"])
