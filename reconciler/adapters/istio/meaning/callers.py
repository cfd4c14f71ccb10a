"""The rules of an AuthorizationPolicy as the set of all its (source, operation, conditions), one value in each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

from reconciler.model.canonical import encode

#: above it rules are compared as they are written
MOST = 20_000
_LISTS_ARE_NOT = "not"


def atoms(rules: Iterable[Mapping[str, Any]], trust_domain: str) -> list[Any]:
    """Sorted, without doubles. Rules are alternatives, and so are the items of each of their lists."""
    found: dict[str, Any] = {}
    for rule in rules:
        for atom in _of_rule(rule or {}, trust_domain):
            found[encode(atom)] = atom
    return [found[text] for text in sorted(found)]


def _of_rule(rule: Mapping[str, Any], trust_domain: str) -> list[Any]:
    sources = _singles([one.get("source") or {} for one in rule.get("from") or ()] or [{}])
    operations = _singles([one.get("operation") or {} for one in rule.get("to") or ()] or [{}])
    conditions = _conditions(rule.get("when") or ())
    if len(sources) * len(operations) * len(conditions) > MOST:
        return [rule]
    return [
        {"source": _own_domain(source, trust_domain), "operation": operation, "when": when}
        for source, operation, when in product(sources, operations, conditions)
    ]


def _singles(given: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each list as its single items; what must not be is one condition for each item, all of which hold."""
    found = []
    for one in given:
        fields = [
            [(name, sorted(values))] if name.startswith(_LISTS_ARE_NOT) else [(name, value) for value in values]
            for name, values in sorted(one.items())
            if values
        ]
        found += [dict(choice) for choice in product(*fields)]
    return found


def _conditions(given: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
    options: list[list[list[Any]]] = []
    for one in given:
        key = str(one.get("key", ""))
        key = key.lower() if key.startswith("request.headers[") else key
        refused = [[key, _LISTS_ARE_NOT, value] for value in one.get("notValues") or ()]
        wanted = [[key, "is", value] for value in one.get("values") or ()]
        options.append([[*refused, value] for value in wanted] if wanted else [refused])
    return [sorted((part for choice in several for part in choice), key=str) for several in product(*options)]


def _own_domain(source: dict[str, Any], trust_domain: str) -> dict[str, Any]:
    """``cluster.local`` stands for the mesh's own trust domain, whatever it is called."""
    principal = source.get("principals")
    if isinstance(principal, str) and principal.startswith("cluster.local/") and trust_domain:
        return {**source, "principals": f"{trust_domain}/{principal.removeprefix('cluster.local/')}"}
    return source
