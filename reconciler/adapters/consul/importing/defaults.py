"""ServiceDefaults: what a service speaks and how strict it is. What callers keep to is said there of each caller; where
all callers of a service keep to the same, a policy for that service says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.consul.importing.services import known, service
from reconciler.adapters.consul.kinds import SERVICE_DEFAULTS
from reconciler.adapters.consul.meaning.entries import Entries
from reconciler.adapters.consul.meaning.settings import usual_protocol
from reconciler.adapters.consul.names import in_mesh
from reconciler.adapters.consul.speaking import TCP
from reconciler.adapters.importing import MALFORMED, Body, Draft, Scene, Unsayable, key_of, named, only, renamed
from reconciler.adapters.leaves import section
from reconciler.adapters.raw import mappings
from reconciler.adapters.rest import Rest
from reconciler.adapters.shortened import duration
from reconciler.model.canonical import encode

TYPE = "consul"
_UPSTREAMS = "upstreamConfig"
_LIMITS = {"maxPendingRequests": "maxPending", "maxConcurrentRequests": "maxRequests"}
_OUTLIER = {"maxFailures": "consecutiveErrors", "maxEjectionPercent": "maxEjectionPercent"}
_LENGTHS = {"interval": "interval", "baseEjectionTime": "baseEjection"}
Part = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shared:
    """What all callers of a service keep to, as a policy for it, and the first of them, with which it is told."""

    first: Body
    policy: Mapping[str, Any]


def defaults(body: Body, shared: Mapping[str, Shared], scene: Scene) -> Draft:
    """``shared``: by the name of the service that is called."""
    key, spec, rest = key_of(body), section(body, "spec"), Rest()
    own = service(key.name, body, scene).ref
    documents = [dict(one.policy) for one in shared.values() if key_of(one.first) == key]
    rule, called = _rule(spec, rest, scene), _called(spec)
    if set(called) <= shared.keys():
        rest.keep(section(spec, _UPSTREAMS), ("overrides",), _UPSTREAMS)
    else:
        rest.keep(spec, [field for field in spec if field != _UPSTREAMS])
    if rule:
        made = {"to": [scene.short(own)], "rule": rule, **named(TYPE, body, own.name, scene, rest.patch)}
        documents.append({"kind": "TrafficPolicy", "name": f"{own.name}-settings", "spec": made})
    elif rest.fields or not called:
        raise Unsayable(f"no neutral field covers {', '.join(f'spec.{field}' for field in rest.fields) or 'it'}")
    return Draft(key, tuple(documents), within=None if documents else key_of(shared[called[0]].first))


def _rule(spec: Part, rest: Rest, scene: Scene) -> dict[str, Any]:
    """What a service without a protocol of its own speaks is said, too, where that is not what is usual everywhere."""
    protocol = str(spec.get("protocol") or usual_protocol(scene)).lower()
    rest.keep(spec, ("protocol", "mutualTLSMode", _UPSTREAMS))
    rule: dict[str, Any] = {}
    if protocol != TCP:
        rule["protocol"] = {"appProtocol": protocol}
    elif "protocol" in spec:
        rule["protocol"] = {"opaque": True}
    if spec.get("mutualTLSMode") == "strict":
        rule["mtls"] = "Strict"
    elif spec.get("mutualTLSMode"):
        rest.put(spec["mutualTLSMode"], "mutualTLSMode")
    return rule


def _called(spec: Part) -> list[str]:
    """The services of which a caller says what it keeps to."""
    return [str(one["name"]) for one in mappings(section(spec, _UPSTREAMS).get("overrides"))]


def shared_limits(entries: Entries, scene: Scene) -> dict[str, Shared]:
    """Of callers of whom all that they keep to can be said so."""
    bodies = [entries.held[SERVICE_DEFAULTS.kind.kind, name] for name in entries.names(SERVICE_DEFAULTS)]
    callers = [_if_called(section(body, "spec")) for body in bodies]
    members = {one.ref.name: _spec(one.ref.name, entries) for one in in_mesh(scene.cluster, scene.mesh)}
    found = {}
    for called in sorted({one for several in callers for one in several}):
        if (made := _policy(called, members, scene)) is not None:
            first = next(body for body, several in zip(bodies, callers, strict=True) if called in several)
            found[called] = Shared(first, made)
    gone: set[str] | None = None
    while gone is None or gone & found.keys():
        found = {one: made for one, made in found.items() if one not in (gone or ())}
        gone = {one for several in callers if set(several) - found.keys() for one in several}
    return found


def _if_called(spec: Part) -> list[str]:
    """None of a body that is not of the form of its kind, which is kept."""
    try:
        return _called(spec)
    except MALFORMED:
        return []


def _spec(name: str, entries: Entries) -> Part:
    body = entries.of(SERVICE_DEFAULTS, name)
    return section(body, "spec") if body else {}


def _policy(called: str, members: Mapping[str, Part], scene: Scene) -> dict[str, Any] | None:
    """None where callers differ, or no neutral field covers it. ``members``: what each service of the mesh says."""
    said = [_override(called, spec) for name, spec in sorted(members.items()) if name != called]
    own = known(called, "", scene)
    if own is None or not said or not said[0] or any(encode(one) != encode(said[0]) for one in said):
        return None
    try:
        spec = {"to": [scene.short(own.ref)], "rule": _limits(said[0])}
    except (Unsayable, *MALFORMED):
        return None
    return {"kind": "TrafficPolicy", "name": f"{called}-limits", "namespace": own.ref.namespace, "spec": spec}


def _override(called: str, spec: Part) -> Part:
    return next((one for one in mappings(section(spec, _UPSTREAMS).get("overrides")) if one.get("name") == called), {})


def _limits(said: Part) -> dict[str, Any]:
    only(said, ("name", "limits", "passiveHealthCheck"), "overrides")
    limits, checked = section(said, "limits"), section(said, "passiveHealthCheck")
    only(limits, ("maxConnections", *_LIMITS), "limits")
    only(checked, (*_OUTLIER, *_LENGTHS), "passiveHealthCheck")
    http, tcp = renamed(limits, _LIMITS), renamed(limits, {"maxConnections": "max"})
    parts = {name: part for name, part in (("tcp", tcp), ("http", http)) if part}
    outlier = renamed(checked, _OUTLIER)
    outlier |= {name: duration(value) for name, value in renamed(checked, _LENGTHS).items()}
    return ({"connections": parts} if parts else {}) | ({"outlier": outlier} if outlier else {})
