"""What products have besides: limits of Open Service Mesh, circuit breakers of NGINX Service Mesh."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of, named, only, renamed
from reconciler.adapters.leaves import section
from reconciler.adapters.rest import Rest
from reconciler.adapters.shortened import duration
from reconciler.adapters.smi.detect import TYPE
from reconciler.adapters.smi.products import NGINX, OSM, of_mesh
from reconciler.adapters.smi.upstreams import HTTP, TCP, UNITS
from reconciler.model.refs import ServiceRef

Part = Mapping[str, Any]
_LIMIT = ("rateLimit", "local", "http")


def upstream(body: Body, scene: Scene) -> Draft:
    key, spec, rest = key_of(body), body["spec"], Rest()
    if of_mesh(scene.mesh) != OSM:
        raise Unsayable("it is of another product")
    rest.keep(spec, ("host", "connectionSettings", "rateLimit"))
    rule: dict[str, Any] = {}
    if found := _connections(section(spec, "connectionSettings"), rest):
        rule["connections"] = found
    if found := _limit(section(spec, "rateLimit"), rest):
        rule["rateLimit"] = {"local": found}
    own = _host(str(spec.get("host", "")), key.namespace, scene)
    return _policy(body, own, rule, scene, rest)


def _host(host: str, namespace: str, scene: Scene) -> ServiceRef:
    name, _, rest = host.partition(".")
    if rest != f"{namespace}.svc.{scene.cluster_domain}" or scene.cluster.service(name, namespace) is None:
        raise Unsayable(f"{host} is not the full name of a known Service of its namespace")
    return ServiceRef(name, namespace)


def _policy(body: Body, own: ServiceRef, rule: Part, scene: Scene, rest: Rest) -> Draft:
    if not rule:
        raise Unsayable(f"no neutral field covers {', '.join(f'spec.{field}' for field in rest.fields) or 'it'}")
    spec = {"to": [scene.short(own)], "rule": rule, **named(TYPE, body, own.name, scene, rest.patch)}
    key = key_of(body)
    name = f"{key.name}-{'limits' if key.kind == 'UpstreamTrafficSetting' else 'breaker'}"
    return Draft(key, ({"kind": "TrafficPolicy", "name": name, "spec": spec},))


def _connections(given: Part, rest: Rest) -> dict[str, Any]:
    tcp, http = section(given, "tcp"), section(given, "http")
    rest.keep(given, ("tcp", "http"), "connectionSettings")
    rest.keep(tcp, TCP.values(), "connectionSettings", "tcp")
    rest.keep(http, HTTP.values(), "connectionSettings", "http")
    ours = renamed(tcp, {theirs: ours for ours, theirs in TCP.items()})
    if "connectTimeout" in ours:
        ours["connectTimeout"] = duration(ours["connectTimeout"])
    parts = {"tcp": ours, "http": renamed(http, {theirs: ours for ours, theirs in HTTP.items()})}
    return {name: part for name, part in parts.items() if part}


def _limit(given: Part, rest: Rest) -> dict[str, Any]:
    """Of requests, all together. Where there is more to it, all of it goes into a patch."""
    local = section(given, "local")
    http = section(local, "http")
    words = {theirs: ours for ours, theirs in UNITS.items()}
    plain = given.keys() <= {"local"} and local.keys() <= {"http"} and http.keys() <= {"requests", "unit", "burst"}
    if not given or not plain or http.get("unit") not in words:
        if given:
            rest.put(dict(given), "rateLimit")
        return {}
    made = {"requests": http["requests"], "unit": words[http["unit"]]}
    return made | ({"burst": http["requests"] + http["burst"]} if http.get("burst") else {})


def breaker(body: Body, scene: Scene) -> Draft:
    spec, rest = body["spec"], Rest()
    only(spec, ("destination", "errors", "timeoutSeconds", "fallback"), "spec")
    rest.keep(spec, ("destination", "errors", "timeoutSeconds"))
    if of_mesh(scene.mesh) != NGINX:
        raise Unsayable("it is of another product")
    to = spec["destination"]
    own = ServiceRef(str(to["name"]), str(to.get("namespace") or key_of(body).namespace))
    if to.get("kind") != "Service" or scene.cluster.service(own.name, own.namespace) is None:
        raise Unsayable("it is about something else than a known Service")
    if own.namespace != key_of(body).namespace and not scene.rename:
        raise Unsayable(f"it would come back in {own.namespace}, which --rename allows")
    outlier = {"consecutiveErrors": spec["errors"], "baseEjection": f"{spec['timeoutSeconds']}s"}
    return _policy(body, own, {"outlier": outlier}, scene, rest)
