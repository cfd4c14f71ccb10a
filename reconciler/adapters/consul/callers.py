"""Who may call, as the names of services: what Consul knows of a caller is the service that its certificate names."""

from __future__ import annotations

import re

from reconciler.adapters.consul import names
from reconciler.adapters.gaps import Gaps
from reconciler.model.access import AccessAction
from reconciler.model.intents import AccessIntent, Identity, MeshIntent

_SPIFFE = re.compile(r"spiffe://([^/]+)/ns/([^/]+)/dc/[^/]+/svc/([^/*]+)")


def sources(access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> frozenset[str]:
    """The names, or ``*`` for every caller. Callers without an identity cannot reach the mesh at all."""
    if access.identities is None:
        return frozenset({names.ANY})
    found: set[str] = set()
    for identity in access.identities:
        found |= _names(identity, access, intent, gaps)
    return frozenset({names.ANY}) if names.ANY in found else frozenset(found)


def _names(identity: Identity, access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> set[str]:
    if identity.ip_include or identity.ip_exclude:
        gaps.error("mesh-inexpressible", "the mesh knows callers by their service, not by their address")
    if identity.raw:
        return _raw(identity, intent, gaps)
    own = intent.mesh.trust_domain
    if identity.trust_domain and own and identity.trust_domain != own:
        gaps.error("mesh-inexpressible", f"callers of trust domain {identity.trust_domain} have no names here")
    if not identity.namespace:
        return {names.ANY} if identity.any_identity or identity.trust_domain else set()
    return _of_account(identity, access, intent, gaps)


def _of_account(identity: Identity, access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> set[str]:
    """Services that nobody has yet are called as their account is, which servers with access control ask for."""
    allows = access.action is AccessAction.ALLOW
    namespace, account = identity.namespace, identity.service_account
    found = set(names.of_account(namespace, account, intent, exactly=allows, gaps=gaps))
    if not account and not allows:
        told = f"the mesh has no names for all of namespace {namespace}: a service that comes later would be let in"
        gaps.error("mesh-inexpressible", told, hint="name the services")
    if not account and not found:
        gaps.error("workloads-unknown", f"no service of namespace {namespace} is known in the mesh")
    return found or ({account} if account else set())


def _raw(identity: Identity, intent: MeshIntent, gaps: Gaps) -> set[str]:
    """``spiffe://<trust domain>/ns/default/dc/<datacenter>/svc/<service>`` (agent/connect/uri_service.go)."""
    found = _SPIFFE.fullmatch(identity.raw)
    if identity.service_account or identity.namespace or found is None:
        told = f"the mesh knows callers by their service, and {identity.raw!r} names none"
        gaps.error("mesh-inexpressible", told)
        return set()
    domain, namespace, name = found.groups()
    if (intent.mesh.trust_domain and domain != intent.mesh.trust_domain) or namespace != names.DEFAULT_NAMESPACE:
        gaps.error("mesh-inexpressible", f"{identity.raw!r} is of another mesh, whose callers have no names here")
    return {name}
