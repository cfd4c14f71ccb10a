"""``filters[]`` of a rule: headers, redirect, rewrite, mirrors, CORS."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from reconciler.adapters.durations import seconds
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import header_leaf, leaf_at, section
from reconciler.adapters.standard.conditions import EXACT, PREFIX, Condition
from reconciler.adapters.standard.matches import METHODS, MOST
from reconciler.model.intents import Backend, Route
from reconciler.model.rules import Leaf

Filter = dict[str, Any]
Reference = Callable[[Backend], dict[str, Any]]

_CODES = (301, 302, 303, 307, 308)
_FIRST_CODES = (301, 302)
_ORIGIN = re.compile(r"\*|https?://((\*\.)?([a-zA-Z0-9\-]+\.)*[a-zA-Z0-9-]+|\*)(:[0-9]{1,5})?")
_HOSTNAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_USELESS = ("rewrite", "timeout", "retries", "mirror", "route")


def filters(
    route: Route, rule: Mapping[str, Any], condition: Condition, reference: Reference, gaps: Gaps
) -> list[Filter]:
    """The filters of a rule; those that replace a part of the path are for this condition only."""
    found = [
        *header_filters(section(rule, "headers"), gaps, route.leaves),
        *_redirect(route, rule, condition, gaps),
        *_rewrite(route, rule, condition, gaps),
        *_mirrors(route, reference, gaps),
        *_cors(route, rule, gaps),
    ]
    if len(found) > MOST:
        gaps.error("mesh-inexpressible", f"the API takes at most {MOST} filters for a rule, not {len(found)}")
    return found


def redirects(rule: Mapping[str, Any]) -> bool:
    return bool(section(rule, "redirect"))


def depends_on_path(rule: Mapping[str, Any]) -> bool:
    """Whether a rule replaces what its condition matched, so that each condition needs a rule of its own."""
    return "prefix" in section(rule, "redirect") or "prefix" in section(rule, "rewrite")


def header_filters(asked: Mapping[str, Any], gaps: Gaps, leaves: Iterable[Leaf] = ()) -> list[Filter]:
    """``{request: {set, add, remove}, response: ...}``; ``remove`` is a list, or a mapping whose keys are meant."""
    found: list[Filter] = []
    for side in ("request", "response"):
        change = section(asked, side)
        done: dict[str, Any] = {}
        for verb in ("set", "add"):
            values = sorted(section(change, verb).items())
            if values:
                done[verb] = [_header(name, value, header_leaf(leaves, side, name), gaps) for name, value in values]
        if removed := sorted(str(name) for name in change.get("remove") or ()):
            done["remove"] = removed
        if any(len(items) > MOST for items in done.values()):
            gaps.error("mesh-inexpressible", f"the API changes at most {MOST} headers of a {side} in one way")
        if done:
            found.append({"type": f"{side.capitalize()}HeaderModifier", f"{side}HeaderModifier": done})
    return found


def _header(name: str, value: Any, leaf: Leaf | None, gaps: Gaps) -> dict[str, str]:
    if name.startswith(":") or not str(value).strip():
        gaps.error("mesh-invalid-value", f"the API does not take this value of header {name!r}: {value!r}", leaf)
    return {"name": name, "value": str(value)}


def _redirect(route: Route, rule: Mapping[str, Any], condition: Condition, gaps: Gaps) -> list[Filter]:
    asked, leaf = section(rule, "redirect"), leaf_at(route.leaves, "traffic.redirect")
    if not asked:
        return []
    done: dict[str, Any] = {"statusCode": asked.get("code", 301)}
    done |= {name: asked[field] for field, name in (("scheme", "scheme"), ("port", "port")) if field in asked}
    if "host" in asked:
        done["hostname"] = _hostname(str(asked["host"]), leaf, gaps)
    done |= _replaced(asked, condition, leaf, gaps)
    if done["statusCode"] not in _CODES:
        gaps.error("mesh-invalid-value", f"the API redirects with one of {_CODES}", leaf)
    if len(done) == 1:
        gaps.error("mesh-inexpressible", "a redirect without a new path, host, port or scheme leads to itself", leaf)
    _useless(route, leaf, gaps)
    return [{"type": "RequestRedirect", "requestRedirect": dict(sorted(done.items()))}]


def newer_code(rule: Mapping[str, Any]) -> bool:
    """Whether a redirect has a code that the API did not always know."""
    return section(rule, "redirect").get("code", 301) not in _FIRST_CODES


def _useless(route: Route, answered: Leaf | None, gaps: Gaps) -> None:
    """A policy that asks for both contradicts itself. What a wider policy says of all requests does not reach these."""
    for name in _USELESS:
        leaf = leaf_at(route.leaves, f"traffic.{name}")
        if leaf is not None and answered is not None and leaf.policy == answered.policy:
            message = f"{leaf.path} has no meaning beside {answered.path}: the request reaches no destination"
            gaps.error("answer-without-destination", message, leaf)


def _rewrite(route: Route, rule: Mapping[str, Any], condition: Condition, gaps: Gaps) -> list[Filter]:
    asked, leaf = section(rule, "rewrite"), leaf_at(route.leaves, "traffic.rewrite")
    if not asked or redirects(rule):
        return []
    if "regex" in asked:
        gaps.error("mesh-inexpressible", "the API cannot rewrite a path by an expression", leaf)
    if "path" in asked and "prefix" in asked:
        gaps.error("mesh-invalid-value", "a path is rewritten in one way, not by path and prefix", leaf)
    done = _replaced(asked, condition, leaf, gaps)
    if "host" in asked:
        done["hostname"] = _hostname(str(asked["host"]), leaf, gaps)
    return [{"type": "URLRewrite", "urlRewrite": done}] if done else []


def _replaced(asked: Mapping[str, Any], condition: Condition, leaf: Leaf | None, gaps: Gaps) -> dict[str, Any]:
    if "path" in asked:
        return {"path": {"type": "ReplaceFullPath", "replaceFullPath": str(asked["path"])}}
    if "prefix" not in asked:
        return {}
    if condition.kind not in (EXACT, PREFIX) or not condition.base:
        gaps.error("mesh-inexpressible", "a prefix is replaced where a prefix or an exact path is matched only", leaf)
        return {}
    # where the condition was narrowed, what lies between the matched path and it stays
    rest = condition.path[len(condition.base.rstrip("/")) :]
    target = f"{str(asked['prefix']).rstrip('/')}{rest.rstrip('/')}" or "/"
    if condition.kind == EXACT:
        return {"path": {"type": "ReplaceFullPath", "replaceFullPath": target}}
    return {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": target}}


def _hostname(host: str, leaf: Leaf | None, gaps: Gaps) -> str:
    if not _HOSTNAME.fullmatch(host):
        gaps.error("mesh-invalid-value", f"the API takes a host name in small letters without a port: {host!r}", leaf)
    return host


def _mirrors(route: Route, reference: Reference, gaps: Gaps) -> list[Filter]:
    found = []
    for mirror in route.mirrors:
        if mirror.headers:
            told = "the API cannot change the headers of mirrored requests only"
            gaps.about(route.askers.mirrors).error("mesh-inexpressible", told)
        found.append({"type": "RequestMirror", "requestMirror": {"backendRef": reference(mirror)} | _share(mirror)})
    return found


def _share(mirror: Backend) -> dict[str, Any]:
    if mirror.weight == 100:
        return {}
    if mirror.weight == int(mirror.weight):
        return {"percent": int(mirror.weight)}
    return {"fraction": {"numerator": round(mirror.weight * 10_000), "denominator": 1_000_000}}


def _cors(route: Route, rule: Mapping[str, Any], gaps: Gaps) -> list[Filter]:
    asked, leaf = section(rule, "cors"), leaf_at(route.leaves, "traffic.cors")
    if not asked:
        return []
    done: dict[str, Any] = {}
    if origins := [_origin(one, leaf, gaps) for one in asked.get("origins") or ()]:
        done["allowOrigins"] = origins
    for field, name in (("methods", "allowMethods"), ("headers", "allowHeaders"), ("expose", "exposeHeaders")):
        if asked.get(field):
            done[name] = [str(item) for item in asked[field]]
    for method in set(done.get("allowMethods", ())) - {*METHODS, "*"}:
        gaps.error("mesh-invalid-value", f"the API does not know the method {method!r}", leaf)
    if "maxAge" in asked:
        done["maxAge"] = _whole_seconds(asked["maxAge"], leaf, gaps)
    if asked.get("credentials"):
        done["allowCredentials"] = True
    for name, items in done.items():
        if isinstance(items, list) and "*" in items and len(items) > 1:
            gaps.error("mesh-invalid-value", f"`*` stands alone in {name}", leaf)
    return [{"type": "CORS", "cors": done}]


def _origin(origin: Any, leaf: Leaf | None, gaps: Gaps) -> str:
    text = origin if isinstance(origin, str) else str(origin.get("exact", ""))
    ignore = isinstance(origin, Mapping) and origin.get("ignoreCase")
    if ignore or not _ORIGIN.fullmatch(text):
        gaps.error("mesh-inexpressible", f"the API takes an exact origin such as https://a.example: {origin}", leaf)
    return text


def _whole_seconds(length: Any, leaf: Leaf | None, gaps: Gaps) -> int:
    found = seconds(length)
    if found is None or found.denominator != 1 or found < 1:
        gaps.error("mesh-invalid-value", f"the API takes whole seconds for maxAge, not {length!r}", leaf)
        return 1
    return int(found)
