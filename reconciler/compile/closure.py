"""Which policies can have a part in what others make: those that share a service, directly or by way of others.

A policy is bound to the services that it names and to those that its routes send to. Some rules are compared with all
others of a namespace, because services may have the same workloads; a policy that is about a whole namespace, or that
has such a rule, binds all services of it together. A policy that may be about any service has a part in what the
others make where they are, and binds them no further; some bind everything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from reconciler.compile.entries import route_entries
from reconciler.compile.paths import MTLS, server_side
from reconciler.model.access import AccessAction, AccessPolicy
from reconciler.model.refs import DocRef
from reconciler.model.rules import Leaf
from reconciler.model.selectors import PolicyTarget
from reconciler.model.traffic import TrafficPolicy

Policy = TrafficPolicy | AccessPolicy
#: a service, or with the name "" a whole namespace
_Place = tuple[str, str]


class Unbounded(Exception):
    """A policy that binds everything together."""


@dataclass(frozen=True, slots=True)
class Touched:
    """``bound``: the documents that are bound to any of the changed ones, by way of these ``places``. ``wide``: those
    that may be about any service, and so about these places too."""

    bound: frozenset[DocRef]
    wide: frozenset[DocRef]
    places: frozenset[_Place]

    @property
    def refs(self) -> frozenset[DocRef]:
        return self.bound | self.wide

    def takes(self, name: str, namespace: str) -> bool:
        """Whether a service may be concerned."""
        return (namespace, name) in self.places or (namespace, "") in self.places


def closure(changed: Collection[DocRef], policies: Iterable[Policy]) -> Touched:
    """What is touched by changed documents; of those the former and the present form are among the ``policies``. Raises
    Unbounded where everything is bound together."""
    known = [(policy.ref, places_of(policy)) for policy in policies]
    wide = frozenset(ref for ref, places in known if places is None)
    if not wide.isdisjoint(changed):
        raise Unbounded("any service may be meant")
    bound = [(ref, places) for ref, places in known if places is not None]
    whole = {namespace for _, places in bound for namespace, name in places if not name}
    if whole:
        bound = [(ref, {(space, "" if space in whole else name) for space, name in places}) for ref, places in bound]
    at: dict[_Place, list[int]] = {}
    for number, (_, places) in enumerate(bound):
        for place in places:
            at.setdefault(place, []).append(number)
    found: set[int] = set()
    left = [number for number, (ref, _) in enumerate(bound) if ref in changed]
    while left:
        number = left.pop()
        if number not in found:
            found.add(number)
            left += [near for place in bound[number][1] for near in at.pop(place, ())]
    refs = frozenset(bound[number][0] for number in found)
    return Touched(refs, wide, frozenset(place for number in found for place in bound[number][1]))


def places_of(policy: Policy) -> set[_Place] | None:
    """The services that a policy is bound to, None where it may be about any; raises Unbounded."""
    found: set[_Place] = set()
    wide = False
    for target in policy.targets:
        named = _named(target)
        wide, found = wide or named is None, found | (named or set())
    if isinstance(policy, AccessPolicy):
        if policy.scopes:  # what callers know of is made of all that is said of them
            raise Unbounded(policy.ref)
        near = policy.action is AccessAction.CUSTOM
    else:
        near = any(_is_compared(leaf) for leaf in policy.leaves)
        for leaf in policy.leaves:
            for entry in route_entries(leaf):
                found |= (_named(entry.to) or set()) if _is_somewhere(entry.to) else set()
    if wide and (near or _sends_elsewhere(policy)):
        raise Unbounded(policy.ref)
    if wide:
        return None
    return found | {(namespace, "") for namespace, _ in found} if near else found


def _sends_elsewhere(policy: Policy) -> bool:
    """Whether a policy has a part in the services that it sends to, from wherever it is about."""
    entries = (entry for leaf in getattr(policy, "leaves", ()) for entry in route_entries(leaf))
    return any(_is_somewhere(entry.to) for entry in entries)


def _is_compared(leaf: Leaf) -> bool:
    return server_side(leaf) or leaf.path == MTLS


def _is_somewhere(target: PolicyTarget) -> bool:
    """Whether an entry of a route names anything; else it is the host itself, or a part of it."""
    return bool(target.services or target.destinations or target.hosts or target.namespaces)


def _named(target: PolicyTarget) -> set[_Place] | None:
    """Fields are ANDed: one that names services, or their namespaces, bounds all the others. None: any may be meant."""
    if target.destinations or target.hosts:
        raise Unbounded("a Destination may stand for any service")
    if target.services:
        return {(one.namespace, "" if one.name == "*" else one.name) for one in target.services}
    if target.namespaces:
        return {(namespace, "") for namespace in target.namespaces}
    return None
