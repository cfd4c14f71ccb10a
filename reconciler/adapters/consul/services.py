"""What is written for services: chains, resolvers, intentions, modes; and the ServiceDefaults that these share, without
those of a thing that cannot be said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.adapters.built import Built, built
from reconciler.adapters.consul import code, names, tokens
from reconciler.adapters.consul.access import intentions, sees_requests
from reconciler.adapters.consul.authorization import authorization
from reconciler.adapters.consul.balancing import hashes_requests
from reconciler.adapters.consul.defaults import Defaults
from reconciler.adapters.consul.kinds import SERVICE_DEFAULTS
from reconciler.adapters.consul.resolvers import resolver
from reconciler.adapters.consul.routes import chain
from reconciler.adapters.consul.speaking import TCP, protocol_of, says_protocol
from reconciler.adapters.consul.upstreams import PATHS as UPSTREAM_PATHS
from reconciler.adapters.consul.upstreams import callers, override
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at
from reconciler.adapters.served import has_field
from reconciler.adapters.versions import before
from reconciler.model.intents import HostIntent, MeshIntent, MtlsIntent, Origin

#: since when a service may say how strict it is; before, its proxies take nothing but mTLS
MODES_SINCE = "1.17"


def emit(intent: MeshIntent) -> Iterable[Built]:
    shared = Defaults()
    yield from (_host(host, intent, shared) for host in intent.hosts)
    yield from _access(intent, shared)
    yield from (_mode(mtls, intent, shared) for mtls in intent.mtls)
    yield from code.emit(intent, shared)
    yield from shared.objects(intent)


def _host(host: HostIntent, intent: MeshIntent, shared: Defaults) -> Built:
    gaps = Gaps()
    made, resolved = chain(host, intent, gaps), resolver(host, intent, gaps)
    upstream, asked = override(host, intent, gaps), authorization(host, intent, gaps)
    told = says_protocol(host.host_leaves)
    if told:
        protocol_of(host.service, intent, gaps)
    if resolved or told:
        names.check(host.service, intent, gaps)
    if resolved and hashes_requests(resolved.body["spec"]) and protocol_of(host.service, intent, gaps) == TCP:
        message = f"{host.service.label} carries connections, and only addresses can be hashed there"
        gaps.error("mesh-inexpressible", message, leaf_at(host.host_leaves, "traffic.loadBalancing.hash"))
    balanced = resolved and "loadBalancer" in resolved.body["spec"]
    protocol = _protocol(host, intent, told or upstream or asked or balanced)
    if not gaps.blocking:
        for service, origins in made.services.items():
            shared.protocol(service, made.protocol, origins)
        if protocol:
            shared.protocol(host.service, protocol, host.origins)
        for caller in callers(host, intent) if upstream else ():
            shared.override(caller, upstream, _asking(host, UPSTREAM_PATHS))
        if asked:
            shared.extension(host.service, asked.extension, host.origins)
        if asked and asked.server:
            shared.protocol(asked.server, asked.protocol, _asking(host, "traffic.extAuth"))
    return built([*made.objects, resolved], gaps, host.origins, intent, host.service)


def _asking(host: HostIntent, paths: str | tuple[str, ...]) -> list[Origin]:
    """Who has a word in what is asked there, of others than the service: what callers keep to, what a server speaks."""
    leaves = (*host.host_leaves, *(leaf for route in host.inbound for leaf in route.leaves))
    policies = {leaf.policy for leaf in leaves if leaf.path.startswith(paths)}
    return [origin for origin in host.origins if origin.ref in policies]


def _protocol(host: HostIntent, intent: MeshIntent, needed: object) -> str:
    """What a service speaks, where something asked of it needs that requests are seen; "" where it is not clear."""
    quiet = Gaps()
    found = protocol_of(host.service, intent, quiet) if needed else ""
    return "" if quiet.blocking or (found == TCP and not says_protocol(host.host_leaves)) else found


def _access(intent: MeshIntent, shared: Defaults) -> Iterator[Built]:
    for service, asked in sorted(intent.access_by_service.items()):
        gaps = Gaps()
        made, issuers = intentions(service, asked, intent, gaps), tokens.objects(service, asked, intent, gaps)
        origins = {origin for access in asked for origin in access.origins}
        if made and not gaps.blocking and sees_requests(made.body["spec"]["sources"]):
            shared.protocol(service, protocol_of(service, intent, Gaps()), origins)
        yield built([*issuers, made], gaps, origins, intent, service)


def _mode(mtls: MtlsIntent, intent: MeshIntent, shared: Defaults) -> Built:
    """Proxies take nothing but mTLS unless somebody had them take more."""
    gaps = Gaps(asked=mtls.origins)
    if mtls.mode != "Strict":
        told = f"proxies of the mesh take nothing but mTLS, so they cannot be {mtls.mode}"
        gaps.error("mesh-inexpressible", told)
    elif mtls.service is not None:
        names.check(mtls.service, intent, gaps)
        if not gaps.blocking and _has_modes(intent):
            shared.mutual_tls(mtls.service, "strict", mtls.origins)
    elif intent.mesh.mtls not in ("", "Strict"):
        told = "ProxyDefaults that are not ours let proxies take more than mTLS, for all services that say nothing"
        gaps.error("mesh-inexpressible", told, hint="say mtls for the services, or change ProxyDefaults")
    return built([], gaps, mtls.origins, intent, mtls.service)


def _has_modes(intent: MeshIntent) -> bool:
    return not before(MODES_SINCE, intent) and has_field(SERVICE_DEFAULTS, "spec.mutualTLSMode", intent.cluster.crds)
