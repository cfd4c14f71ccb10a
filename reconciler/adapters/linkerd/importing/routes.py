"""HTTPRoutes to Services: one TrafficPolicy for each rule, with what its annotations say of time and retries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, claimed, key_of, named
from reconciler.adapters.linkerd.detect import TYPE
from reconciler.adapters.linkerd.kinds import POLICY
from reconciler.adapters.linkerd.live import claims
from reconciler.adapters.linkerd.meaning.annotations import limits
from reconciler.adapters.linkerd.meaning.calls import at, parent, route, rules
from reconciler.adapters.standard.importing.policies import EVERY, Asked, policies
from reconciler.adapters.standard.importing.requests import matches
from reconciler.adapters.standard.importing.rules import rule
from reconciler.adapters.standard.meaning.parents import Bound

_WORDS = {(500, 599): "5xx", (502, 504): "gateway-error"}
_NOT_READ = "a field of its rules makes the mesh leave it out, or it is not bound to HTTP ports of one known Service"


def reader(bodies: Sequence[Body], scene: Scene) -> Callable[[Body, Scene], Draft]:
    """Reads one of ``bodies``: all routes to a port are one table to the mesh."""
    bound = {key_of(body): (body, to) for body in bodies if (to := route(body, scene)) is not None}
    switched = _switching_off(bodies, scene)

    def read(body: Body, scene: Scene) -> Draft:
        if key_of(body) not in bound:
            raise Unsayable(_why_not(body))
        to = bound[key_of(body)][1]
        if off := switched(body, to):
            raise Unsayable(f"{off} switches it off")
        if len(to.ports) > 1 and not scene.rename:
            raise Unsayable("it is about several ports, and would come back as an object for each")
        others = [(other, its) for key, (other, its) in bound.items() if key != key_of(body)]
        beside = [other for other, its in others if _same_table(its, to)]
        wider = [
            other for other, its in others if its.callers == "" and _same_table(replace(its, callers=to.callers), to)
        ]
        made = _draft(body, to, [*beside, *wider], scene, name="" if beside else to.usual)
        if not beside or scene.rename:
            return made
        return replace(made, otherwise=_draft(body, to, [*beside, *wider], scene, name=key_of(body).name))

    return read


def _same_table(one: Bound, other: Bound) -> bool:
    return (one.service, one.callers) == (other.service, other.callers) and bool({*one.ports} & {*other.ports})


def _switching_off(bodies: Sequence[Body], scene: Scene) -> Callable[[Body, Bound], str]:
    """What leaves a route without effect, or ""."""
    profiles = [body for body in bodies if key_of(body).kind == "ServiceProfile"]
    taken = {claim: str(key_of(body)) for body in profiles for claim in claimed(claims, body)}
    of_calls = [(body, to) for body in bodies if key_of(body).kind == "GRPCRoute" and (to := parent(body, scene))]

    def switched(body: Body, to: Bound) -> str:
        found = [taken[claim] for claim in sorted(claimed(claims, body)) if claim in taken]
        found += [str(key_of(other)) for other, its in of_calls if _same_table(replace(its, callers=to.callers), to)]
        return min(found, default="")

    return switched


def _why_not(body: Body) -> str:
    if (body.get("spec") or {}).get("hostnames"):
        return "it is for some host names, which no neutral field covers for calls of a Service"
    try:
        limits(body)
    except ValueError as problem:
        return f"the mesh cannot read its annotations: {problem}"
    return _NOT_READ


def _draft(body: Body, to: Bound, beside: Sequence[Body], scene: Scene, *, name: str) -> Draft:
    """``beside``: other routes of the table; ``name``: under which its object would come back anyway."""
    made: list[dict[str, Any]] = []
    for port in to.ports:
        made += _documents(body, to if len(to.ports) == 1 else at(to, port), beside, scene, name=name)
    return Draft(key_of(body), tuple(made), tuple(_remarks(body)))


def _documents(body: Body, to: Bound, beside: Sequence[Body], scene: Scene, *, name: str) -> list[dict[str, Any]]:
    (port,), own = to.ports, key_of(body).name
    asked = [_asked(one, body, to, scene) for one in rules(body, to, port)]
    made = policies(asked, own if to.every else f"{own}-{port}" if scene.rename else own, to, scene)
    closed = all(one.match for one in asked) and not any(_takes_all(other, to, scene) for other in beside)
    if closed and to.callers:
        raise Unsayable("requests that no rule takes would be refused for all callers, not for those of its namespace")
    if closed and not (to.every or scene.rename):
        raise Unsayable("requests that no rule takes would be refused on the other ports of the service, too")
    if closed:
        made[-1]["spec"]["unmatched"] = "Reject"
    made[-1]["spec"] |= named(TYPE, body, name, scene)
    return made


def _takes_all(other: Body, to: Bound, scene: Scene) -> bool:
    its = route(other, scene)
    return its is not None and not all(matches(one.get("matches") or EVERY) for one in rules(other, its, to.ports[0]))


def _asked(given: Mapping[str, Any], body: Body, to: Bound, scene: Scene) -> Asked:
    plain = {name: value for name, value in given.items() if name != "limits"}
    done = rule(plain, to, body, scene) | _limits(given.get("limits") or {})
    return Asked(plain, matches(given.get("matches") or EVERY), done)


def _limits(given: Mapping[str, Any]) -> dict[str, Any]:
    lengths = {name: given[name] for name in ("request", "idle", "response") if name in given}
    if "response" in lengths:
        raise Unsayable("no neutral field covers timeout.linkerd.io/response")
    if 0 in lengths.values():
        raise Unsayable("a time of 0")
    made: dict[str, Any] = {"timeout": {name: length(value) for name, value in lengths.items()}}
    return (made if lengths else {}) | ({"retries": _retries(given["retry"])} if given.get("retry") else {})


def length(milliseconds: int) -> str:
    """As documents have it."""
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"


def _retries(given: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"attempts": given["limit"]}
    made |= {"perTry": length(given["timeout"])} if "timeout" in given else {}
    words = [_WORDS[(first, last)] for first, last in given.get("codes") or () if (first, last) in _WORDS]
    single = [
        code
        for first, last in given.get("codes") or ()
        if (first, last) not in _WORDS
        for code in range(first, last + 1)
    ]
    return made | ({"on": words} if words else {}) | ({"statusCodes": single} if single else {})


def _remarks(body: Body) -> list[str]:
    said = [one.get("timeouts") for one in body["spec"].get("rules") or () if one.get("timeouts")]
    left = any(set(one) - {"request"} for one in said if one) or (said and key_of(body).group != POLICY)
    return ["timeouts in its rules are left out, which the mesh does not read"] if left else []
