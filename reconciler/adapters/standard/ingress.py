"""What gateways let in: a Gateway of a class for each Ingress document, its routes beside it, and the grants that these
need to refer to Services and Secrets in other namespaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.envelopes import ANY, build, label_name, object_name, table_name
from reconciler.adapters.forwarding import check_connections, origins_of
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.served import is_served
from reconciler.adapters.standard.backends import References
from reconciler.adapters.standard.kinds import GROUP
from reconciler.adapters.standard.matches import MOST
from reconciler.adapters.standard.routes import Place, objects
from reconciler.adapters.standard.written import GATEWAY, REFERENCE_GRANT, TCP_ROUTE, TLS_ROUTE
from reconciler.model.ingress import Listener, SecretRef
from reconciler.model.ingress_intents import GatewayIntent, HostTable
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject

Native = dict[str, Any]


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The objects of all Ingress documents. One with something that cannot be said has none."""
    for asked in intent.ingress:
        gaps = Gaps()
        yield built(objects_of(asked, intent, gaps), gaps, asked.origins, intent)


def objects_of(asked: GatewayIntent, intent: MeshIntent, gaps: Gaps) -> list[NativeObject]:
    """The objects of one document, with what cannot be said in ``gaps``."""
    spec: Native = {
        "gatewayClassName": asked.class_name,
        "listeners": [_listener(one, host, asked) for one in asked.listeners for host in one.hosts or (ANY,)],
    }
    if checked := _checked_callers(asked):
        spec["tls"] = {"frontend": checked}
    gateway = build(intent, GATEWAY, asked.namespace, _gateway(asked), spec, asked.own_origins)
    routes = [native for table in asked.tables for native in _routes(table, asked, intent, gaps)]
    return [gateway, *routes, *_grants(routes, asked, intent, gaps)]


def _gateway(asked: GatewayIntent) -> str:
    """Controllers name a Service and a label by it, so that it is one label."""
    policy = asked.policy
    return label_name(policy.name, (policy.namespace, policy.name), ambiguous=policy.namespace != "default")


def _section(listener: Listener, host: str) -> str:
    """A listener of the API has one host, so that ours may be several; its name stays while other hosts come and go."""
    if not listener.hosts:
        return listener.name
    return object_name(f"{listener.name}.{host.replace(ANY, 'any')}", (listener.name, host), ambiguous=ANY in host)


def _listener(listener: Listener, host: str, asked: GatewayIntent) -> Native:
    protocol = {"GRPC": "HTTPS" if listener.tls else "HTTP", "TCP": "TLS" if listener.tls else "TCP"}
    native: Native = {
        "name": _section(listener, host),
        "port": listener.port,
        "protocol": protocol.get(listener.protocol, listener.protocol),
    }
    native |= {"hostname": host} if host != ANY else {}
    if listener.tls is None:
        return native
    if listener.tls.mode == "Passthrough":
        return native | {"tls": {"mode": "Passthrough"}}
    references = [_secret(one, asked) for one in (listener.tls.secret,) if one]
    return native | {"tls": {"mode": "Terminate", "certificateRefs": references}}


def _secret(secret: SecretRef, asked: GatewayIntent) -> Native:
    native = {"group": "", "kind": "Secret", "name": secret.name}
    return native | ({"namespace": secret.namespace} if secret.namespace not in ("", asked.namespace) else {})


def _checked_callers(asked: GatewayIntent) -> Native:
    """How the certificates of callers are checked, which the API says for a port."""
    ports: dict[int, list[Native]] = {}
    for one in asked.listeners:
        if one.tls is not None and one.tls.client_ca is not None:
            reference = _secret(one.tls.client_ca, asked)
            known = ports.setdefault(one.port, [])
            known += [reference] if reference not in known else []
    return {
        "default": {},
        "perPort": [
            {"port": port, "tls": {"validation": {"caCertificateRefs": refs}}} for port, refs in sorted(ports.items())
        ],
    } if ports else {}  # fmt: skip


