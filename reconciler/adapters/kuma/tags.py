"""Who may call, as tags in the certificates of callers, where the mesh has no MeshIdentity: namespace and labels of
their pods (pkg/plugins/policies/meshtrafficpermission/xds, legacy_rbac_configurer.go). A service account is none of
these, so it is said by the labels of the workloads that run under it, if no others have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma.objects import NAMESPACE_LABEL, WHOLE
from reconciler.model.access import AccessAction
from reconciler.model.intents import Identity, MeshIntent

Native = dict[str, Any]


def callers(
    identities: Iterable[Identity] | None, action: AccessAction, intent: MeshIntent, gaps: Gaps
) -> list[Native]:
    """``from[].targetRef`` of which one must fit; of every caller where ``identities`` is None. Sorted, each once."""
    if identities is None:
        return [dict(WHOLE)]
    found = {str(one): one for identity in identities for one in _callers(identity, action, intent, gaps)}
    return [found[key] for key in sorted(found)]


def _callers(identity: Identity, action: AccessAction, intent: MeshIntent, gaps: Gaps) -> Iterator[Native]:
    own = intent.mesh.trust_domain
    if identity.ip_include or identity.ip_exclude or identity.raw:
        gaps.error("mesh-inexpressible", "without a MeshIdentity the mesh knows callers by their tags only")
    elif identity.trust_domain not in ("", own):
        gaps.error("mesh-inexpressible", "without a MeshIdentity callers are those of this mesh only")
    elif identity.service_account:
        yield from _accounts(identity, action, intent, gaps)
    elif identity.namespace:
        yield {"kind": "MeshSubset", "tags": {NAMESPACE_LABEL: identity.namespace}}
    else:
        yield dict(WHOLE)


def _accounts(identity: Identity, action: AccessAction, intent: MeshIntent, gaps: Gaps) -> Iterator[Native]:
    """An Allow never takes more than the account; a Deny may."""
    account, space = identity.service_account, identity.namespace
    members = intent.cluster.workloads_under(space, account)
    if not members:
        gaps.error(
            "mesh-inexpressible", f"no workload is known that runs as {account} in {space}, whose tags are asked"
        )
    for one in members:
        if not one.labels:
            gaps.error("mesh-inexpressible", f"{one.kind} {space}/{one.name} has no labels by which it is known")
        others = [two for two in intent.cluster.workloads_with(space, one.labels) if two.service_account != account]
        if others and action is AccessAction.ALLOW:
            told = f"{space}/{others[0].name} has all labels of {space}/{one.name}, and does not run as {account}"
            gaps.error("mesh-inexpressible", told, hint="give the workloads labels that tell them apart")
        yield {"kind": "MeshSubset", "tags": {NAMESPACE_LABEL: space, **dict(sorted(one.labels.items()))}}
