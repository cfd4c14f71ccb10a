"""Which policies can have a part in what others make: those that share a service, directly or by way of others.

A policy is bound to the services that it names and to those that its routes send to. Some rules are compared with all
others of a namespace, because services may have the same workloads; a policy that is about a whole namespace, or that
has such a rule, binds all services of it together. What may be about any service binds everything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

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
    """A policy that may be about any service."""


def closure(changed: Collection[DocRef], policies: Iterable[Policy]) -> set[DocRef]:
    """The documents that are bound to any of the changed ones; of those the former and the present form are among the
    ``policies``. Raises Unbounded where everything is bound together."""
    bound = [(policy.ref, places_of(policy)) for policy in policies]
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
    return {bound[number][0] for number in found}


def places_of(policy: Policy) -> set[_Place]:
    """The services that a policy is bound to; raises Unbounded."""
    found = {place for target in policy.targets for place in _named(target)}
    if isinstance(policy, AccessPolicy):
        if policy.scopes:  # what callers know of is made of all that is said of them
            raise Unbounded(policy.ref)
        near = policy.action is AccessAction.CUSTOM
    else:
        near = any(_is_compared(leaf) for leaf in policy.leaves)
        for leaf in policy.leaves:
            for entry in route_entries(leaf):
                found |= _named(entry.to) if _is_somewhere(entry.to) else set()
    return found | {(namespace, "") for namespace, _ in found} if near else found


def _is_compared(leaf: Leaf) -> bool:
    return server_side(leaf) or leaf.path == MTLS


def _is_somewhere(target: PolicyTarget) -> bool:
    """Whether an entry of a route names anything; else it is the host itself, or a part of it."""
    return bool(target.services or target.destinations or target.hosts or target.namespaces)


def _named(target: PolicyTarget) -> set[_Place]:
    """Fields are ANDed: one that names services, or their namespaces, bounds all the others."""
    if target.destinations or target.hosts:
        raise Unbounded("a Destination may stand for any service")
    if target.services:
        return {(one.namespace, "" if one.name == "*" else one.name) for one in target.services}
    if target.namespaces:
        return {(namespace, "") for namespace in target.namespaces}
    raise Unbounded("any service may be meant")
