"""Service accounts: of those who call, and of those who are called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.model.intents import AccessIntent, Identity, MeshIntent

Native = dict[str, Any]


def sources(identities: Iterable[Identity], intent: MeshIntent, gaps: Gaps) -> list[Native]:
    """The accounts that callers run under; of a namespace those of the workloads that are known there."""
    found: set[tuple[str, str]] = set()
    for identity in identities:
        if identity.raw or identity.ip_include or identity.ip_exclude or not identity.namespace:
            gaps.error("mesh-inexpressible", "SMI knows callers by their service accounts, and by nothing else")
        elif identity.trust_domain not in ("", intent.mesh.trust_domain):
            gaps.error("mesh-inexpressible", f"the mesh knows no callers of trust domain {identity.trust_domain}")
        elif identity.service_account:
            found.add((identity.namespace, identity.service_account))
        else:
            there = intent.cluster.workloads_in(identity.namespace)
            found |= {(identity.namespace, one.service_account) for one in there}
    _tell_outside({namespace for namespace, _ in found}, intent, gaps)
    return [{"kind": "ServiceAccount", "name": name, "namespace": namespace} for namespace, name in sorted(found)]


def _tell_outside(namespaces: set[str], intent: MeshIntent, gaps: Gaps) -> None:
    """Where it is known who is in the mesh."""
    enrolled = intent.mesh.enrolled_namespaces
    if outside := sorted(namespaces - set(enrolled)) if enrolled else ():
        told = f"callers in {', '.join(outside)} are not in the mesh, so they have no identity to be let in by"
        hint = "put them into it; a gateway may stay outside with an IngressBackend of your own (Extension)"
        gaps.warning("nothing-matches", told, hint=hint)


def workloads(access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> list[str]:
    """The accounts of the workloads of a service, each of which runs nothing else."""
    namespace, known = access.service.namespace, intent.cluster
    behind = known.workloads_with(namespace, access.selector) if access.selector else ()
    if not behind:
        told = f"no workloads are known behind {access.service}, so their service account is not known"
        gaps.error("mesh-inexpressible", told, hint="it is written once they are there")
    accounts = sorted({one.service_account for one in behind})
    for account in accounts:
        others = [one for one in known.workloads_under(namespace, account) if one not in behind]
        if others:
            told = f"{access.policy} would open {others[0].name}, too, which runs under service account {account}"
            gaps.error(
                "account-shared", told, hint=f"give the workloads of {access.service.name} an account of their own"
            )
    return accounts
