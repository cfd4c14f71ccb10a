"""What holds for a whole mesh: its mTLS mode, and whether nothing is reachable unless it is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.compile.negotiation import allowed
from reconciler.compile.notes import Notes
from reconciler.compile.paths import Use
from reconciler.compile.site import Site, has_labels
from reconciler.model.facts import GatewayFacts
from reconciler.model.findings import Position, warning
from reconciler.model.intents import DefaultDeny, MtlsIntent, Origin
from reconciler.model.membership import groups_of
from reconciler.model.meshes import MeshGateway
from reconciler.model.refs import DocRef

DENY = "Deny"
_ACCESS = ("Deny", "Allow")  # strictest first
_MTLS = ("Strict", "Permissive", "Disabled")


@dataclass(frozen=True, slots=True)
class _Say:
    """One document's word on something that holds for the whole mesh."""

    ref: DocRef
    value: str
    position: Position


def mesh_mtls(site: Site, notes: Notes) -> tuple[MtlsIntent, ...]:
    """The mode that the Mesh document sets, else the strictest of its groups; nothing where none says anything."""
    mesh = site.document
    said = [_Say(mesh.ref, mesh.mtls, mesh.position)]
    groups = [_Say(group.ref, group.mtls, group.mtls_position) for group in groups_of(site.target, site.view)]
    held = _strictest(said, _MTLS, "mTLS mode", notes) or _strictest(groups, _MTLS, "mTLS mode", notes)
    able = [one for one in held if allowed(one.ref, [Use("mesh.config.mtls", one.position)], site, notes)]
    if not able:
        return ()
    return (MtlsIntent(able[0].value, None, {}, tuple(sorted(Origin(one.ref, one.position) for one in able))),)


def default_deny(site: Site, notes: Notes) -> DefaultDeny | None:
    """Default deny where a group of the mesh asks for it, with the gateways that stay reachable."""
    groups = [_Say(group.ref, group.access, group.access_position) for group in groups_of(site.target, site.view)]
    held = _strictest(groups, _ACCESS, "default access", notes)
    if not held or held[0].value != DENY:
        return None
    uses = {one.ref: [Use("access.defaultDeny", one.position)] for one in held}
    able = [one for one in held if allowed(one.ref, uses[one.ref], site, notes, deny=True)]
    if not able:
        return None
    return DefaultDeny(_gateways(site, notes), tuple(sorted(Origin(one.ref, one.position) for one in able)))


def _strictest(said: Sequence[_Say], order: tuple[str, ...], what: str, notes: Notes) -> list[_Say]:
    """All who say the strictest of the values that are said; those who say another are in conflict with it."""
    spoken = [one for one in said if one.value in order]
    if not spoken:
        return []
    value = min((one.value for one in spoken), key=order.index)
    held = [one for one in spoken if one.value == value]
    for loser in (one for one in spoken if one.value != value):
        message = (
            f"{loser.ref} sets the {what} of the mesh to {loser.value}, "
            f"{held[0].ref} at {held[0].position} to {value}, which holds: it is the stricter one"
        )
        hint = "let one group alone say it"
        notes.find(warning("policy-conflict", message, loser.position, hint, loser.ref, held[0].ref))
    return held


def _gateways(site: Site, notes: Notes) -> tuple[GatewayFacts, ...]:
    """Declared gateways, and discovered ones that are not among them, by place and name."""
    found = [one for gateway in site.document.gateways for one in _declared(gateway, site, notes)]
    declared = list(found)
    for gateway in site.mesh.gateways:
        if gateway.labels and not any(_includes(one, gateway) for one in declared):
            found.append(gateway)
    return tuple(sorted(found, key=lambda one: (one.namespace, one.name, sorted(one.labels.items()))))


def _includes(one: GatewayFacts, other: GatewayFacts) -> bool:
    """Whether what selects the pods of the first selects those of the second too, or the two have one name."""
    same = one.name == other.name or has_labels(other.labels, one.labels)
    return one.namespace == other.namespace and same


def _declared(gateway: MeshGateway, site: Site, notes: Notes) -> Iterable[GatewayFacts]:
    """A declared gateway by its labels; one selected by expressions as each workload that they mean."""
    if gateway.selector.match_labels and not gateway.selector.match_expressions:
        yield GatewayFacts(gateway.name, gateway.namespace, gateway.role, dict(sorted(gateway.selector.match_labels)))
        return
    meant = [
        one
        for one in site.cluster.workloads
        if one.namespace == gateway.namespace and one.labels and gateway.selector.matches(one.labels)
    ]
    if not meant or not (gateway.selector.match_labels or gateway.selector.match_expressions):
        message = f"gateway {gateway.name} selects no known workload, so default deny cuts it off"
        hint = "give it a selector with matchLabels"
        notes.find(warning("gateway-unknown", message, site.document.position, hint, site.document.ref))
        return
    for one in meant:
        yield GatewayFacts(gateway.name, gateway.namespace, gateway.role, dict(sorted(one.labels.items())))
