"""The whole compilation: every target of a revision to its native objects, holds, verdicts and findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.adapters.base import Adapter
from reconciler.adapters.built import Built
from reconciler.compile.access import access_of
from reconciler.compile.cutoff import tell_cut_off
from reconciler.compile.declared import declared
from reconciler.compile.defaults import default_deny, mesh_mtls
from reconciler.compile.destinations import destinations_of
from reconciler.compile.discovered import discovered
from reconciler.compile.egress import egress_of
from reconciler.compile.emit import Refused, blamed, emitted, without_duplicates, written
from reconciler.compile.extensions import extensions_of
from reconciler.compile.filters import filters_of
from reconciler.compile.hosts import hosts_of
from reconciler.compile.ingress import incoming_of
from reconciler.compile.installing import installed
from reconciler.compile.leftovers import leftovers
from reconciler.compile.notes import REFUSED, Notes
from reconciler.compile.observed import tell_observed, with_versions
from reconciler.compile.passed_by import tell_passed_by
from reconciler.compile.patches import patched
from reconciler.compile.proxies import proxies_of
from reconciler.compile.reach import reaches_of
from reconciler.compile.site import Site, World, site_of
from reconciler.compile.telemetry import dashboards_of, telemetry_of
from reconciler.compile.traffic import asks_by_service
from reconciler.compile.unused import unused_items
from reconciler.model.access import AccessPolicy
from reconciler.model.clusters import ApiConnection, AwsConnection, ProxiesConnection
from reconciler.model.documents import DesiredState, View
from reconciler.model.facts import Facts
from reconciler.model.findings import Finding, Position, error, warning
from reconciler.model.ingress import Ingress
from reconciler.model.intents import Hold, MeshIntent, MtlsIntent
from reconciler.model.native import Compiled, NativeObject
from reconciler.model.refs import DocRef, ServiceRef, TargetId
from reconciler.model.traffic import TrafficPolicy

#: of compiling a target without those who are to blame; what is wrong then still holds all that has a part in it
_ROUNDS = 10
_Objects = Mapping[TargetId, tuple[NativeObject, ...]]


def compile_state(
    desired: DesiredState,
    facts: Facts,
    adapters: Mapping[str, Adapter],
    now: datetime,
    ages: Mapping[Position, int] | None = None,
    concerned: Callable[[str, str], bool] | None = None,
) -> Compiled:
    """Native objects for every target that can be compiled.

    ``ages``: for the place of a leaf, an order number of the commit since which it has held (smaller is older).
    A target whose cluster is not in ``facts``, or whose mesh type has no adapter, has no entry in the result's
    objects; of the latter an error tells. ``concerned``: the services, by name and namespace, for which policies are
    compiled; None: all.
    """
    facts = declared(desired, discovered(desired, facts), adapters)
    world = World(with_versions(desired, facts), facts, adapters, now, ages or {}, concerned=concerned)
    made = _made(world, {})
    while withdrawn := _together(world, made.notes):
        world = replace(world, withdrawn={**world.withdrawn, **withdrawn})
        made = _made(world, made.refused)
    sites, notes = made.sites, made.notes
    objects = without_duplicates(made.objects, notes)
    matched = {ref for note in notes.values() for ref in note.matched}
    findings = [finding for note in notes.values() for finding in note.findings] + leftovers(world, sites, matched)
    findings += unused_items(world, sites, notes)
    return Compiled(
        revision=desired.revision,
        objects=objects,
        holds=(*_broken(desired), *(hold for target in sorted(notes) for hold in notes[target].holds)),
        verdicts=tuple(verdict for target in sorted(notes) for verdict in notes[target].verdicts),
        findings=tuple(sorted(findings, key=lambda finding: finding.sort_key)),
        ties=tuple(sorted({tie for note in notes.values() for tie in note.ties})),
        rejected=tuple(finding for target in sorted(notes) for finding in notes[target].rejected),
    )


@dataclass(frozen=True, slots=True)
class _Made:
    """``refused``: whom the adapters could not do, by target."""

    objects: dict[TargetId, tuple[NativeObject, ...]]
    sites: Mapping[TargetId, Site]
    notes: dict[TargetId, Notes]
    refused: dict[TargetId, Refused]


def _made(world: World, before: Mapping[TargetId, Refused]) -> _Made:
    """``before``: whom adapters could not do earlier; of those who are withdrawn since, the reasons are kept."""
    notes = {target: Notes(target) for target in world.desired.targets}
    made = _Made({}, _sites(world, notes), notes, {})
    for target, site in made.sites.items():
        known = {place: why for place, why in before.get(target, {}).items() if place[0] in world.withdrawn}
        agreed = _agreed(replace(site, refused=known), notes[target])
        notes[target], made.refused[target] = agreed.notes, agreed.refused
        made.objects[target] = _objects(agreed.things, site, made.sites, agreed.notes)
    return made


def _together(world: World, notes: Mapping[TargetId, Notes]) -> Mapping[DocRef, Finding]:
    """Policies that are to hold on all members or on none (acrossMembers: AllOrNothing), and were refused on one; new
    ones only."""
    base = world.desired.settings.on_unsupported
    bound = {
        one.ref: one.position
        for view in world.desired.views.values()
        for one in _negotiable(view)
        if one.on_unsupported.over(base).all_or_nothing
    }
    found: dict[DocRef, Finding] = {}
    for target in sorted(notes):
        for verdict in notes[target].verdicts if bound else ():
            ref = DocRef.parse(verdict.policy)
            if verdict.action == REFUSED and ref in bound and ref not in {**found, **world.withdrawn}:
                message = f"{ref} holds on all members or on none (acrossMembers), and {target} refuses it"
                found[ref] = warning("refused-elsewhere", message, bound[ref], "see the refusal there", ref)
    return found


def _negotiable(view: View) -> tuple[TrafficPolicy | AccessPolicy | Ingress, ...]:
    return (*view.traffic, *view.access, *view.ingress)


def intents(
    desired: DesiredState,
    facts: Facts,
    adapters: Mapping[str, Adapter],
    now: datetime,
    ages: Mapping[Position, int] | None = None,
) -> Mapping[TargetId, MeshIntent]:
    """What each target is asked to do as far as its adapter can say it; for those who inspect."""
    facts = declared(desired, discovered(desired, facts), adapters)
    world = World(with_versions(desired, facts), facts, adapters, now, ages or {})
    notes = {target: Notes(target) for target in desired.targets}
    return {target: _agreed(site, notes[target]).intent for target, site in _sites(world, notes).items()}


def _sites(world: World, notes: Mapping[TargetId, Notes]) -> dict[TargetId, Site]:
    found = {}
    for target in world.desired.targets:
        mesh = world.desired.mesh(target)
        adapter, cluster = world.adapters.get(mesh.type), world.facts.clusters.get(target.cluster)
        if adapter is None:
            message = f"there is no adapter for meshes of type {mesh.type}: nothing is planned for {target}"
            notes[target].find(error("adapter-unknown", message, mesh.position, "", mesh.ref))
        elif unfit := _unfit(target, adapter, world):
            notes[target].find(unfit)
        elif cluster is not None:
            found[target] = site_of(world, target, cluster, adapter, notes[target])
            tell_observed(found[target], notes[target])
    return found


@dataclass(frozen=True, slots=True)
class _Agreed:
    intent: MeshIntent
    things: tuple[Built, ...]
    notes: Notes
    refused: Refused


def _agreed(site: Site, notes: Notes) -> _Agreed:
    """What is asked, what the adapter makes of it, and the notes. Who is to blame for what it cannot say is left out
    there, so that the others are written; and again, since by that something else may come to hold."""
    for _ in range(_ROUNDS):
        here = notes.again()
        intent = _intent(site, here)
        agreed = _Agreed(intent, emitted(intent, site.adapter), here, site.refused)
        refused = blamed(agreed.things, site.refused)
        if refused == site.refused:
            break
        site = replace(site, refused=refused)
        notes.tie(here.ties)
    return agreed


def _objects(
    things: Iterable[Built], site: Site, sites: Mapping[TargetId, Site], notes: Notes
) -> tuple[NativeObject, ...]:
    neighbours = [other for other in sites.values() if other.target.cluster == site.target.cluster]
    native = patched(written(things, notes), site, notes)
    return (*native, *extensions_of(site, neighbours, notes), *installed(site, notes))


def _unfit(target: TargetId, adapter: Adapter, world: World) -> Finding | None:
    """A mesh whose services Git declares needs a folder of proxies, any other one does not; and what has an API of its
    own is of that type."""
    known, mesh = world.desired.clusters.get(target.cluster), world.desired.mesh(target)
    declared_here = adapter.default_mesh.declared
    if known is None:
        return None
    own = adapter.api or adapter.name
    if isinstance(known.connection, (ApiConnection, AwsConnection)) and known.connection.api != own:
        needs, to = "cannot have", known.connection.api
    elif isinstance(known.connection, ProxiesConnection) != declared_here:
        needs, to = "needs" if declared_here else "cannot have", "proxies"
    else:
        return None
    message = f"meshes of type {mesh.type} {needs} clusters with a connection to `{to}`: not {target.cluster}"
    return error("connection-unfit", message, mesh.position, "change the mesh, or the cluster", mesh.ref)


def _intent(site: Site, notes: Notes) -> MeshIntent:
    named = destinations_of(site, notes)
    incoming = incoming_of(site, notes)
    asks = asks_by_service(site, notes, (*named.asks, *incoming.asks))
    hosts = hosts_of(asks, site, notes, incoming.uses)
    tell_passed_by(incoming.gateways, hosts.hosts, notes)
    access = access_of(site, notes)
    deny = default_deny(site, notes)
    if deny is not None:
        tell_cut_off(asks, access.rules, site, notes)
    return MeshIntent(
        target=site.target,
        cluster_domain=site.cluster_domain,
        cluster=site.cluster,
        mesh=site.mesh,
        hosts=hosts.hosts,
        access=access.rules,
        mtls=(*mesh_mtls(site, notes), *sorted(hosts.mtls, key=_service)),
        default_deny=deny,
        destinations=named.intents,
        telemetry=telemetry_of(site, notes),
        dashboards=dashboards_of(site),
        filters=filters_of(site, notes),
        ingress=tuple(incoming.gateways),
        reaches=reaches_of(access.reach, hosts.hosts, site, notes),
        egress=egress_of(site, notes),
        proxies=proxies_of(site, notes),
    )


def _service(intent: MtlsIntent) -> ServiceRef:
    return intent.service or ServiceRef("", "")


def _broken(desired: DesiredState) -> Iterable[Hold]:
    """What could not be read holds what it contributed; a file of which nothing is known holds everything."""
    for broken in sorted(desired.broken, key=lambda one: (one.path, str(one.ref), one.finding)):
        yield Hold(broken.ref, None, f"{broken.path}: {broken.finding}")
