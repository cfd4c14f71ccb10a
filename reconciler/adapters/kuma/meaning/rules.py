"""A rule of a MeshHTTPRoute in the words of Gateway API, which its filters and matches are made after.

Source: pkg/plugins/policies/meshhttproute/api/v1alpha1. A rule without backends sends to the service itself, and a
match without a path ranks below every other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.leaves import section
from reconciler.adapters.standard.conditions import ANYTHING, REGEX
from reconciler.adapters.standard.meaning.merged import ANY
from reconciler.model.refs import ServiceRef

Part = Mapping[str, Any]
_CHANGES = ("requestHeaderModifier", "responseHeaderModifier")


def in_gateway_words(rule: Part, service: ServiceRef, port: int, namespace: str) -> dict[str, Any]:
    """ValueError for what these words do not have; ``port``: of the service that is called."""
    _known(rule, {"matches", "default"})
    default = section(rule, "default")
    _known(default, {"filters", "backendRefs"})
    made: dict[str, Any] = {"matches": [_match(one) for one in rule.get("matches") or [{}]]}
    if filters := [_filter(one, namespace) for one in default.get("filters") or ()]:
        made["filters"] = filters
    if not any(one["type"] == "RequestRedirect" for one in filters):
        made["backendRefs"] = backends(default, service, port, namespace)
    return made


def backends(default: Part, service: ServiceRef, port: int, namespace: str) -> list[dict[str, Any]]:
    given = default.get("backendRefs") or [{"kind": "MeshService", **own(service, port)}]
    return [_reference(one, namespace) | {"weight": int(one.get("weight", 1))} for one in given]


def own(service: ServiceRef, port: int) -> dict[str, Any]:
    return {"name": service.name, "namespace": service.namespace, "port": port}


def _known(given: Part, names: set[str]) -> None:
    if more := sorted(set(given) - names):
        raise ValueError(f"no neutral field covers {more[0]}")


def _match(given: Part) -> dict[str, Any]:
    _known(given, {"path", "method", "headers", "queryParams"})
    return {
        "path": given.get("path") or {"type": ANY, "value": ""},
        **({"method": given["method"]} if given.get("method") else {}),
        "headers": [_header(one) for one in given.get("headers") or ()],
        "queryParams": list(given.get("queryParams") or ()),
    }


def _header(given: Part) -> Part:
    kind = given.get("type", "Exact")
    if kind == "Present":
        return {"type": REGEX, "name": given["name"], "value": ANYTHING}
    if kind not in ("Exact", REGEX):
        raise ValueError(f"no neutral condition on a header is {kind} to this mesh")
    return given


def _filter(given: Part, namespace: str) -> dict[str, Any]:
    """Names of headers are written in small letters."""
    made = dict(given)
    for field in _CHANGES:
        if field in given:
            made[field] = {verb: [_small(one) for one in several] for verb, several in given[field].items()}
    if "requestMirror" in given:
        said = given["requestMirror"]
        _known(said, {"backendRef", "percentage"})
        share = {"percent": float(said["percentage"])} if "percentage" in said else {}
        made["requestMirror"] = {"backendRef": _reference(said["backendRef"], namespace), **share}
    return made


def _small(item: Any) -> Any:
    return item.lower() if isinstance(item, str) else {**item, "name": str(item["name"]).lower()}


def _reference(given: Part, namespace: str) -> dict[str, Any]:
    _known(given, {"kind", "name", "namespace", "port", "weight"})
    if given["kind"] != "MeshService":
        raise ValueError(f"no neutral field covers a backend of kind {given['kind']}")
    home = str(given.get("namespace") or namespace)
    return {"group": "", "kind": "Service", "name": str(given["name"]), "namespace": home, "port": given["port"]}
