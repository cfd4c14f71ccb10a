"""AuthorizationPolicy for the workloads of a service: one AccessPolicy for each set of callers.

The mesh takes the rules of all policies for the same workloads together, so several may come from one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of, named, only
from reconciler.adapters.istio.detect import TYPE
from reconciler.adapters.istio.importing.operations import requests
from reconciler.adapters.istio.importing.principals import callers
from reconciler.adapters.istio.importing.services import selected
from reconciler.adapters.istio.meaning.names import spec_of
from reconciler.model.canonical import encode
from reconciler.model.facts import ServiceFacts

_ACTIONS = {"ALLOW": "Allow", "DENY": "Deny", "AUDIT": "Audit", "CUSTOM": "Custom"}
Rule = Mapping[str, Any]


def authorization_policy(body: Body, scene: Scene) -> Draft:
    spec, name = spec_of(body), str(body["metadata"]["name"])
    only(spec, ("selector", "action", "provider", "rules"), "spec")
    action = str(spec.get("action") or "ALLOW")
    if action not in _ACTIONS:
        raise Unsayable(f"no neutral field covers action {action}")
    rules = spec.get("rules") or []
    if not rules:
        raise Unsayable("it has no rules, so it allows nobody" if action == "ALLOW" else "it has no rules")
    chosen = selected(body, scene)
    groups = list(_groups(rules, action, chosen.facts, scene))
    documents = []
    for number, (sources, matches) in enumerate(groups, 1):
        made: dict[str, Any] = {"action": _ACTIONS[action]}
        if spec.get("provider"):
            made["provider"] = str(spec["provider"]["name"])
        if sources:
            made["from"] = sources
        made["to"] = [chosen.target(scene)]
        if matches:
            made["match"] = matches
        called = name if len(groups) == 1 else f"{name}-{number}"
        if len(groups) == 1:  # several objects cannot have the one name
            made |= named(TYPE, body, "", scene)
        documents.append({"kind": "AccessPolicy", "name": called, "spec": made})
    return Draft(key_of(body), tuple(documents))


def _groups(
    rules: Sequence[Rule], action: str, service: ServiceFacts, scene: Scene
) -> Iterator[tuple[list[Any], list[Any]]]:
    """Callers, and the requests of all rules about them. Nothing said of requests is every request."""
    found: dict[str, tuple[list[Any], list[Any]]] = {}
    for rule in rules:
        only(rule or {}, ("from", "to", "when"), "rules")
        sources = callers(rule.get("from") or (), scene)
        matches = requests(rule, action, service, scene)
        held = found.setdefault(encode(sources), (sources, []))
        held[1].extend(matches or [{}])
    for sources, several in found.values():
        yield sources, [] if {} in several else several
