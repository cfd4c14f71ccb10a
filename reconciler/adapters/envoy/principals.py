"""Who calls, as a Principal: by the name in the certificate that the caller has shown, and where the connection comes
from. What a forwarded-for header says can be made up by the caller, so that is never asked."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.adapters.envoy.strings import string_matcher
from reconciler.adapters.expressions import quote
from reconciler.adapters.gaps import Gaps
from reconciler.model.intents import AccessIntent, Identity, MeshIntent

Principal = dict[str, Any]
Name = dict[str, Any]
EVERYBODY: Principal = {"any": True}
SCHEME = "spiffe://"


def principals(access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> list[Principal]:
    """Alternatives. None of them where nobody is meant."""
    if access.identities is None:
        return [EVERYBODY]
    return [_principal(one, access.action.restricts, intent, gaps) for one in access.identities]


def own_domains(intent: MeshIntent) -> tuple[str, ...]:
    """The trust domain of the mesh and its other names, of which each is as good."""
    return tuple(dict.fromkeys((intent.mesh.trust_domain, *sorted(intent.mesh.trust_domain_aliases))))


def foreign_domains(accesses: Iterable[AccessIntent], intent: MeshIntent) -> tuple[str, ...]:
    """Other trust domains of which policies name callers."""
    named = {_domain(one) for access in accesses for one in access.identities or ()}
    return tuple(sorted(named - {"", *own_domains(intent)}))


def _domain(identity: Identity) -> str:
    return _spelled(identity.raw).removeprefix(SCHEME).partition("/")[0].rstrip("*") or identity.trust_domain


def _principal(identity: Identity, restricts: bool, intent: MeshIntent, gaps: Gaps) -> Principal:
    if "*" in identity.raw[:-1]:
        gaps.error("mesh-inexpressible", f"an identity takes a * at its end only: {identity.raw!r}")
    parts = [_any_of([_shown(name) for name in names]) for names in _names(identity, restricts, intent)]
    if identity.ip_include:
        parts.append(_any_of([_from(block, gaps) for block in sorted(identity.ip_include)]))
    parts += [{"not_id": _from(block, gaps)} for block in sorted(identity.ip_exclude)]
    if not parts:
        gaps.error("mesh-inexpressible", "a source that names nobody")
        return {"not_id": EVERYBODY}
    return parts[0] if len(parts) == 1 else {"and_ids": {"ids": parts}}


def shown_names(identity: Identity, intent: MeshIntent) -> list[Name]:
    """What a caller whom an Allow takes must at least show, as alternatives; none where it need not show anything."""
    return next(_names(identity, False, intent), [])


def _names(identity: Identity, restricts: bool, intent: MeshIntent) -> Iterator[list[Name]]:
    """Alternatives, of which each list must have one that holds."""
    if identity.raw:
        yield _raw(identity.raw, intent)
    if identity.service_account:
        account = f"/ns/{identity.namespace}/sa/{identity.service_account}"
        yield [{"exact": f"{SCHEME}{one}{account}"} for one in _domains(identity, intent)]
    elif identity.namespace and restricts and not identity.trust_domain:
        # a namespace of that name in any trust domain that gets this far
        yield [string_matcher("regex", f"{SCHEME}[^/]+/ns/{quote(identity.namespace)}/sa/.+")]
    elif identity.namespace:
        yield [{"prefix": f"{SCHEME}{one}/ns/{identity.namespace}/sa/"} for one in _domains(identity, intent)]
    elif identity.trust_domain:
        yield [{"prefix": f"{SCHEME}{one}/"} for one in _domains(identity, intent)]
    elif identity.any_identity and not identity.raw:
        # callers of other trust domains are allowed by name only
        yield [{"prefix": SCHEME}] if restricts else [{"prefix": f"{SCHEME}{one}/"} for one in own_domains(intent)]


def _domains(identity: Identity, intent: MeshIntent) -> tuple[str, ...]:
    own = own_domains(intent)
    return own if identity.trust_domain in ("", *own) else (identity.trust_domain,)


def _raw(raw: str, intent: MeshIntent) -> list[Name]:
    spelled = _spelled(raw)
    kind = "prefix" if spelled.endswith("*") else "exact"
    domain, slash, rest = spelled.removeprefix(SCHEME).rstrip("*").partition("/")
    domains = own_domains(intent) if slash and domain in own_domains(intent) else (domain,)
    return [{kind: f"{SCHEME}{one}{slash}{rest}"} for one in domains]


def _spelled(raw: str) -> str:
    return raw if raw.startswith(SCHEME) or not raw else f"{SCHEME}{raw}"


def _shown(name: dict[str, Any]) -> Principal:
    return {"authenticated": {"principal_name": name}}


def _from(block: str, gaps: Gaps) -> Principal:
    """The address at the other end of the connection."""
    try:
        network = ipaddress.ip_network(block, strict=False)
    except ValueError:
        gaps.error("mesh-invalid-value", f"not a block of addresses: {block!r}")
        return {"not_id": EVERYBODY}
    return {"direct_remote_ip": {"address_prefix": str(network.network_address), "prefix_len": network.prefixlen}}


def _any_of(parts: list[Principal]) -> Principal:
    return parts[0] if len(parts) == 1 else {"or_ids": {"ids": parts}}
