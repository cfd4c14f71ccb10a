"""``rules[].from`` as callers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.importing import Scene, Unsayable, only
from reconciler.adapters.istio.principals import OWN_TRUST_DOMAIN

_LISTS = ("principals", "namespaces", "ipBlocks", "notIpBlocks")
_NAME = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_ACCOUNT = re.compile(rf"(?P<domain>[^/*]+)/ns/(?P<namespace>{_NAME})/sa/(?P<name>{_NAME})")
_NAMESPACE = re.compile(_NAME)


def callers(given: Iterable[Mapping[str, Any]], scene: Scene) -> list[Any]:
    """Items of ``from``; an empty list for everyone."""
    found: list[Any] = []
    for one in given:
        only(one, ("source",), "from")
        for caller in _of_source(one.get("source") or {}, scene):
            if caller not in found:
                found.append(caller)
    return found


def _of_source(given: Mapping[str, Any], scene: Scene) -> list[Any]:
    only(given, _LISTS, "source")
    said = {field: [str(value) for value in given[field]] for field in _LISTS if given.get(field)}
    if not said:
        raise Unsayable("a source that says nothing")
    for namespace in said.get("namespaces", ()):
        if not _NAMESPACE.fullmatch(namespace):
            raise Unsayable(f"namespace {namespace} of a source is a pattern")
    if said.keys() == {"principals"}:
        return [_principal(value, scene) for value in said["principals"]]
    if said.keys() == {"namespaces"}:
        return [f"ns/{value}" for value in said["namespaces"]]
    return [_several(said)]


def _principal(value: str, scene: Scene) -> str:
    if value == "*":
        return "*"
    account = _ACCOUNT.fullmatch(value)
    if account and account["domain"] in (OWN_TRUST_DOMAIN, scene.mesh.trust_domain):
        parts = (account["name"], account["namespace"], scene.only)
        return f"sa/{'.'.join(part for part in parts if part)}"
    if "*" in value[:-1]:
        raise Unsayable(f"principal {value} has a * that is not at its end")
    return f"spiffe://{value}"


def _several(said: Mapping[str, list[str]]) -> dict[str, Any]:
    """Fields of one source must all hold."""
    made: dict[str, Any] = {}
    if "principals" in said:
        if any("*" in value[:-1] or value == "*" for value in said["principals"]):
            raise Unsayable("a source with a pattern of principals and something else")
        made["identities"] = [f"spiffe://{value}" for value in said["principals"]]
    if "namespaces" in said:
        made["namespaces"] = said["namespaces"]
    blocks = {"include": said.get("ipBlocks"), "exclude": said.get("notIpBlocks")}
    if any(blocks.values()):
        made["ipBlocks"] = {field: values for field, values in blocks.items() if values}
    return made
