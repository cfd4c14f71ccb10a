"""CiliumNetworkPolicy as what each caller is let to: one line for each caller, port and request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from reconciler.adapters.cilium.callers import NAMESPACE
from reconciler.adapters.importing import MALFORMED, Body, key_of
from reconciler.model.canonical import encode

_FROM = ("fromEndpoints", "fromEntities", "fromCIDR", "fromCIDRSet")
_SPEC = {"endpointSelector", "ingress", "ingressDeny", "enableDefaultDeny"}
_RULE = {*_FROM, "toPorts", "authentication"}
Part = Mapping[str, Any]


def said(body: Body) -> tuple[str, Any]:
    """What it is about, and what it says; a body of another form means what is written."""
    try:
        found = _read(body)
    except MALFORMED:
        found = None
    written = {key: value for key, value in body.items() if key not in ("apiVersion", "metadata", "status")}
    return found or (str(key_of(body)), written)


def joined(one: Any, other: Any) -> Any:
    """What two policies for the same workloads say together."""
    return {
        "allow": sorted({*one["allow"], *other["allow"]}),
        "deny": sorted({*one["deny"], *other["deny"]}),
        "closed": one["closed"] or other["closed"],
    }


def labels_of(selector: Part) -> dict[str, str]:
    """The labels that a selector asks for, without the source that they may begin with; {} for one that asks more."""
    if set(selector) - {"matchLabels"}:
        return {}
    return {_bare(str(key)): str(value) for key, value in (selector.get("matchLabels") or {}).items()}


def prefixed(labels: Part) -> dict[str, str]:
    """Labels with the source by which the mesh knows them."""
    return {f"k8s:{_bare(str(key))}": str(value) for key, value in labels.items()}


def _bare(key: str) -> str:
    return key.removeprefix("any:").removeprefix("any.").removeprefix("k8s:").removeprefix("k8s.")


def _read(body: Body) -> tuple[str, Any] | None:
    spec, namespace = body["spec"], key_of(body).namespace
    rules = [*(spec.get("ingress") or ()), *(spec.get("ingressDeny") or ())]
    labels = labels_of(spec["endpointSelector"])
    if set(spec) - _SPEC or any(set(rule) - _RULE for rule in rules) or (spec["endpointSelector"] and not labels):
        return None
    own = spec.get("enableDefaultDeny") or {}
    content = {
        "allow": sorted({line for rule in spec.get("ingress") or () for line in _lines(rule, namespace)}),
        "deny": sorted({line for rule in spec.get("ingressDeny") or () for line in _lines(rule, namespace)}),
        "closed": bool(own.get("ingress", bool(rules))),
    }
    return f"callers of pods {encode(labels)} in {namespace}", content


def _lines(rule: Part, namespace: str) -> Iterator[str]:
    proof = (rule.get("authentication") or {}).get("mode", "")
    for who, what in product(_callers(rule, namespace), _requests(rule)):
        yield encode([who, what, proof])


def _callers(rule: Part, namespace: str) -> Iterator[Any]:
    yield from ({"entity": one} for one in rule.get("fromEntities") or ())
    yield from ({"cidr": one, "except": []} for one in rule.get("fromCIDR") or ())
    for one in rule.get("fromCIDRSet") or ():
        yield {**one, "except": sorted(one.get("except") or ())}
    for one in rule.get("fromEndpoints") or ():
        labels = prefixed(one.get("matchLabels") or {})
        asked = [str(each["key"]) for each in one.get("matchExpressions") or ()]
        home = {} if NAMESPACE in asked else {NAMESPACE: namespace}
        rest = {key: value for key, value in one.items() if key != "matchLabels"}
        yield {"labels": home | labels, **rest}


def _requests(rule: Part) -> Iterator[Any]:
    if not rule.get("toPorts"):
        yield "everything"
    for entry in rule.get("toPorts") or ():
        rest = {key: value for key, value in entry.items() if key not in ("ports", "rules", "serverNames")}
        names = sorted(map(str, entry.get("serverNames") or [""]))
        kinds = entry.get("rules") or {}
        http = [_request(one) for one in kinds.get("http") or [{}]] if set(kinds) <= {"http"} else [kinds]
        for port, request, name in product(entry.get("ports") or [{}], http, names):
            said = [str(port.get("port", "")), port.get("protocol") or "ANY", port.get("endPort") or 0, request, rest]
            yield [*said, name] if name else said


def _request(rule: Part) -> Part:
    """All headers of a rule have to fit, in whatever order."""
    return {**rule, "headerMatches": sorted(rule["headerMatches"], key=encode)} if "headerMatches" in rule else rule
