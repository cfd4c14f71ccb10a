"""Who may call, as ``rules[].from[].source``. Fields of one source are ANDed, sources are ORed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.model.intents import Identity

#: stands for the mesh's own trust domain and its aliases, whatever they are called
OWN_TRUST_DOMAIN = "cluster.local"
_SCHEME = "spiffe://"
Source = dict[str, Any]


def sources(identities: Iterable[Identity], own_trust_domain: str, gaps: Gaps) -> list[Source]:
    """One source for all plain principals, one for all plain namespaces, and one for each of the rest; sorted."""
    principals: set[str] = set()
    namespaces: set[str] = set()
    others: list[Source] = []
    for identity in identities:
        source = _source(identity, own_trust_domain, gaps)
        if source.keys() == {"principals"}:
            principals.update(source["principals"])
        elif source.keys() == {"namespaces"}:
            namespaces.update(source["namespaces"])
        elif source and source not in others:
            others.append(source)
    plain = [{name: sorted(found)} for name, found in (("principals", principals), ("namespaces", namespaces)) if found]
    return [*plain, *sorted(others, key=str)]


def _source(identity: Identity, own_trust_domain: str, gaps: Gaps) -> Source:
    source: Source = {}
    principal = _principal(identity, own_trust_domain, gaps)
    if principal:
        source["principals"] = [principal]
    if identity.namespace and (identity.raw or not principal):
        # of any trust domain that the mesh trusts, where nothing narrower was asked
        source["namespaces"] = [identity.namespace]
    if identity.ip_include:
        # the address of the connection; what a forwarded-for header says can be made up by the caller
        source["ipBlocks"] = sorted(identity.ip_include)
    if identity.ip_exclude:
        source["notIpBlocks"] = sorted(identity.ip_exclude)
    if not source:
        gaps.error("mesh-inexpressible", "a source that names nobody")
    return source


def _principal(identity: Identity, own_trust_domain: str, gaps: Gaps) -> str:
    domain = identity.trust_domain
    if identity.raw:
        return _raw(identity, gaps)
    if identity.service_account:
        return f"{domain or own_trust_domain or OWN_TRUST_DOMAIN}/ns/{identity.namespace}/sa/{identity.service_account}"
    if identity.namespace and domain:
        # ``namespaces`` would take the namespace of that name in every trust domain; five parts, the last a
        # wildcard, is the form in which the mesh still adds the aliases of the trust domain
        return f"{domain}/ns/{identity.namespace}/sa/*"
    if domain:
        return f"{domain}/*"
    return "*" if identity.any_identity and not identity.namespace else ""


def _raw(identity: Identity, gaps: Gaps) -> str:
    """Two principals of one source are alternatives, so an identity that must also be an account cannot be said."""
    principal = identity.raw.removeprefix(_SCHEME)
    if "*" in principal[:-1] or not principal:
        gaps.error("mesh-inexpressible", f"the mesh takes a * at the end of an identity only: {identity.raw!r}")
    if identity.service_account or (identity.trust_domain and not principal.startswith(f"{identity.trust_domain}/")):
        gaps.error("mesh-inexpressible", f"the mesh cannot ask that a caller is {identity.raw!r} and another at once")
    return principal
