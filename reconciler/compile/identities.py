"""From ``from[]`` of an access policy to identities that the mesh can check: accounts, namespaces, names, networks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import product

from reconciler.compile.accounts import Accounts, names_accounts
from reconciler.compile.site import Site
from reconciler.compile.trust import Homes, Nobody, Unsure
from reconciler.model.findings import Finding, warning
from reconciler.model.intents import Identity
from reconciler.model.refs import DocRef
from reconciler.model.selectors import PolicySource


@dataclass(frozen=True, slots=True)
class Who:
    """``identities`` None: everyone, without identity too. ``nobody``: sources that mean no caller; ``blocking``:
    those that cannot be said as they were asked. ``remarks`` are worth knowing and change nothing."""

    identities: tuple[Identity, ...] | None
    nobody: tuple[Finding, ...] = ()
    blocking: tuple[Finding, ...] = ()
    remarks: tuple[Finding, ...] = ()


def who(policy: DocRef, sources: tuple[PolicySource, ...] | None, site: Site) -> Who:
    """Everybody whom the sources mean, as seen from the destinations on a site."""
    if sources is None:
        return Who(None)
    found: set[Identity] = set()
    nobody: list[Finding] = []
    blocking: list[Finding] = []
    remarks: list[Finding] = []
    for source in sources:
        homes = Homes(source, site)
        accounts = Accounts(policy, source, homes, site)
        try:
            meant = _identities(source, homes, accounts)
            found.update(meant)
            remarks += _foreign(policy, source, meant, site)
        except Nobody as reason:
            nobody.append(warning("source-unknown", f"{policy}: {reason}", source.position, reason.hint, policy))
        except Unsure as reason:
            blocking.append(warning(reason.code, f"{policy}: {reason}", source.position, reason.hint, policy))
        remarks += accounts.remarks
    identities = None if Identity() in found else tuple(sorted(found, key=_order))
    return Who(identities, tuple(nobody), tuple(blocking), tuple(remarks))


def _identities(source: PolicySource, homes: Homes, accounts: Accounts) -> list[Identity]:
    """Every way to take one of each field, ANDed; an identity without any field is everyone."""
    parts: list[list[Identity]] = []
    if names_accounts(source):
        parts.append([Identity(one.domain, one.namespace, one.name) for one in accounts.found()])
    else:
        if homes.scoped:
            parts.append([Identity(trust_domain=domain) for domain in sorted(homes.domains(homes.targets))])
        if source.namespaces:
            parts.append([Identity(namespace=namespace) for namespace in source.namespaces])
    if source.identities:
        parts.append([Identity(raw=raw) for raw in source.identities])
    if source.ip_include or source.ip_exclude:
        include, exclude = tuple(sorted(source.ip_include)), tuple(sorted(source.ip_exclude))
        parts.append([Identity(ip_include=include, ip_exclude=exclude)])
    merged = [_merge(choice) for choice in product(*parts)]
    if not source.authenticated:
        return merged
    return [one if _named(one) else replace(one, any_identity=True) for one in merged]


def _foreign(policy: DocRef, source: PolicySource, meant: Iterable[Identity], site: Site) -> Iterable[Finding]:
    """Callers of a trust domain that the mesh is not known to trust: unless a root is shared, none gets through."""
    own = {"", site.mesh.trust_domain, *site.mesh.trust_domain_aliases, *(site.document.trust_domain_aliases or ())}
    for domain in sorted({one.trust_domain for one in meant} - own):
        message = (
            f"{policy}: nothing is known by which {site.target} trusts callers of {domain}: they may not get through"
        )
        hint = "share a root between the two meshes, or name the domain in the aliases of the mesh's own"
        yield warning("trust-unknown", message, source.position, hint, policy)


def _merge(parts: Iterable[Identity]) -> Identity:
    """The parts set different fields."""
    found = Identity()
    for part in parts:
        found = Identity(
            trust_domain=found.trust_domain or part.trust_domain,
            namespace=found.namespace or part.namespace,
            service_account=found.service_account or part.service_account,
            raw=found.raw or part.raw,
            ip_include=found.ip_include or part.ip_include,
            ip_exclude=found.ip_exclude or part.ip_exclude,
        )
    return found


def _named(identity: Identity) -> bool:
    return bool(identity.trust_domain or identity.namespace or identity.service_account or identity.raw)


def _order(identity: Identity) -> tuple[object, ...]:
    return (
        identity.trust_domain,
        identity.namespace,
        identity.service_account,
        identity.raw,
        identity.any_identity,
        identity.ip_include,
        identity.ip_exclude,
    )
