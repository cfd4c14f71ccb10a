"""Decoding of a rule into its leaves: the fields that are merged each by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.load.blocks import Decoder, target
from reconciler.load.nodes import Map, Place, position
from reconciler.load.values import plain, regex_problem
from reconciler.model.rules import Leaf, RouteEntry

#: mappings whose every field is a leaf; every other field of a rule is one leaf as it stands
_SPLIT = frozenset(
    {
        "fault",
        "timeout",
        "retries",
        "retries.backoff",
        "retries.budget",
        "outlier",
        "connections",
        "connections.tcp",
        "connections.http",
        "loadBalancing",
        "loadBalancing.locality",
        "rateLimit",
        "transform",
        "protocol",
    }
)
PREFERENCE = "traffic.loadBalancing.locality.prefer"


def leaves(rule: Map, into: Decoder) -> tuple[Leaf, ...]:
    """The leaves of a rule in its long form, in the order of the file."""
    _check_expressions(rule, into)
    found: list[Leaf] = []
    for name, value, key_at, _ in rule.entries():
        if name == "headers":
            found += _header_leaves(value, into)
        elif name in ("route", "mirror"):
            entries = _entries(value, "weight" if name == "route" else "percent")
            if name == "route" and not any(entry.weight for entry in entries):
                into.complain("all-weights-zero", "every weight is 0, so no request could go anywhere", key_at)
            found.append(Leaf(f"traffic.{name}", entries, position(key_at), into.ref))
        else:
            found += [
                Leaf(f"traffic.{path}", plain(leaf), position(at), into.ref)
                for path, leaf, at in _split(name, value, key_at)
            ]
    return tuple(found)


def _split(path: str, value: Any, at: Place) -> Iterator[tuple[str, Any, Place]]:
    if path not in _SPLIT:
        yield path, value, at
        return
    for key, item, key_at, _ in value.entries():
        yield from _split(f"{path}.{key}", item, key_at)


def _entries(items: Any, share: str) -> tuple[RouteEntry, ...]:
    return tuple(
        RouteEntry(target(item["to"], item.values_at["to"]), item[share], headers_of(item.get("headers")))
        for item in items
    )


def headers_of(node: Map | None) -> dict[str, Any]:
    """Header changes with the names in lower case, as they are compared."""
    if node is None:
        return {}
    return {side: {verb: _lowered(what) for verb, what in change.items()} for side, change in node.items()}


def _lowered(what: Any) -> Any:
    if isinstance(what, Map):
        return {name.lower(): value for name, value in what.items()}
    return [name.lower() for name in what]


def _header_leaves(node: Map, into: Decoder) -> Iterator[Leaf]:
    for side, change in node.items():
        seen: set[tuple[str, str]] = set()
        for verb, what in change.items():
            entries = what.entries() if isinstance(what, Map) else ((name, True, at, at) for name, at in what.entries())
            for name, value, at, _ in entries:
                if (name.lower(), verb) in seen:
                    into.complain("wrong-value", f"the header `{name}` is there twice", at)
                seen.add((name.lower(), verb))
                path = f"traffic.headers.{side}.{verb}"
                yield Leaf(path, value, position(at), into.ref, name.lower())


def preference(defaults: Map, into: Decoder) -> tuple[Leaf, ...]:
    """``localityPreference`` of a group: what the rule of every service of its meshes says."""
    if "localityPreference" not in defaults:
        return ()
    at = position(defaults.keys_at["localityPreference"])
    return (Leaf(PREFERENCE, defaults["localityPreference"], at, into.ref),)


def _check_expressions(rule: Map, into: Decoder) -> None:
    for name in ("cors", "csrf"):
        for origin in rule.get(name, {}).get("origins", ()):
            if "regex" in origin:
                into.regex(origin)
    for mask, at in rule["dlp"]["masks"].entries() if "dlp" in rule else ():
        if problem := regex_problem(mask):
            into.complain("wrong-value", f"not an RE2 expression: {problem}", at)
    if "regex" in rule.get("rewrite", {}):
        into.regex(rule["rewrite"]["regex"], "pattern")
