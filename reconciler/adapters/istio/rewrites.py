"""``http[].rewrite``. Istio's ``rewrite.uri`` replaces what its own match matched, by characters; ours is always a
regular expression over the whole path, so that the neutral match decides what is replaced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.expressions import quote
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section
from reconciler.model.intents import Route
from reconciler.model.rules import Leaf
from reconciler.model.selectors import PathKind, PathMatch

WHOLE_PATH = "^/.*$"


def rewrite(route: Route, rule: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    """The ``rewrite`` of a route, empty when its rule asks for none."""
    asked = section(rule, "rewrite")
    leaf = leaf_at(route.leaves, "traffic.rewrite")
    ways = [way for way in ("path", "prefix", "regex") if way in asked]
    if len(ways) > 1:
        gaps.error("mesh-invalid-value", f"a path is rewritten in one way, not by {' and '.join(ways)}", leaf)
    native: dict[str, Any] = {}
    if ways:
        native["uriRegexRewrite"] = _path_rewrite(ways[0], asked, route, leaf, gaps)
    if "host" in asked:
        native["authority"] = asked["host"]
    return native


def _path_rewrite(way: str, asked: Mapping[str, Any], route: Route, leaf: Leaf | None, gaps: Gaps) -> dict[str, str]:
    match way:
        case "path":
            return {"match": WHOLE_PATH, "rewrite": _literal(asked["path"])}
        case "prefix":
            return _prefix(asked["prefix"], [match.path for match in route.matches] or [None], leaf, gaps)
        case _:
            regex = section(asked, "regex")
            return {"match": str(regex.get("pattern", "")), "rewrite": str(regex.get("substitution", ""))}


def _prefix(target: str, paths: list[PathMatch | None], leaf: Leaf | None, gaps: Gaps) -> dict[str, str]:
    kinds = {_replaces(path) for path in paths}
    if len(kinds) > 1 or None in kinds:
        gaps.error(
            "mesh-inexpressible",
            "rewrite.prefix needs matches with a prefix (or an exact path), all of one kind",
            leaf,
            "write rewrite.regex, or one policy for each kind of match",
        )
        return {}
    heads = "|".join(_heads(paths))
    head = f"(?:{heads})" if "|" in heads or "(?i" in heads else heads
    if kinds == {"characters"}:
        # a slash at the end of the target takes in the one that follows
        return {"match": f"^{head}{'/?' if target.endswith('/') else ''}(.*)$", "rewrite": f"{_literal(target)}\\1"}
    if not target.rstrip("/"):
        return {"match": f"^{head}(?:/(.*))?$", "rewrite": "/\\1"}
    return {"match": f"^{head}(/.*)?$", "rewrite": f"{_literal(target.rstrip('/'))}\\1"}


def _replaces(path: PathMatch | None) -> str | None:
    if path is None or path.kind in (PathKind.PREFIX, PathKind.EXACT):
        return "elements"
    return "characters" if path.kind is PathKind.STRING_PREFIX else None


def _heads(paths: list[PathMatch | None]) -> list[str]:
    """What may be replaced, as expressions; the longest first, since the first that fits is taken."""
    texts = {(_head(path), path.ignore_case if path else False) for path in paths}
    ordered = sorted(texts, key=lambda text: (-len(text[0]), text))
    return [f"(?i:{quote(text)})" if ignore_case else quote(text) for text, ignore_case in ordered]


def _head(path: PathMatch | None) -> str:
    if path is None:
        return ""
    return path.value.rstrip("/") if path.kind is PathKind.PREFIX else path.value


def _literal(text: str) -> str:
    """Text in a substitution, where a backslash would name a group."""
    return text.replace("\\", "\\\\")
