"""ServiceDefaults: what a service speaks and how strict it is. What callers keep to is said there of each caller; where
all callers of a service keep to the same, a policy for that service says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.consul.importing.services import known, service
from reconciler.adapters.consul.kinds import SERVICE_DEFAULTS
from reconciler.adapters.consul.meaning.entries import Entries
from reconciler.adapters.consul.meaning.settings import usual_protocol
from reconciler.adapters.consul.names import in_mesh
from reconciler.adapters.consul.speaking import TCP
from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of, named, only, renamed
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


def defaults(body: Body, entries: Entries, scene: Scene) -> Draft:
    key, spec, rest = key_of(body), section(body, "spec"), Rest()
    own = service(key.name, body, scene).ref
    documents = [one for called, one in _shared(entries, scene).items() if _first(called, entries) == own.name]
    rule = _rule(spec, rest, scene)
    if set(_called(spec)) <= _shared(entries, scene).keys():
        rest.keep(section(spec, _UPSTREAMS), ("overrides",), _UPSTREAMS)
    else:
        rest.keep(spec, [field for field in spec if field != _UPSTREAMS])
    if rule:
        made = {"to": [scene.short(own)], "rule": rule, **named(TYPE, body, own.name, scene, rest.patch)}
        documents.append({"kind": "TrafficPolicy", "name": f"{own.name}-settings", "spec": made})
    elif rest.fields or not _called(spec):
        raise Unsayable(f"no neutral field covers {', '.join(f'spec.{field}' for field in rest.fields) or 'it'}")
    within = None if documents else entries.key(SERVICE_DEFAULTS, _first(_called(spec)[0], entries))
    return Draft(key, tuple(documents), within=within)


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


def _first(called: str, entries: Entries) -> str:
    """The caller with which it is told what all of them keep to."""
    return next(name for name in entries.names(SERVICE_DEFAULTS) if called in _called(_spec(name, entries)))


def _spec(name: str, entries: Entries) -> Part:
    body = entries.of(SERVICE_DEFAULTS, name)
    return section(body, "spec") if body else {}


def _shared(entries: Entries, scene: Scene) -> dict[str, dict[str, Any]]:
    """By called service the policy that says what all of its callers keep to, of callers of whom all can be said so."""
    callers = {name: _called(_spec(name, entries)) for name in entries.names(SERVICE_DEFAULTS)}
    found = {one: made for several in callers.values() for one in several if (made := _policy(one, entries, scene))}
    gone: set[str] | None = None
    while gone is None or gone & found.keys():
        found = {one: made for one, made in found.items() if one not in (gone or ())}
        gone = {one for several in callers.values() if set(several) - found.keys() for one in several}
    return found


def _policy(called: str, entries: Entries, scene: Scene) -> dict[str, Any] | None:
    """None where callers differ, or no neutral field covers it."""
    members = {one.ref.name for one in in_mesh(scene.cluster, scene.mesh)} - {called}
    said = [_override(called, _spec(name, entries)) for name in sorted(members)]
    own = known(called, "", scene)
    if own is None or not said or any(encode(one) != encode(said[0]) for one in said) or not said[0]:
        return None
    try:
        spec = {"to": [scene.short(own.ref)], "rule": _limits(said[0])}
    except Unsayable:
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
