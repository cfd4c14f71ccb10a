"""Ignore rules: which paths of a live object are left to others, and how desired takes the live value there.

The same function serves plan, drift and apply, so what is ignored is never written.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from reconciler.model import canonical
from reconciler.model.native import FIELD_MANAGER
from reconciler.model.refs import ObjectKey
from reconciler.model.settings import IgnoreRule
from reconciler.plan.authors import owned_paths, owners
from reconciler.plan.paths import MISSING, Path, expand, get, parse, put, related


def rules_for(key: ObjectKey, rules: Iterable[IgnoreRule]) -> tuple[IgnoreRule, ...]:
    """The rules that concern an object."""
    return tuple(rule for rule in rules if (rule.kind in (None, key.kind_id)) and _named(key, rule.names))


def _named(key: ObjectKey, globs: tuple[str, ...]) -> bool:
    full = f"{key.namespace}/{key.name}" if key.namespace else key.name
    return not globs or any(fnmatchcase(full, glob) or fnmatchcase(key.name, glob) for glob in globs)


def ignored_paths(rules: Iterable[IgnoreRule], live: Mapping[str, Any], desired: Mapping[str, Any]) -> tuple[Path, ...]:
    """Every concrete path to leave alone. A rule with paths and managers holds for those paths while one of those
    managers owns them, or an atomic value around or below them; with managers only, for all that these own. We are
    none of them."""
    found: set[Path] = set()
    known = owners(live)
    for rule in rules:
        held = {path for owner in known if owner.manager != FIELD_MANAGER and _is_one_of(owner.manager, rule.managers)
                for path in owned_paths(owner.fields, live)}  # fmt: skip
        held = {path for path in held if path[0] != "metadata" or len(path) > 2}
        named = {path for text in rule.paths for side in (live, desired) for path in expand(side, parse(text))}
        if rule.managers and rule.paths:
            found |= {path for path in named if any(related(path, other) for other in held)}
        else:
            found |= held if rule.managers else named
    return tuple(sorted(found, key=str))


def _is_one_of(manager: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(manager, glob) for glob in globs)


def yield_to_live(desired: Mapping[str, Any], live: Mapping[str, Any], paths: Iterable[Path]) -> dict[str, Any]:
    """A copy of desired in which each ignored path has the live value (or is absent as there)."""
    result: dict[str, Any] = copy.deepcopy(dict(desired))
    for path in paths:
        value = get(live, path)
        put(result, path, value if value is MISSING else copy.deepcopy(value))
    return result


def rules_digest(rules: Iterable[IgnoreRule]) -> str:
    """Part of the key of a proven equality: another rule set proves something else."""
    return canonical.digest(
        [[str(rule.kind or ""), list(rule.names), list(rule.paths), list(rule.managers)] for rule in rules]
    )[:16]
