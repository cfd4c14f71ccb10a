"""What a rule does with requests, as the ``rule`` of a policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.adapters.importing import Body, Scene, Unsayable, key_of, only
from reconciler.adapters.shortened import duration
from reconciler.adapters.standard.meaning.parents import Bound
from reconciler.model.refs import ServiceRef

_FIELDS = ("name", "matches", "filters", "backendRefs", "timeouts", "retry", "sessionPersistence")
_CORS = {
    "allowOrigins": "origins",
    "allowMethods": "methods",
    "allowHeaders": "headers",
    "exposeHeaders": "expose",
    "allowCredentials": "credentials",
}
Part = Mapping[str, Any]


def rule(given: Part, to: Bound, body: Body, scene: Scene) -> dict[str, Any]:
    only(given, _FIELDS, "rules")
    made: dict[str, Any] = {}
    for one in given.get("filters") or ():
        _add(made, one, to, body, scene)
    if "redirect" not in made:
        made["route"] = _routes(given.get("backendRefs") or [], to, body, scene)
    limits, retry = given.get("timeouts") or {}, given.get("retry") or {}
    only(limits, ("request", "backendRequest"), "timeouts")
    only(retry, ("attempts", "codes", "backoff"), "retry")
    if "request" in limits:
        made["timeout"] = duration(limits["request"])
    retries = {
        "attempts": retry.get("attempts"),
        "statusCodes": retry.get("codes"),
        "perTry": limits.get("backendRequest"),
    }
    retries |= {"backoff": {"base": retry["backoff"]}} if retry.get("backoff") else {}
    if said := {name: value for name, value in retries.items() if value is not None}:
        made["retries"] = said
    return made


def session(rules: Sequence[Part], target: Any, name: str) -> list[dict[str, Any]]:
    """A session that all rules keep, as a policy for the whole service."""
    given = [one.get("sessionPersistence") for one in rules]
    if not any(given):
        return []
    first = given[0] or {}
    if any(one != first for one in given) or isinstance(target, Mapping):
        raise Unsayable("sessionPersistence is not the same in all rules and on all ports")
    only(first, ("type", "sessionName", "absoluteTimeout", "cookieConfig"), "sessionPersistence")
    if first.get("type", "Cookie") != "Cookie" or not first.get("sessionName"):
        raise Unsayable("sessionPersistence is not by a named cookie")
    cookie = {"name": first["sessionName"]}
    cookie |= {"ttl": first["absoluteTimeout"]} if first.get("absoluteTimeout") else {}
    balancing = {"loadBalancing": {"hash": {"cookie": cookie}}}
    return [{"kind": "TrafficPolicy", "name": f"{name}-session", "spec": {"to": [target], "rule": balancing}}]


def _routes(given: Sequence[Part], to: Bound, body: Body, scene: Scene) -> list[Any]:
    if not given:
        raise Unsayable("a rule without backendRefs answers 500")
    found = []
    for one in given:
        only(one, ("group", "kind", "name", "namespace", "port", "weight", "filters"), "backendRefs")
        weight = {} if len(given) == 1 else {"weight": one.get("weight", 1)}
        headers: dict[str, Any] = {}
        for item in one.get("filters") or ():
            _add_headers(headers, item)
        found.append({"to": _target(one, to, body, scene), **weight, **headers})
    return found


def _target(given: Part, to: Bound, body: Body, scene: Scene) -> Any:
    """The port is left out where the service has only one, or it is that of the caller."""
    if given.get("group", "") or given.get("kind", "Service") != "Service":
        raise Unsayable(f"no neutral field covers a backend of kind {given.get('kind')}")
    ref = ServiceRef(str(given["name"]), str(given.get("namespace") or key_of(body).namespace))
    facts, port = scene.cluster.service(ref.name, ref.namespace), given.get("port")
    short = f"{ref.name}.{ref.namespace}"
    known = [one.number for one in facts.ports] if facts else []
    if known == [port] or (port in known and to.ports == (port,)):
        return short
    return {"services": [short], "ports": [port]}


def _add(made: dict[str, Any], given: Part, to: Bound, body: Body, scene: Scene) -> None:
    kind = str(given.get("type", ""))
    match kind:
        case "RequestHeaderModifier" | "ResponseHeaderModifier":
            _add_headers(made, given)
        case "RequestRedirect":
            made["redirect"] = _redirect(given.get("requestRedirect") or {})
        case "URLRewrite":
            made["rewrite"] = _rewrite(given.get("urlRewrite") or {})
        case "RequestMirror":
            made.setdefault("mirror", []).append(_mirror(given.get("requestMirror") or {}, to, body, scene))
        case "CORS":
            made["cors"] = _cors(given.get("cors") or {})
        case _:
            raise Unsayable(f"no neutral field covers a filter of type {kind}")


def _add_headers(made: dict[str, Any], given: Part) -> None:
    kind = str(given.get("type", ""))
    if kind not in ("RequestHeaderModifier", "ResponseHeaderModifier"):
        raise Unsayable(f"no neutral field covers a filter of type {kind} on a backend")
    said = given.get(f"{kind[0].lower()}{kind[1:]}") or {}
    only(said, ("set", "add", "remove"), kind)
    changes: dict[str, Any] = {
        name: {item["name"]: item.get("value", "") for item in said[name]} for name in ("set", "add") if said.get(name)
    }
    changes |= {"remove": list(said["remove"])} if said.get("remove") else {}
    made.setdefault("headers", {})["request" if kind.startswith("Request") else "response"] = changes


def _redirect(given: Part) -> dict[str, Any]:
    """Without a code the API redirects with 302, we with 301."""
    only(given, ("scheme", "hostname", "port", "path", "statusCode"), "requestRedirect")
    made = {
        ours: given[field]
        for field, ours in (("scheme", "scheme"), ("hostname", "host"), ("port", "port"))
        if field in given
    }
    return made | _path(given.get("path") or {}) | {"code": given.get("statusCode", 302)}


def _rewrite(given: Part) -> dict[str, Any]:
    only(given, ("hostname", "path"), "urlRewrite")
    return ({"host": given["hostname"]} if "hostname" in given else {}) | _path(given.get("path") or {})


def _path(given: Part) -> dict[str, Any]:
    named = {"ReplaceFullPath": ("path", "replaceFullPath"), "ReplacePrefixMatch": ("prefix", "replacePrefixMatch")}
    if not given:
        return {}
    ours, field = named[str(given["type"])]
    return {ours: given.get(field) or "/"}


def _mirror(given: Part, to: Bound, body: Body, scene: Scene) -> dict[str, Any]:
    only(given, ("backendRef", "percent", "fraction"), "requestMirror")
    made: dict[str, Any] = {"to": _target(given.get("backendRef") or {}, to, body, scene)}
    if "percent" in given:
        made["percent"] = given["percent"]
    if fraction := given.get("fraction"):
        percent = 100 * fraction["numerator"] / fraction.get("denominator", 100)
        made["percent"] = int(percent) if float(percent).is_integer() else percent
    return made


def _cors(given: Part) -> dict[str, Any]:
    only(given, (*_CORS, "maxAge"), "cors")
    made = {ours: given[field] for field, ours in _CORS.items() if given.get(field)}
    return made | ({"maxAge": f"{given['maxAge']}s"} if given.get("maxAge") else {})
