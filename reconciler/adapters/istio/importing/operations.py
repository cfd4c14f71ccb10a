"""``rules[].to`` and ``rules[].when`` as matches."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from reconciler.adapters.importing import Scene, Unsayable, only
from reconciler.adapters.istio.importing.services import service_port
from reconciler.adapters.shortened import request
from reconciler.model.facts import ServiceFacts

_LISTS = ("methods", "paths", "hosts", "ports")
_HEADER = re.compile(r"request\.headers\[([^\]]+)\]")
Parts = dict[str, Any]


def requests(rule: Mapping[str, Any], action: str, service: ServiceFacts, scene: Scene) -> list[Any]:
    """Items of ``match``; empty for every request."""
    operations = [_of_operation(one.get("operation") or {}, action, service, scene) for one in rule.get("to") or ()]
    wanted = [one for several in operations for one in several] or [{}]
    options = [_headers(one) for one in rule.get("when") or ()]
    found = []
    for one, headers in product(wanted, product(*options)):
        several = [header for choice in headers for header in choice]
        found.append(request(one | ({"headers": several} if several else {})))
    return [] if found == [{}] else found


def _of_operation(given: Mapping[str, Any], action: str, service: ServiceFacts, scene: Scene) -> list[Parts]:
    only(given, _LISTS, "operation")
    base: Parts = {}
    if methods := given.get("methods"):
        if any("*" in method for method in methods):
            raise Unsayable("a pattern of methods")
        base["methods"] = sorted(methods)
    if ports := given.get("ports"):
        base["ports"] = sorted({service_port(int(port), service, scene) for port in ports})
    paths: list[Parts] = [{"path": path} for path in _paths(given.get("paths") or [])] or [{}]
    hosts: list[Parts] = [{"authority": host} for host in _hosts(given.get("hosts") or [], action)] or [{}]
    return [base | path | host for path, host in product(paths, hosts)]


def _paths(values: Sequence[str]) -> list[Parts]:
    """``/api`` beside ``/api/*`` is one prefix by elements."""
    found: list[Parts] = []
    for value in values:
        if value.endswith("/*") and value[:-2] in values:
            continue
        found.append({"prefix": value} if f"{value}/*" in values else _path(value))
    return found


def _path(value: str) -> Parts:
    if "{" in value or "*" in value[1:-1] or value == "*":
        raise Unsayable(f"no neutral field covers the path pattern {value}")
    if value.endswith("*"):
        return {"stringPrefix": value[:-1]}
    return {"suffix": value[1:]} if value.startswith("*") else {"exact": value}


def _hosts(values: Sequence[str], action: str) -> list[str]:
    """A Deny of a host is one of the host with any port, too, and is written as both."""
    found = [
        value for value in values if not (action == "DENY" and value.removesuffix(":*") in values and ":" in value)
    ]
    if any("*" in value for value in found):
        raise Unsayable("a pattern of hosts")
    return found


def _headers(given: Mapping[str, Any]) -> list[list[Parts]]:
    """One condition as alternatives, each of which is a list of conditions on a header that must all hold."""
    only(given, ("key", "values", "notValues"), "when")
    header = _HEADER.fullmatch(str(given.get("key", "")))
    if header is None:
        raise Unsayable(f"no neutral field covers the condition on {given.get('key')}")
    refused = [{**_header(header[1], str(value)), "invert": True} for value in given.get("notValues") or ()]
    wanted = [_header(header[1], str(value)) for value in given.get("values") or ()]
    return [[*refused, one] for one in wanted] or [refused]


def _header(name: str, value: str) -> Parts:
    if value == "*":
        return {"name": name, "present": True}
    if "*" in value[1:-1]:
        raise Unsayable(f"no neutral field covers the pattern {value} of header {name}")
    if value.endswith("*"):
        return {"name": name, "prefix": value[:-1]}
    return {"name": name, "suffix": value[1:]} if value.startswith("*") else {"name": name, "exact": value}
