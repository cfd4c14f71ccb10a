"""Paths rewritten by a regular expression over the whole path, for meshes that replace what an expression finds: the
neutral match decides what is replaced, by path elements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.adapters.expressions import quote
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import section
from reconciler.model.rules import Leaf
from reconciler.model.selectors import PathKind, PathMatch

WHOLE_PATH = "^/.*$"
WAYS = ("path", "prefix", "regex")

#: what is looked for, and what is put in its place
Replacement = tuple[str, str]


def replacement(
    asked: Mapping[str, Any], paths: Sequence[PathMatch | None], leaf: Leaf | None, gaps: Gaps
) -> Replacement | None:
    """What ``rewrite`` asks of the paths that a route matches; None when it leaves them alone."""
    ways = [way for way in WAYS if way in asked]
    if len(ways) > 1:
        gaps.error("mesh-invalid-value", f"a path is rewritten in one way, not by {' and '.join(ways)}", leaf)
    match ways[:1]:
        case ["path"]:
            return (WHOLE_PATH, _literal(asked["path"]))
        case ["prefix"]:
            return prefix_replacement(asked["prefix"], paths, leaf, gaps)
        case ["regex"]:
            regex = section(asked, "regex")
            return (str(regex.get("pattern", "")), str(regex.get("substitution", "")))
        case _:
            return None


def prefix_replacement(
    target: str, paths: Sequence[PathMatch | None], leaf: Leaf | None, gaps: Gaps
) -> Replacement | None:
    """In place of what the paths begin with; the rest stays."""
    kinds = {_replaces(path) for path in paths}
    if len(kinds) > 1 or None in kinds:
        gaps.error(
            "mesh-inexpressible",
            "rewrite.prefix needs matches with a prefix (or an exact path), all of one kind",
            leaf,
            "write rewrite.regex, or one policy for each kind of match",
        )
        return None
    heads = "|".join(_heads(paths))
    head = f"(?:{heads})" if "|" in heads or "(?i" in heads else heads
    if kinds == {"characters"}:
        # a slash at the end of the target takes in the one that follows
        return (f"^{head}{'/?' if target.endswith('/') else ''}(.*)$", f"{_literal(target)}\\1")
    if not target.rstrip("/"):
        return (f"^{head}(?:/(.*))?$", "/\\1")
    return (f"^{head}(/.*)?$", f"{_literal(target.rstrip('/'))}\\1")


def _replaces(path: PathMatch | None) -> str | None:
    if path is None or path.kind in (PathKind.PREFIX, PathKind.EXACT):
        return "elements"
    return "characters" if path.kind is PathKind.STRING_PREFIX else None


def _heads(paths: Sequence[PathMatch | None]) -> list[str]:
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
