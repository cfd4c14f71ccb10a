"""Decoding of Destination documents. Long forms in, values out."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from reconciler.load.blocks import Decoder, pairs, service, source, strings, target
from reconciler.load.failover import order
from reconciler.load.nodes import Map, Place, place_of, position
from reconciler.load.rules import leaves
from reconciler.load.terms import native
from reconciler.load.values import plain
from reconciler.model.destinations import Destination, DestinationPort, Endpoint, Subset
from reconciler.model.rules import Leaf
from reconciler.model.selectors import AccountRef

_PARTS = ("region", "zone", "subZone")


def destination(root: Map, spec: Map, into: Decoder) -> Destination:
    """The value of a checked document; ``into`` gathers what is wrong with it still."""
    external = spec.get("external") or Map(spec.at)
    subsets = _subsets(spec, into)
    if "service" not in spec:
        _check_hosts(spec, into)
    return Destination(
        ref=into.ref,
        position=position(root.at),
        service=service(spec["service"]) if "service" in spec else None,
        subsets=subsets,
        hosts=strings(spec, "hosts"),
        ports=tuple(_port(item) for item in spec.get("ports", ())),
        services=tuple(target(item, at) for item, at in (spec["services"].entries() if "services" in spec else ())),
        resolution=external.get("resolution", ""),
        endpoints=tuple(_endpoints(spec, external, into)),
        in_mesh="workloads" in spec,
        leaves=tuple(_leaves(spec, subsets, into)),
        visible_to=tuple(
            source(item, at, into) for item, at in (spec["visibleTo"].entries() if "visibleTo" in spec else ())
        ),
        virtual_mesh=spec.get("virtualMesh", ""),
        native=native(spec),
    )


def _check_hosts(spec: Map, into: Decoder) -> None:
    for key in ("hosts", "ports"):
        if key not in spec:
            into.complain("missing-field", f"`{key}` is missing", spec.at, "say how it is called")
    external = spec.get("external") or Map(spec.at)
    if external.get("resolution") == "Static" and "endpoints" not in external:
        into.complain("missing-field", "`endpoints` is missing", external.at, "with Static, give their addresses")
    if external.get("resolution") in ("Dynamic", "None") and "endpoints" in external:
        at = place_of(external, ["endpoints"])
        into.complain("wrong-value", f"endpoints have no meaning with {external['resolution']}", at, "leave them out")
    names = [port["name"] for port in spec.get("ports", ())]
    numbers = [port["number"] for port in spec.get("ports", ())]
    if len(set(names)) < len(names) or len(set(numbers)) < len(numbers):
        into.complain("duplicate-document", "two ports have one name or one number", place_of(spec, ["ports"]))


def _port(node: Map) -> DestinationPort:
    return DestinationPort(int(node["number"]), node["name"], node["protocol"], int(node.get("targetPort", 0)))


def _endpoints(spec: Map, external: Map, into: Decoder) -> Iterator[Endpoint]:
    names = {port["name"] for port in spec.get("ports", ())}
    items = spec["workloads"] if "workloads" in spec else external.get("endpoints")
    static = "workloads" in spec or external.get("resolution") == "Static"
    for item, at in items.entries() if items else ():
        account = item.get("serviceAccount")
        for key in ("address", "localAddress") if static else ():
            if key in item and not _is_address(item[key]):
                into.complain("wrong-value", f"`{item[key]}` is not an IP address", item.values_at[key])
        for name in item.get("ports") or ():
            if name not in names:
                into.complain("wrong-value", f"there is no port `{name}` in `ports`", item["ports"].keys_at[name])
        yield Endpoint(
            address=item["address"],
            ports={name: int(number) for name, number in sorted((item.get("ports") or Map(at)).items())},
            locality=locality(item.get("locality")),
            network=item.get("network", ""),
            labels=dict(sorted((item.get("labels") or Map(at)).items())),
            weight=int(item.get("weight", 0)),
            account=AccountRef(account["name"], account["namespace"]) if account else None,
            name=item.get("name", ""),
            cluster=item.get("cluster", ""),
            local_address=item.get("localAddress", ""),
        )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def locality(node: Map | None) -> str:
    """``region/zone/subZone`` as far as it is said."""
    return "/".join(str(node[part]) for part in _PARTS if part in node) if node else ""


def _leaves(spec: Map, subsets: tuple[Subset, ...], into: Decoder) -> Iterator[Leaf]:
    """What tls and failover ask, as a traffic rule would say it."""
    if "tls" in spec:
        yield Leaf("traffic.tls", plain(spec["tls"]), position(spec.keys_at["tls"]), into.ref)
    failover = spec.get("failover") or Map(spec.at)
    if "locality" in failover:
        steps = plain(failover["locality"])
        at = position(failover.keys_at["locality"])
        yield Leaf("traffic.loadBalancing.locality.failover", steps, at, into.ref)
    if "outlier" in failover:
        rule = Map(failover.at)
        rule.put("outlier", failover["outlier"], failover.keys_at["outlier"], failover.values_at["outlier"])
        yield from leaves(rule, into)
    yield from order(spec, subsets, into)


def _subsets(spec: Map, into: Decoder) -> tuple[Subset, ...]:
    found = tuple(
        Subset(item["name"], pairs(item["labels"]), position(at))
        for item, at in (spec["subsets"].entries() if "subsets" in spec else ())
    )
    seen: set[str] = set()
    for subset in found:
        if subset.name in seen:
            at: Place = (subset.position.path, subset.position.line, subset.position.column)
            into.complain("duplicate-document", f"the subset `{subset.name}` is there twice", at, "keep one of them")
        seen.add(subset.name)
    return found
