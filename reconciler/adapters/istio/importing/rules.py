"""What ``http[]`` does with requests, as the ``rule`` of a policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.adapters.expressions import quote
from reconciler.adapters.importing import Body, Scene, Unsayable, only
from reconciler.adapters.istio.importing.services import service
from reconciler.adapters.shortened import duration
from reconciler.model.refs import ServiceRef

_HTTP = (
    "name", "match", "route", "redirect", "rewrite", "timeout", "retries", "fault", "mirror", "mirrors",
    "mirrorPercent", "mirrorPercentage", "mirror_percent", "corsPolicy", "headers", "directResponse",
)  # fmt: skip
_REDIRECT = {"uri": "path", "authority": "host", "port": "port", "scheme": "scheme", "redirectCode": "code"}
_RETRIES = {"retryRemoteLocalities": "otherLocalities"}
_CORS = {
    "allowMethods": "methods",
    "allowHeaders": "headers",
    "exposeHeaders": "expose",
    "allowCredentials": "credentials",
}


def rule(
    http: Mapping[str, Any], uri: Mapping[str, Any] | None, own: ServiceRef | None, body: Body, scene: Scene
) -> Any:
    """The rule of a route; ``uri`` is what its condition says of the path, which a rewrite replaces; ``own`` the only
    service that it is about."""
    only(http, _HTTP, "http")

    def to(destination: Mapping[str, Any]) -> Any:
        return _target(destination, body, scene)

    parts = {
        "route": _routes(http.get("route") or (), own, to, body, scene),
        "mirror": _mirrors(http, to),
        "redirect": _redirect(http.get("redirect") or {}),
        "respond": _respond(http.get("directResponse") or {}),
        "rewrite": _rewrite(http.get("rewrite") or {}, uri),
        "fault": {name: _fault(name, part) for name, part in sorted((http.get("fault") or {}).items())},
        "timeout": duration(http["timeout"]) if http.get("timeout") else None,
        "retries": _retries(http["retries"]) if "retries" in http else None,
        "cors": _cors(http.get("corsPolicy") or {}),
        "headers": headers(http.get("headers") or {}),
    }
    return {name: part for name, part in parts.items() if part not in (None, {}, [])}


def _target(destination: Mapping[str, Any], body: Body, scene: Scene) -> Any:
    only(destination, ("host", "subset", "port"), "destination")
    found = service(str(destination.get("host", "")), body, scene)
    short = f"{found.name}.{found.namespace}"
    if not destination.get("subset") and not destination.get("port"):
        return short
    made: dict[str, Any] = {"services": [short]}
    if destination.get("subset"):
        made["subset"] = destination["subset"]
    return made | ({"ports": [destination["port"]["number"]]} if destination.get("port") else {})


def _routes(
    given: Any, own: ServiceRef | None, to: Callable[[Mapping[str, Any]], Any], body: Body, scene: Scene
) -> Any:
    """Weights by subset where all goes to parts of the host itself, else a list."""
    for one in given:
        only(one, ("destination", "weight", "headers"), "route")
    whole = len(given) == 1
    weights = [100 if whole else int(one.get("weight") or 0) for one in given]
    subsets = [one["destination"].get("subset") for one in given]
    plain = all(
        one["destination"].keys() == {"host", "subset"}
        and not one.get("headers")
        and service(str(one["destination"]["host"]), body, scene) == own
        for one in given
    )
    if plain and len(set(subsets)) == len(subsets):
        return dict(zip(subsets, weights, strict=True))
    return [
        {"to": to(one["destination"])}
        | ({} if whole else {"weight": weight})
        | ({"headers": headers(one["headers"])} if one.get("headers") else {})
        for one, weight in zip(given, weights, strict=True)
    ]


def _mirrors(http: Mapping[str, Any], to: Callable[[Mapping[str, Any]], Any]) -> list[dict[str, Any]]:
    given = list(http.get("mirrors") or ())
    if http.get("mirror"):
        percents = (http.get(key) for key in ("mirrorPercent", "mirror_percent"))
        whole = next(({"value": percent} for percent in percents if percent is not None), None)
        given.append({"destination": http["mirror"], "percentage": http.get("mirrorPercentage", whole)})
    found = []
    for one in given:
        only(one, ("destination", "percentage"), "mirrors")
        share = one.get("percentage")
        percent = {} if share is None else {"percent": _number(share.get("value"))}
        found.append({"to": to(one["destination"])} | percent)
    return found


def _redirect(given: Mapping[str, Any]) -> dict[str, Any]:
    only(given, _REDIRECT, "redirect")
    return {name: given[field] for field, name in _REDIRECT.items() if field in given}


def _respond(given: Mapping[str, Any]) -> dict[str, Any]:
    only(given, ("status", "body"), "directResponse")
    body = given.get("body") or {}
    only(body, ("string",), "directResponse.body")
    made = {"status": given["status"]} if given else {}
    return made | ({"body": body["string"]} if body.get("string") else {})


def _rewrite(given: Mapping[str, Any], uri: Mapping[str, Any] | None) -> dict[str, Any]:
    """The mesh replaces a prefix by characters, also where that leaves two slashes: then an expression says it."""
    only(given, ("uri", "authority", "uriRegexRewrite"), "rewrite")
    made: dict[str, Any] = {"host": given["authority"]} if given.get("authority") else {}
    if given.get("uriRegexRewrite"):
        found = given["uriRegexRewrite"]
        return made | {"regex": {"pattern": found["match"], "substitution": found.get("rewrite", "")}}
    if not given.get("uri"):
        return made
    target, prefix = str(given["uri"]), (uri or {"prefix": "/"}).get("prefix")
    if prefix is None:
        return made | {"path": target}
    if prefix != "/" and target.startswith("/") and not target.endswith("/"):
        return made | {"prefix": target}
    literal = target.replace("\\", "\\\\")
    return made | {"regex": {"pattern": f"^{quote(prefix)}(.*)$", "substitution": f"{literal}\\1"}}


def _fault(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    share = given.get("percentage") or {"value": given.get("percent") or 0}
    fields = {"fixedDelay": "duration"} if name == "delay" else {"httpStatus": "httpStatus", "grpcStatus": "grpcStatus"}
    only(given, (*fields, "percentage", "percent"), f"fault.{name}")
    made = {ours: given[field] for field, ours in fields.items() if field in given}
    made |= {"duration": duration(made["duration"])} if "duration" in made else {}
    return made | {"percent": _number(share.get("value"))}


def _retries(given: Mapping[str, Any]) -> dict[str, Any]:
    only(given, ("attempts", "retryOn", "perTryTimeout", "backoff", *_RETRIES), "retries")
    attempts = max(int(given.get("attempts") or 0), 0)
    made: dict[str, Any] = {"attempts": attempts}
    if not attempts:
        return made
    words = [word for part in str(given.get("retryOn") or "").split(",") if (word := part.strip())]
    codes = [int(word) for word in words if word.isdigit()]
    if conditions := [word for word in words if not word.isdigit()]:
        made["on"] = conditions
    if codes:
        made["statusCodes"] = codes
    if given.get("perTryTimeout"):
        made["perTry"] = duration(given["perTryTimeout"])
    if given.get("backoff"):
        made["backoff"] = {"base": duration(given["backoff"])}
    return made | {name: given[field] for field, name in _RETRIES.items() if field in given}


def _cors(given: Mapping[str, Any]) -> dict[str, Any]:
    only(given, ("allowOrigins", "maxAge", *_CORS), "corsPolicy")
    made: dict[str, Any] = {"maxAge": duration(given["maxAge"])} if given.get("maxAge") else {}
    if given.get("allowOrigins"):
        made["origins"] = [one["exact"] if one.keys() == {"exact"} else dict(one) for one in given["allowOrigins"]]
    return made | {name: given[field] for field, name in _CORS.items() if given.get(field) not in (None, [])}


def headers(given: Mapping[str, Any]) -> dict[str, Any]:
    """Header operations, which have the same names here and there."""
    only(given, ("request", "response"), "headers")
    made = {}
    for side, operations in sorted(given.items()):
        only(operations, ("set", "add", "remove"), f"headers.{side}")
        made[side] = {name: what for name, what in sorted(operations.items()) if what}
    return {side: operations for side, operations in made.items() if operations}


def _number(value: Any) -> Any:
    """A percentage without a value is 0 to the mesh."""
    number = float(value or 0)
    if not 0 <= number <= 100:
        raise Unsayable(f"{value} is not a percentage")
    return int(number) if number.is_integer() else number