def _routes(table: HostTable, asked: GatewayIntent, intent: MeshIntent, gaps: Gaps) -> list[NativeObject]:
    parents = tuple(
        {"group": GROUP, "kind": "Gateway", "name": _gateway(asked), "sectionName": _section(table.listener, host)}
        for host in table.listener.hosts or (ANY,)
        if _covers(host, table.host)
    )
    hosts = (table.host,) if table.host != ANY else ()
    place = Place(asked.namespace, table_name(table, asked), parents, 0, hosts)
    if table.listener.carries_http:
        return objects(table.routes, place, intent, origins_of(table, asked), gaps)
    return [_connections(table, place, asked, intent, gaps)]


def _covers(wide: str, host: str) -> bool:
    return wide in (ANY, host) or (wide.startswith("*.") and host.removeprefix(ANY).endswith(wide[1:]))


def _connections(table: HostTable, place: Place, asked: GatewayIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject:
    """Where no requests are seen, one route says where connections go."""
    check_connections(table, gaps)
    refs = References(intent, place.namespace, 0, gaps)
    rules = [{"backendRefs": refs.of(route)} for route in table.routes[:1]]
    sealed = table.listener.tls is not None and table.listener.tls.mode == "Passthrough"
    if sealed and not place.hostnames:
        gaps.error("mesh-inexpressible", "the API wants the hosts of connections that are passed on, and `*` is none")
    spec: Native = {"parentRefs": list(place.parents)}
    spec |= {"hostnames": list(place.hostnames)} if sealed and place.hostnames else {}
    kind = TLS_ROUTE if sealed else TCP_ROUTE
    if not is_served(kind, intent.cluster.crds):
        told = (
            f"the cluster serves no {kind.kind.kind}, which says where connections of listener {table.listener.name} go"
        )
        gaps.error("kind-not-served", told, hint="install its definition")
    return build(intent, kind, place.namespace, place.name, spec | {"rules": rules}, asked.origins)


def _grants(
    routes: Sequence[NativeObject], asked: GatewayIntent, intent: MeshIntent, gaps: Gaps
) -> Iterable[NativeObject]:
    """What is referred to in other namespaces, said there: no more than the very objects."""
    wanted: dict[str, set[tuple[str, str, str]]] = {}
    for native in routes:
        for reference in _references(native.body["spec"]["rules"]):
            if "namespace" in reference:
                wanted.setdefault(reference["namespace"], set()).add((native.key.kind, "Service", reference["name"]))
    for secret in _secrets(asked):
        if secret.namespace not in ("", asked.namespace):
            wanted.setdefault(secret.namespace, set()).add(("Gateway", "Secret", secret.name))
    for namespace, several in sorted(wanted.items()):
        spec = {
            "from": [
                {"group": GROUP, "kind": kind, "namespace": asked.namespace}
                for kind in sorted({one[0] for one in several})
            ],
            "to": [{"group": "", "kind": kind, "name": name} for kind, name in sorted({one[1:] for one in several})],
        }
        name = object_name(f"{asked.namespace}.{_gateway(asked)}", ())
        if max(len(spec["from"]), len(spec["to"])) > MOST:
            message = (
                f"the API lets {asked.policy} refer to {MOST} things in namespace {namespace}, not {len(spec['to'])}"
            )
            gaps.error("mesh-inexpressible", message)
        yield build(intent, REFERENCE_GRANT, namespace, name, spec, asked.origins)


def _secrets(asked: GatewayIntent) -> Iterable[SecretRef]:
    for listener in asked.listeners:
        if listener.tls is not None:
            yield from (one for one in (listener.tls.secret, listener.tls.client_ca) if one is not None)


def _references(node: Any) -> Iterable[Mapping[str, Any]]:
    """Every reference to a Service in rules: of destinations and of mirrors."""
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
    elif isinstance(node, dict):
        if node.get("kind") == "Service":
            yield node
        for value in node.values():
            yield from _references(value)
