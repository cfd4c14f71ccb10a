"""What discovery shows against what Git says of a mesh: versions out of range, aliases that differ, proxies left
behind, waypoints that are not there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.compile.notes import Notes
from reconciler.compile.site import Site
from reconciler.model.documents import DesiredState
from reconciler.model.facts import Facts, MeshFacts
from reconciler.model.findings import Finding, info, warning
from reconciler.model.refs import TargetId
from reconciler.model.versions import is_older, is_within


def with_versions(desired: DesiredState, facts: Facts) -> DesiredState:
    """The same state, each view knowing which version its mesh runs: sets of meshes may be chosen by it."""
    views = {target: replace(view, version=_running(target, desired, facts)) for target, view in desired.views.items()}
    return replace(desired, views=views)


def _running(target: TargetId, desired: DesiredState, facts: Facts) -> str | None:
    if target.cluster not in facts.clusters:
        return None
    mesh = desired.mesh(target)
    found = facts.mesh(target, mesh.type, mesh.namespace, mesh.revision)
    return found.version if found else ""


def tell_observed(site: Site, notes: Notes) -> None:
    """Findings about the control plane of a site; none where there is none, which is said elsewhere."""
    document, world = site.document, site.world
    found = world.facts.mesh(site.target, document.type, document.namespace, document.revision)
    for finding in (
        (*_version(site, found), *_aliases(site, found), *_proxies(site, found), *_waypoints(site, found))
        if found
        else ()
    ):
        notes.find(finding)


def _version(site: Site, found: MeshFacts) -> Iterable[Finding]:
    asked, name, ref = site.document.version, site.document.ref.name, site.document.ref
    within = is_within(found.version, asked) if asked else True
    if within is False:
        message = f"{name} runs version {found.version} in cluster {site.target.cluster}, and is to be {asked}"
        yield warning("version-drift", message, site.document.position, "upgrade it, or change spec.version", ref)
    if within is None:
        message = (
            f"which version {name} runs in cluster {site.target.cluster} is not known, so it may be outside {asked}"
        )
        hint = "use image tags that tell the version, or label its control plane with it"
        yield warning("version-unknown", message, site.document.position, hint, ref)


def _aliases(site: Site, found: MeshFacts) -> Iterable[Finding]:
    asked, ref = site.document.trust_domain_aliases, site.document.ref
    if asked is None or set(asked) == set(found.trust_domain_aliases):
        return
    missing = sorted(set(asked) - set(found.trust_domain_aliases))
    more = sorted(set(found.trust_domain_aliases) - set(asked))
    told = [f"{word} {', '.join(names)}" for word, names in (("does not have", missing), ("also has", more)) if names]
    message = f"{ref.name} in cluster {site.target.cluster} {' and '.join(told)} as trust domain aliases"
    hint = "correct config.trustDomainAliases, or the configuration of the mesh"
    yield warning("trust-domain-aliases-differ", message, site.document.position, hint, ref)


def _proxies(site: Site, found: MeshFacts) -> Iterable[Finding]:
    older = {version: count for version, count in found.proxies.items() if is_older(version, found.version)}
    if older:
        total, named = sum(found.proxies.values()), ", ".join(f"{older[one]} of {one}" for one in sorted(older))
        where = f"{site.document.ref.name} in cluster {site.target.cluster}"
        message = f"{sum(older.values())} of {total} proxies of {where} are older than {found.version}: {named}"
        hint = "restart their workloads: they may not do what newer ones can"
        yield info("proxies-outdated", message, site.document.position, hint, site.document.ref)


def _waypoints(site: Site, found: MeshFacts) -> Iterable[Finding]:
    known = {f"{one.namespace}/{one.name}": one for one in found.waypoints}
    for user, ref in found.waypoint_refs.items():
        namespace, _, service = user.partition("/")
        who = f"service {service}.{namespace}" if service else f"namespace {namespace}"
        waypoint = known.get(ref)
        if ref and waypoint is None:
            why = f"{who} in cluster {site.target.cluster} is to use waypoint {ref}, which does not exist"
        elif waypoint is not None and namespace in waypoint.closed_to:
            why = f"{who} in cluster {site.target.cluster} is to use waypoint {ref}, which does not let it in"
        else:
            continue
        hint = "rules about requests are not enforced there"
        yield warning("waypoint-unusable", why, site.document.position, hint, site.document.ref)
