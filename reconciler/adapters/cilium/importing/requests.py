"""``toPorts[]`` as matches, or as ports of the target."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.adapters.importing import Scene, Unsayable, only
from reconciler.adapters.protocols import workload_ports
from reconciler.adapters.shortened import request
from reconciler.model.facts import ServiceFacts

_FORMS = (
    (re.compile(r"(?P<text>.*)\(\\\?\.\*\)\?"), "exact"),
    (re.compile(r"(?P<text>.*)\(\[/\?\]\.\*\)\?"), "prefix"),
    (re.compile(r"(?P<text>.*[^\\])\.\*"), "stringPrefix"),
)
_LITERAL = re.compile(r"(?:[^\\.+*?()|\[\]{}^$]|\\[\\.+*?()|\[\]{}^$])*")
_METHOD = re.compile(r"[A-Z]+")
Part = Mapping[str, Any]


def requests(entries: Sequence[Part], known: ServiceFacts, scene: Scene) -> tuple[list[Any], list[int]]:
    """Matches and ports. Unsayable where some ports are about requests and others not."""
    matches: list[Any] = []
    ports: set[int] = set()
    for entry in entries:
        only(entry, ("ports", "rules", "serverNames"), "toPorts")
        only(entry.get("rules") or {}, ("http",), "rules")
        ports |= {_port(one, known, scene) for one in entry.get("ports") or ()}
        matches += [_match(one) | _names(entry) for one in (entry.get("rules") or {}).get("http") or [{}]]
    if {} in matches and any(one != {} for one in matches):
        raise Unsayable("it is about requests on some ports, and about all of others")
    if len(entries) > 1 and matches.count({}) != len(matches):
        raise Unsayable("it has rules of their own for several ports")
    return ([] if {} in matches else [request(one) for one in matches]), sorted(ports)


def _names(entry: Part) -> dict[str, Any]:
    """What begins with one star is of one depth, which no neutral name says."""
    names = [str(name) for name in entry.get("serverNames") or ()]
    if any(name.startswith("*.") for name in names):
        raise Unsayable("a name in a TLS handshake with one star, which takes one more element only")
    return {"sni": [name.removeprefix("*") if name.startswith("**.") else name for name in names]} if names else {}


def _port(one: Part, known: ServiceFacts, scene: Scene) -> int:
    only(one, ("port", "protocol"), "ports")
    for port in known.ports:
        if workload_ports(port, known, scene.cluster) == {_number(one)} and one.get("protocol") in (
            port.protocol,
            "ANY",
        ):
            return port.number
    raise Unsayable(f"no port of service {known.ref.name} leads to port {one.get('port')} of its workloads")


def _number(one: Part) -> int:
    text = str(one.get("port"))
    return int(text) if text.isdigit() else 0


def _match(rule: Part) -> dict[str, Any]:
    only(rule, ("method", "path", "host", "headers", "headerMatches"), "http")
    made: dict[str, Any] = {}
    if "path" in rule:
        made["path"] = _path(str(rule["path"]))
    if "method" in rule:
        if not _METHOD.fullmatch(str(rule["method"])):
            raise Unsayable(f"method {rule['method']} is an expression")
        made["methods"] = [str(rule["method"])]
    if "host" in rule:
        made["authority"] = _literal(str(rule["host"]))
    headers = [_header(one) for one in rule.get("headerMatches") or ()]
    if rule.get("headers"):
        raise Unsayable("headers in one line of text")
    return made | ({"headers": headers} if headers else {})


def _path(text: str) -> dict[str, str]:
    """Only expressions that mean a neutral condition whatever the query is."""
    for form, kind in _FORMS:
        found = form.fullmatch(text)
        if found and _LITERAL.fullmatch(found["text"]):
            return {kind: _literal(found["text"])}
    raise Unsayable(f"path {text} sees the query of a request, too, which no neutral condition on a path does")


def _literal(text: str) -> str:
    if not _LITERAL.fullmatch(text):
        raise Unsayable(f"{text} is an expression")
    return re.sub(r"\\(.)", r"\1", text)


def _header(one: Part) -> dict[str, Any]:
    only(one, ("name", "value"), "headerMatches")
    return {"name": str(one["name"]), **({"exact": str(one["value"])} if one.get("value") else {"present": True})}
