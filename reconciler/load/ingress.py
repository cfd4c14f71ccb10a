"""Decoding of Ingress documents. Long forms in, values out."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.load.blocks import Decoder, labels, matches, mesh_set, pairs, strings
from reconciler.load.nodes import Map, Place, Seq, place_of, position
from reconciler.load.rules import leaves
from reconciler.load.terms import native, on_unsupported
from reconciler.model.ingress import Delegate, GatewayRef, Ingress, IngressRoute, Listener, ListenerTls, SecretRef

#: what a listener of a protocol may do with TLS; none for the others
_TLS_MODES = {
    "HTTPS": ("Simple", "Mutual", "MeshMutual"),
    "GRPC": ("Simple", "Mutual", "MeshMutual"),
    "TLS": ("Simple", "Mutual", "Passthrough", "AutoPassthrough", "MeshMutual"),
    "TCP": ("Simple", "Mutual", "MeshMutual"),
}
_NEED_TLS = ("HTTPS", "TLS")
_NEED_SECRET = ("Simple", "Mutual")


def ingress(root: Map, spec: Map, into: Decoder) -> Ingress:
    """The value of a checked document; ``into`` gathers what is wrong with it still."""
    delegable = bool(spec.get("delegable"))
    _check_parts(spec, delegable, into)
    listeners = tuple(_listener(item, at, into) for item, at in _items(spec, "listeners"))
    _check_twice(spec, into)
    if spec.get("direction") == "Egress":
        _check_outgoing(spec, into)
    known = {one.name for one in listeners}
    return Ingress(
        ref=into.ref,
        position=position(root.at),
        gateways=tuple(_gateway(item, at, into) for item, at in _items(spec, "gateways")),
        listeners=listeners,
        routes=tuple(_route(item, at, None if delegable else known, into) for item, at in _items(spec, "routes")),
        options=leaves(spec["options"], into) if "options" in spec else (),
        delegable=delegable,
        outgoing=spec.get("direction") == "Egress",
        labels=dict(pairs(root["metadata"].get("labels"))),
        on_unsupported=on_unsupported(spec),
        native=native(spec),
    )


def _items(node: Map, key: str) -> Iterator[tuple[Map, Place]]:
    found: Seq | None = node.get(key)
    yield from found.entries() if found is not None else ()


def _check_parts(spec: Map, delegable: bool, into: Decoder) -> None:
    if delegable:
        for key in ("gateways", "listeners", "options"):
            if key in spec:
                at = place_of(spec, [key], key=True)
                into.complain("wrong-value", f"a route table for others has no `{key}`", at, "leave it out")
        if "routes" not in spec:
            into.complain("missing-field", "`routes` is missing", spec.at, "say what goes where")
        return
    for key in ("gateways", "listeners"):
        if key not in spec:
            into.complain("missing-field", f"`{key}` is missing", spec.at, "or set delegable, for a route table")
    if "routes" not in spec and not all(_finds_its_way(item) for item, _ in _items(spec, "listeners")):
        into.complain("missing-field", "`routes` is missing", spec.at, "say what goes where")


def _check_outgoing(spec: Map, into: Decoder) -> None:
    for item, at in _items(spec, "listeners"):
        if "hosts" not in item:
            into.complain("missing-field", "`hosts` is missing", at, "say what is called by this gateway")
        for host, place in item["hosts"].entries() if "hosts" in item and "tls" in item else ():
            if host.startswith("*"):
                told = f"over TLS callers ask a gateway for a host by its name, not for `{host}`"
                into.complain("wrong-value", told, place, "name the hosts, or leave tls out")
    for item, _ in _items(spec, "gateways"):
        if "controller" in item:
            hint = "name one of the mesh"
            into.complain("wrong-value", "callers are led to a gateway that is there", item.keys_at["controller"], hint)


def _finds_its_way(listener: Map) -> bool:
    """Whether connections say themselves where they go, so that there are no routes."""
    return bool(listener.get("tls") and listener["tls"]["mode"] == "AutoPassthrough")


def _check_twice(spec: Map, into: Decoder) -> None:
    names: set[str] = set()
    spoken: dict[int, tuple[str, str]] = {}
    hosts: dict[tuple[int, str], str] = {}
    for item, at in _items(spec, "listeners"):
        name, port = item["name"], int(item["port"])
        if name in names:
            into.complain("duplicate-document", f"the listener `{name}` is there twice", at, "rename one")
        names.add(name)
        known, other = spoken.setdefault(port, (_first_words(item), name))
        if known != _first_words(item):
            told = f"callers of port {port} begin with {known} on listener `{other}` and with {_first_words(item)} here"
            into.complain("wrong-value", told, item.values_at["port"], "listen on another port")
        for host in item.get("hosts", ("*",)):
            if hosts.setdefault((port, host), name) != name:
                told = f"host {host} on port {port} is that of listener `{hosts[port, host]}` already"
                into.complain("duplicate-document", told, at, "keep one of them")


def _first_words(listener: Map) -> str:
    """What callers of a port begin with: of two ways a port can have one."""
    if "tls" in listener or listener["protocol"] in _NEED_TLS:
        return "TLS"
    return "TCP" if listener["protocol"] == "TCP" else "HTTP"


def _gateway(node: Map, at: Place, into: Decoder) -> GatewayRef:
    named = "gateway" in node
    for key in ("class", "namespace") if named else ("mesh",):
        if key in node:
            into.complain(
                "wrong-value", f"`{key}` has no meaning here", place_of(node, [key], key=True), "leave it out"
            )
    if not named and "namespace" not in node:
        into.complain("missing-field", "`namespace` is missing", at, "say where its objects are to lie")
    return GatewayRef(
        position=position(at),
        meshes=mesh_set(node["mesh"]) if "mesh" in node else None,
        clusters=strings(node, "clusters"),
        name=node.get("gateway", ""),
        controller=node.get("controller", ""),
        class_name=node.get("class", ""),
        namespace=node.get("namespace", ""),
    )


def _listener(node: Map, at: Place, into: Decoder) -> Listener:
    protocol = node["protocol"]
    tls = node.get("tls")
    if tls is None and protocol in _NEED_TLS:
        into.complain("missing-field", f"a listener for {protocol} needs `tls`", at, "say mode and secretRef")
    if tls is not None and tls["mode"] not in _TLS_MODES.get(protocol, ()):
        told = f"a listener for {protocol} does not do TLS in mode {tls['mode']}"
        hint = f"known: {', '.join(_TLS_MODES[protocol])}" if protocol in _TLS_MODES else "listen for HTTPS"
        into.complain("wrong-value", told, place_of(tls, ["mode"]), hint)
    if protocol == "TCP" and "hosts" in node and tls is None:
        into.complain("wrong-value", "connections name no host", place_of(node, ["hosts"], key=True), "leave it out")
    return Listener(
        name=node["name"],
        port=int(node["port"]),
        protocol=protocol,
        hosts=strings(node, "hosts"),
        tls=_tls(tls, into) if tls is not None else None,
        position=position(at),
    )


def _tls(node: Map, into: Decoder) -> ListenerTls:
    mode = node["mode"]
    if mode in _NEED_SECRET and "secretRef" not in node:
        into.complain("missing-field", f"`secretRef` is missing for mode {mode}", node.at, "name the Secret")
    if mode == "Mutual" and "clientCaRef" not in node:
        into.complain(
            "missing-field", "`clientCaRef` is missing for mode Mutual", node.at, "name the Secret with the CA"
        )
    useless = [key for key in ("secretRef", "clientCaRef") if mode not in _NEED_SECRET]
    useless += ["clientCaRef"] if mode == "Simple" else []
    useless += ["minVersion"] if mode in ("Passthrough", "AutoPassthrough") else []
    for key in useless:
        if key in node:
            at = place_of(node, [key], key=True)
            into.complain("wrong-value", f"`{key}` has no meaning in mode {mode}", at, "leave it out")
    return ListenerTls(
        mode, _secret(node.get("secretRef")), _secret(node.get("clientCaRef")), node.get("minVersion", "")
    )


def _secret(node: Map | None) -> SecretRef | None:
    return SecretRef(node["name"], node.get("namespace", "")) if node is not None else None


def _route(node: Map, at: Place, listeners: set[str] | None, into: Decoder) -> IngressRoute:
    """``listeners`` None: a table for others, which has none."""
    for name, place in node["listeners"].entries() if "listeners" in node else ():
        if listeners is None or name not in listeners:
            into.complain("unknown-reference", f"there is no listener `{name}` here", place)
    if listeners is None and "hosts" in node:
        place = place_of(node, ["hosts"], key=True)
        into.complain("wrong-value", "the hosts of a route table are those of the route that delegates", place)
    then: Map = node["then"]
    done = Map(then.at)
    for key, value, key_at, value_at in then.entries():
        if key != "delegate":
            done.put(key, value, key_at, value_at)
    return IngressRoute(
        name=node.get("name", ""),
        listeners=strings(node, "listeners"),
        hosts=strings(node, "hosts"),
        matches=matches(node, into),
        leaves=(*leaves(done, into), *(leaves(node["rule"], into) if "rule" in node else ())),
        delegate=_delegate(then, into),
        position=position(at),
    )


def _delegate(then: Map, into: Decoder) -> Delegate | None:
    if "delegate" not in then:
        return None
    node, at = then["delegate"], then.keys_at["delegate"]
    if "names" not in node and "labels" not in node:
        into.complain("empty-field", "this delegates to nothing", at, "give names or labels")
    return Delegate(strings(node, "names"), labels(node["labels"]) if "labels" in node else None, position(at))
