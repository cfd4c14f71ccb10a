"""AuthorizationPolicy: who may call a Server, or one of its routes.

As soon as a Server has a route, every request needs one, and its probes are no longer let in by themselves: so the
probes get a route, and all that no rule is about another one, which nobody may call but by a rule for the whole port.
Source: linkerd2, policy-controller/k8s/index/src/inbound/index.rs (http_routes, probe routes).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.adapters.envelopes import build, object_name
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.linkerd import authentications
from reconciler.adapters.linkerd.authentications import EVERYONE, Callers
from reconciler.adapters.linkerd.coverage import Undecided, covered, within
from reconciler.adapters.linkerd.detect import PROBE_SETTING
from reconciler.adapters.linkerd.groups import Port
from reconciler.adapters.linkerd.kinds import AUTHORIZATION_POLICY, POLICY
from reconciler.adapters.linkerd.order import anchored
from reconciler.adapters.linkerd.routes import MAX_CONDITIONS, MAX_RULES, route_kind
from reconciler.adapters.protocols import Speech
from reconciler.adapters.standard.conditions import EXACT, REGEX, Condition
from reconciler.adapters.standard.matches import conditions
from reconciler.model.access import AccessAction
from reconciler.model.canonical import digest
from reconciler.model.intents import AccessIntent, MeshIntent, Origin
from reconciler.model.native import NativeObject
from reconciler.model.selectors import Match

_PROBE = "probe"
_REST = "rest"
_EVERY = Condition()
Native = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """What one policy lets in on a port; ``conditions`` empty: every request."""

    name: str
    conditions: tuple[Condition, ...]
    callers: tuple[Callers, ...]
    origins: tuple[Origin, ...]


def objects(port: Port, intent: MeshIntent, gaps: Gaps) -> Iterable[NativeObject]:
    """All that lets callers in on a port; nothing where no policy is about who may call."""
    rules = [rule for rule in _rules(port, intent, gaps) if rule.callers]
    made = {one.key: one for rule in rules for who in rule.callers for one in _authentication(who, rule, port, intent)}
    narrow = {rule.name: rule for rule in rules if rule.conditions}
    whole = [rule for rule in rules if not rule.conditions]
    yield from made.values()
    yield from (_for_server(rule, who, port, intent) for rule in whole for who in rule.callers)
    if narrow:
        yield from _with_routes(narrow, port, intent, gaps)


def _rules(port: Port, intent: MeshIntent, gaps: Gaps) -> Iterable[Rule]:
    for access in port.group.access:
        if access.action is not AccessAction.ALLOW:
            gaps.about(access.origins).error("mesh-inexpressible", "the mesh only knows who may call")
        elif (asked := _asked(access, port, gaps)) is not None:
            callers = authentications.callers(access.identities, intent, gaps.about(access.origins), strict=port.strict)
            if not callers:
                gaps.warning("nothing-matches", f"{access.policy} allows nobody on {access.service}")
            yield Rule(_name(access), asked, tuple(callers), access.origins)


def _asked(access: AccessIntent, port: Port, gaps: Gaps) -> tuple[Condition, ...] | None:
    """The conditions of a policy on a port; none for every request, None where it is not about the port at all."""
    if access.ports and port.number not in access.ports:
        return None
    meant = [match for match in access.matches if not match.ports or port.number in match.ports]
    if access.matches and not meant:
        return None
    bare = [replace(match, ports=()) for match in meant]
    if not bare or Match() in bare:
        return ()
    about = gaps.about(access.origins)
    if port.speech is Speech.OPAQUE:
        told = f"port {port.number} of {access.service.label} carries no HTTP, so no request can be told from another"
        about.error("http-rule-on-tcp", told)
    found = tuple(_anchored(one) for one in conditions(bare, about))
    return () if _EVERY in found else found


def _anchored(one: Condition) -> Condition:
    return replace(one, path=anchored(one.path)) if one.kind == REGEX else one


def _name(access: AccessIntent) -> str:
    """Of a policy within the rules of its workloads."""
    policy, service = access.policy, access.service
    tail = policy.name if policy.namespace == "default" else f"{policy.namespace}.{policy.name}"
    return f"{service.name}-{tail}" if not access.part else f"{service.name}.{access.part}-{tail}"


def _authentication(who: Callers, rule: Rule, port: Port, intent: MeshIntent) -> list[NativeObject]:
    return authentications.objects(who, port.group.namespace, rule.name, intent, rule.origins)[0]


def _for_server(rule: Rule, who: Callers, port: Port, intent: MeshIntent) -> NativeObject:
    target = {"group": POLICY, "kind": "Server", "name": port.name}
    return _policy(f"{port.name}.{rule.name}", target, rule, who, port, intent)


def _policy(
    readable: str, target: Mapping[str, str], rule: Rule, who: Callers, port: Port, intent: MeshIntent
) -> NativeObject:
    namespace = port.group.namespace
    _, references = authentications.objects(who, namespace, rule.name, intent, rule.origins)
    mark = digest([references])[:6]
    name = object_name(f"{readable}.{mark}", (namespace, readable, mark))
    spec: Native = {"targetRef": dict(target), "requiredAuthenticationRefs": references}
    return build(intent, AUTHORIZATION_POLICY, namespace, name, spec, rule.origins)


def _with_routes(narrow: Mapping[str, Rule], port: Port, intent: MeshIntent, gaps: Gaps) -> Iterable[NativeObject]:
    rules = dict(narrow)
    if probes := [
        one for one in _probes(port, intent) if not any(_covers(rule, one, intent) for rule in narrow.values())
    ]:
        rules[_PROBE] = Rule(f"{port.group.name}.{_PROBE}", tuple(probes), (_probers(intent),), port.group.origins)
        yield from _authentication(_probers(intent), rules[_PROBE], port, intent)
    try:
        found = covered({name: rule.conditions for name, rule in rules.items()}, _EVERY)
    except Undecided as problem:
        told = f"the mesh cannot hold these rules for {port.group.services[0].label} side by side: {problem}"
        gaps.error("mesh-inexpressible", told)
        return
    by_rules: dict[frozenset[str], list[Condition]] = {}
    for condition, names in found.items():
        by_rules.setdefault(names, []).append(condition)
    for names, several in sorted(by_rules.items(), key=lambda item: sorted(item[0])):
        for number, at in enumerate(range(0, len(several), MAX_RULES * MAX_CONDITIONS), 1):
            part = several[at : at + MAX_RULES * MAX_CONDITIONS]
            yield from _route([rules[name] for name in sorted(names)], part, number, port, intent)


def _route(
    rules: Sequence[Rule], several: Sequence[Condition], number: int, port: Port, intent: MeshIntent
) -> Iterable[NativeObject]:
    """A route for requests that the same rules are about, and what lets their callers in."""
    names = [rule.name.removeprefix(f"{port.group.name}.") for rule in rules]
    said = names[0] if len(names) == 1 else _REST if not names else f"{names[0]}.{digest(names)[:6]}"
    readable = f"{port.name}.{said}" if number == 1 else f"{port.name}.{said}.{number}"
    kind, namespace = route_kind(intent), port.group.namespace
    name = object_name(readable, (namespace, readable))
    spec = {
        "parentRefs": [{"group": POLICY, "kind": "Server", "name": port.name}],
        "rules": [
            {"matches": [one.native for one in several[at : at + MAX_CONDITIONS]]}
            for at in range(0, len(several), MAX_CONDITIONS)
        ],
    }
    origins = {origin for rule in rules for origin in rule.origins} or set(port.group.origins)
    yield build(intent, kind, namespace, name, spec, origins)
    target = {"group": kind.kind.group, "kind": kind.kind.kind, "name": name}
    for rule in rules:
        called = name if len(rules) == 1 else f"{name}.{rule.name}"
        yield from (_policy(called, target, rule, who, port, intent) for who in rule.callers)


def _probes(port: Port, intent: MeshIntent) -> tuple[Condition, ...]:
    """What the node asks the pods for on this port, as the mesh would let it in by itself."""
    paths = {
        probe.path.partition("?")[0]
        for workload in port.group.workloads(intent)
        for probe in workload.probes
        if probe.port == port.number
    }
    return tuple(Condition(EXACT, path, "GET", base=path) for path in sorted(paths))


def _covers(rule: Rule, probe: Condition, intent: MeshIntent) -> bool:
    """Whether a policy lets the node ask for a path anyway."""
    open_to = {_probers(intent).include, EVERYONE}
    bare = any(who == Callers(include=who.include) and who.include in open_to for who in rule.callers)
    return bare and any(within(probe, one) for one in rule.conditions)


def _probers(intent: MeshIntent) -> Callers:
    """The addresses that the mesh is configured to take probes from."""
    said = intent.mesh.settings.get(PROBE_SETTING, "")
    return Callers(include=tuple(said.split(",")) if said else EVERYONE)
