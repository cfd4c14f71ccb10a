"""Objects by what they are about. What the mesh may read in an order that is not written down is told apart by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from reconciler.adapters.importing import MALFORMED, Body, Meaning, Scene, key_of
from reconciler.adapters.istio.live import normalize
from reconciler.adapters.istio.meaning.callers import atoms
from reconciler.adapters.istio.meaning.names import (
    full_host,
    labels_of,
    namespace_of,
    read_by_mesh,
    service_of,
    spec_of,
    worded,
)
from reconciler.adapters.istio.meaning.routes import routes
from reconciler.model.canonical import encode, plain

_BY_PORT = "portLevelSettings"
#: what one object says of each thing that it is about
Said = dict[str, Any]


def meanings(bodies: Iterable[Body], scene: Scene) -> Mapping[str, Meaning]:
    found: dict[str, Meaning] = {}
    for body in bodies:
        body, key = normalize(body), key_of(body)
        for about, content in _said(body, scene).items():
            held = found.get(about)
            joined = _joined(held, content, body) if held else content
            found[about] = Meaning(about, plain(joined), (*(held.objects if held else ()), key))
    return dict(sorted(found.items()))


def _said(body: Body, scene: Scene) -> Said:
    """A body that is not of the form of its kind means what is written."""
    read = _READERS.get(str(body.get("kind", "")))
    try:
        said = read(body, scene) if read and not read_by_mesh(body) else None
    except MALFORMED:
        said = None
    if said is not None:
        return said
    content = {name: value for name, value in body.items() if name not in ("apiVersion", "metadata", "status")}
    return {str(key_of(body)): {**content, "read by the mesh": read_by_mesh(body)}}


def _joined(held: Meaning, content: Any, body: Body) -> Any:
    """Two objects about one thing. The rules of callers are a union; of anything else the mesh takes one."""
    if isinstance(held.content, Mapping) and held.content.keys() == {"rules"}:
        rules = {encode(rule): rule for rule in (*held.content["rules"], *plain(content)["rules"])}
        return {"rules": [rules[text] for text in sorted(rules)]}
    several = held.content["several"] if "several" in held.content else {str(held.objects[0]): held.content}
    return {"several": {**several, str(key_of(body)): content}}


def _virtual_service(body: Body, scene: Scene) -> Said | None:
    spec, namespace = spec_of(body), namespace_of(body)
    known = ("hosts", "http", "gateways", "exportTo")
    rest = {key: value for key, value in spec.items() if key not in known and value}
    hosts = [str(host) for host in spec.get("hosts") or ()]
    inside = (spec.get("gateways") or ["mesh"]) == ["mesh"]
    if rest or not inside or not hosts or any(_elsewhere(host, namespace, scene) for host in hosts):
        return None
    taken = [{"when": when, "then": then} for when, then in routes(spec.get("http") or (), namespace, scene)]
    told = {"routes": taken, "seen by": sorted(spec.get("exportTo") or [])}
    return {f"requests to {full_host(host, namespace, scene)}": told for host in hosts}


def _elsewhere(host: str, namespace: str, scene: Scene) -> bool:
    """Who sees a rule depends on its namespace, so only those that lie with their service are told by host."""
    service = service_of(host, namespace, scene)
    return service is None or service.namespace != namespace


def _destination_rule(body: Body, scene: Scene) -> Said | None:
    spec, namespace = spec_of(body), namespace_of(body)
    host = str(spec.get("host", ""))
    if _elsewhere(host, namespace, scene):
        return None
    content = {key: value for key, value in spec.items() if key not in ("host", "subsets") and value not in ({}, [])}
    if "trafficPolicy" in content:
        content["trafficPolicy"] = _warming(content["trafficPolicy"])
    policy = content.get("trafficPolicy") or {}
    subsets = {str(one.get("name")): _of_subset(one, policy) for one in spec.get("subsets") or ()}
    return {f"connections to {full_host(host, namespace, scene)}": {**content, "subsets": subsets}}


def _of_subset(one: Mapping[str, Any], policy: Mapping[str, Any]) -> Said:
    """With all that holds for it: its own settings take the place of the host's, field by field."""
    own = _warming(one.get("trafficPolicy") or {})
    if _BY_PORT in policy or _BY_PORT in own:
        return {**one}
    return {**one, "trafficPolicy": {**policy, **own}}


def _warming(policy: Mapping[str, Any]) -> Said:
    """The old field for the time in which an endpoint warms up is the new one without anything else."""
    balancer = dict(policy.get("loadBalancer") or {})
    if "warmupDurationSecs" in balancer and "warmup" not in balancer:
        balancer["warmup"] = {"duration": balancer.pop("warmupDurationSecs")}
    return {**policy, **({"loadBalancer": balancer} if balancer else {})}


def _authorization_policy(body: Body, scene: Scene) -> Said | None:
    spec = spec_of(body)
    action = str(spec.get("action") or "ALLOW")
    if set(spec) - {"selector", "action", "provider", "rules"}:
        return None
    by = (spec.get("provider") or {}).get("name", "")
    about = f"{action} {by} of {worded(labels_of(body))} in {namespace_of(body)}"
    return {about: {"rules": atoms(spec.get("rules") or (), scene.mesh.trust_domain)}}


def _peer_authentication(body: Body, _scene: Scene) -> Said | None:
    content = {key: value for key, value in spec_of(body).items() if key != "selector" and value not in ({}, [])}
    return {f"mTLS of {worded(labels_of(body))} in {namespace_of(body)}": content}


def _telemetry(body: Body, _scene: Scene) -> Said | None:
    content = {key: value for key, value in spec_of(body).items() if key != "selector" and value not in ({}, [])}
    if "metrics" in content:
        content["metrics"] = [{**one, **_overrides(one)} for one in content["metrics"]]
    return {f"telemetry of {worded(labels_of(body))} in {namespace_of(body)}": content}


def _overrides(metrics: Mapping[str, Any]) -> Said:
    """With what is meant where nothing is said: every metric, on both sides, and a tag that is set."""
    found = []
    for one in metrics.get("overrides") or ():
        tags = {tag: {"operation": "UPSERT", **change} for tag, change in (one.get("tagOverrides") or {}).items()}
        match = {"metric": "ALL_METRICS", "mode": "CLIENT_AND_SERVER", **(one.get("match") or {})}
        found.append({**one, "match": match} | ({"tagOverrides": tags} if tags else {}))
    return {"overrides": found} if found else {}


_READERS: Mapping[str, Callable[[Body, Scene], Said | None]] = {
    "VirtualService": _virtual_service,
    "DestinationRule": _destination_rule,
    "AuthorizationPolicy": _authorization_policy,
    "PeerAuthentication": _peer_authentication,
    "Telemetry": _telemetry,
}
