"""TrafficTargets with what they refer to: who may call the workloads of a service account, on which ports of
connections, with which requests.

Source: the specification (specs and access, v1alpha4 and v1alpha3); for Open Service Mesh pkg/envoy/lds/rbac.go (a
target without ports opens all) and pkg/catalog/inbound_traffic_policies.go (of a group the matches that a rule names).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.importing import Body, Scene, key_of
from reconciler.adapters.raw import texts
from reconciler.adapters.smi.kinds import HTTP_ROUTE_GROUP, TCP_ROUTE
from reconciler.adapters.smi.meaning.expressions import ALL, whole
from reconciler.adapters.smi.products import OSM, of_mesh
from reconciler.model.canonical import encode
from reconciler.model.refs import ObjectKey

Known = Mapping[ObjectKey, Body]
Part = Mapping[str, Any]
Account = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Target:
    """``requests``: the conditions, as they are written and in one form; ``ports`` None: every one, empty: no
    connections but those of requests. ``lacking``: what it refers to and is not there; then nothing else is known."""

    account: Account
    sources: tuple[Account, ...]
    requests: tuple[tuple[Part, dict[str, Any]], ...]
    ports: frozenset[int] | None
    parts: tuple[ObjectKey, ...]
    lacking: tuple[ObjectKey, ...] = ()


def read(body: Body, known: Known, scene: Scene) -> Target:
    """Raises what a body raises that is not of the form of its kind."""
    spec, own = body["spec"], key_of(body).namespace
    rules = [(dict(one), _referred(one, own)) for one in spec.get("rules") or ()]
    groups = [(one, key) for one, key in rules if key.kind == HTTP_ROUTE_GROUP.kind.kind]
    routes = [key for _, key in rules if key.kind == TCP_ROUTE.kind.kind]
    if len(groups) + len(routes) < len(rules):
        raise ValueError("it has rules of another kind")
    parts = tuple(key for _, key in rules)
    if lacking := tuple(key for key in parts if key not in known):
        return Target(_account(spec["destination"], own), (), (), frozenset(), parts, lacking)
    product = of_mesh(scene.mesh)
    requests = [(each, condition(each, product)) for one, key in groups for each in _conditions(one, known[key])]
    ports = [_ports(known[key]) for key in routes]
    opens_all = not ports and product == OSM
    return Target(
        _account(spec["destination"], own),
        tuple(sorted(_account(one, own) for one in spec["sources"])),
        tuple(requests),
        None if opens_all or None in ports else frozenset(port for one in ports for port in one or ()),
        parts,
    )


def _referred(rule: Part, namespace: str) -> ObjectKey:
    return ObjectKey(HTTP_ROUTE_GROUP.kind.group, str(rule["kind"]), namespace, str(rule["name"]))


def _account(given: Part, namespace: str) -> Account:
    if given.get("kind", "ServiceAccount") != "ServiceAccount" or given.get("port"):
        raise ValueError("it is about something else than service accounts")
    return (str(given.get("namespace") or namespace), str(given["name"]))


def _conditions(rule: Part, group: Body) -> Iterator[Part]:
    """In the order in which a rule names them."""
    by_name = {str(one["name"]): one for one in group["spec"]["matches"]}
    for name in texts(rule.get("matches")):
        yield by_name[name]


def _ports(route: Body) -> frozenset[int] | None:
    """None where a route says none: it is about every port."""
    said = (route.get("spec") or {}).get("matches")
    found = frozenset(int(port) for port in (said or {}).get("ports") or ())
    return found or None


def condition(given: Part, product: str) -> dict[str, Any]:
    """Empty for every request."""
    made = {field: given[field] for field in given if field not in ("name", "pathRegex", "methods", "headers")}
    path = str(given.get("pathRegex") or ALL)
    if whole(path, product) != ALL:
        made["path"] = _said(path, product)
    methods = sorted({method.upper() for method in given.get("methods") or ()})
    made |= {"methods": methods} if methods and "*" not in methods else {}
    headers = [(name.lower(), value) for one in given.get("headers") or () for name, value in one.items()]
    return made | ({"headers": sorted([name, _said(value, product)] for name, value in headers)} if headers else {})


def _said(text: str, product: str) -> Any:
    found = whole(text, product)
    return {"as written": text} if found is None else found


def callers(targets: list[Target], known_ports: frozenset[int], scene: Scene) -> dict[str, Any]:
    """Of one account: ports by caller, and conditions with the callers of each. Conditions that are written alike are
    one route of a proxy, which lets in whoever may take it; of two that are not the first alone is asked."""
    product = of_mesh(scene.mesh)
    ports: dict[str, frozenset[int] | None] = {}
    routes: dict[str, tuple[dict[str, Any], set[str]]] = {}
    for target in targets:
        own = None if product == OSM and target.ports is not None and target.ports >= known_ports else target.ports
        for source in ("/".join(one) for one in target.sources):
            held = ports.get(source, frozenset())
            ports[source] = None if own is None or held is None else held | own
            for one, found in target.requests:
                written = {key: value for key, value in one.items() if key != "name"}
                routes.setdefault(encode(written) if found else "", (found, set()))[1].add(source)
    lacking = sorted(str(key) for one in targets for key in one.lacking)
    return {
        **({"lacking": lacking} if lacking else {}),
        "connections": {who: "all" if found is None else sorted(found) for who, found in sorted(ports.items())},
        "requests": sorted(([found, sorted(who)] for found, who in routes.values()), key=encode),
    }
