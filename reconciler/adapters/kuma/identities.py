"""Who may call, as SPIFFE IDs of a MeshIdentity: exact, or what they begin with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma.trust import USUAL_PATH
from reconciler.model.intents import Identity, MeshIntent

_SCHEME = "spiffe://"

Native = dict[str, Any]


def callers(identities: Iterable[Identity] | None, intent: MeshIntent, gaps: Gaps) -> list[Native]:
    """Matches of which one must fit; for every caller where ``identities`` is None. Sorted, each once."""
    if identities is None:
        return [_match("Prefix", _SCHEME)]
    found = [_caller(one, intent, gaps) for one in identities]
    return [one for at, one in enumerate(sorted(found, key=str)) if one not in sorted(found, key=str)[:at]]


def _match(kind: str, value: str) -> Native:
    return {"spiffeID": {"type": kind, "value": value}}


def _caller(identity: Identity, intent: MeshIntent, gaps: Gaps) -> Native:
    if identity.ip_include or identity.ip_exclude:
        gaps.error("mesh-inexpressible", "the mesh knows callers by their identity, and not by their address")
    if identity.raw:
        return _raw(identity, gaps)
    domain = identity.trust_domain or intent.mesh.trust_domain
    if not domain and identity.namespace:
        told = "the trust domain of the mesh is not known, which identities of callers begin with"
        gaps.error("mesh-inexpressible", told, hint="make a MeshIdentity, or name the trust domain")
    if identity.namespace and intent.mesh.settings.get("identity.path", USUAL_PATH) != USUAL_PATH:
        told = "the MeshIdentity of the mesh gives workloads identities of a form of its own"
        gaps.error("mesh-inexpressible", told, hint="name the identities themselves")
    if identity.service_account:
        return _match("Exact", f"{_SCHEME}{domain}/ns/{identity.namespace}/sa/{identity.service_account}")
    if identity.namespace:
        return _match("Prefix", f"{_SCHEME}{domain}/ns/{identity.namespace}/")
    if identity.trust_domain:
        return _match("Prefix", f"{_SCHEME}{identity.trust_domain}/")
    if not identity.any_identity:
        gaps.error("mesh-inexpressible", "a source that names nobody")
    return _match("Prefix", _SCHEME)


def _raw(identity: Identity, gaps: Gaps) -> Native:
    """Two conditions on one identity cannot be said together."""
    wanted = identity.raw if identity.raw.startswith(_SCHEME) else f"{_SCHEME}{identity.raw}"
    if "*" in wanted[:-1] or wanted == _SCHEME:
        gaps.error("mesh-inexpressible", f"the mesh takes a * at the end of an identity only: {identity.raw!r}")
    other = identity.trust_domain and not wanted.startswith(f"{_SCHEME}{identity.trust_domain}/")
    if identity.service_account or identity.namespace or other:
        gaps.error("mesh-inexpressible", f"the mesh cannot ask that a caller is {identity.raw!r} and another at once")
    return _match("Prefix", wanted[:-1]) if wanted.endswith("*") else _match("Exact", wanted)
