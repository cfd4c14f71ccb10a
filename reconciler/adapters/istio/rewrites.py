"""``http[].rewrite``. Istio's ``rewrite.uri`` replaces what its own match matched, by characters; ours is always a
regular expression over the whole path, so that the neutral match decides what is replaced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section
from reconciler.adapters.rewriting import replacement
from reconciler.model.intents import Route


def rewrite(route: Route, rule: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    """The ``rewrite`` of a route, empty when its rule asks for none."""
    asked = section(rule, "rewrite")
    leaf = leaf_at(route.leaves, "traffic.rewrite")
    paths = [match.path for match in route.matches] or [None]
    native: dict[str, Any] = {}
    if found := replacement(asked, paths, leaf, gaps):
        native["uriRegexRewrite"] = dict(zip(("match", "rewrite"), found, strict=True))
    if "host" in asked:
        native["authority"] = asked["host"]
    return native
