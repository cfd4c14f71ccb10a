"""What would become of documents on a kind of mesh, before there is any cluster: the negotiation alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from reconciler.adapters.base import Adapter
from reconciler.compile.destinations import destination_uses
from reconciler.compile.filters import filter_uses
from reconciler.compile.ingress import ingress_uses
from reconciler.compile.made_for import is_made_for
from reconciler.compile.negotiation import Terms, negotiate, terms_of
from reconciler.compile.notes import Notes
from reconciler.compile.paths import Use, access_uses, leaf_uses, scope_uses, traffic_uses
from reconciler.compile.site import Site, World
from reconciler.model.access import AccessAction
from reconciler.model.documents import DesiredState
from reconciler.model.facts import ClusterFacts, Facts, MeshFacts
from reconciler.model.findings import Position
from reconciler.model.meshes import Mesh
from reconciler.model.native import Verdict
from reconciler.model.refs import DocRef, TargetId
from reconciler.model.rules import OnUnsupported


def what_if(
    desired: DesiredState, target: TargetId, adapter: Adapter, profile: str = "", version: str = ""
) -> tuple[Verdict, ...]:
    """A verdict for each capability that the documents of a view use, on a mesh of an adapter in one of its profiles.

    ``version`` "" stands for the newest. What the CRDs of a real cluster lack is not known here.
    """
    site = _site(desired, target, adapter, version)
    notes = Notes(target)
    for terms in _terms(site):
        negotiate(terms, profile, (), site, notes)
    for extension in site.view.extensions if version else ():
        is_made_for(extension, site, notes)
    return tuple(notes.verdicts)


def _site(desired: DesiredState, target: TargetId, adapter: Adapter, version: str) -> Site:
    document = Mesh(DocRef("Mesh", "default", target.mesh), Position("", 0, 0), adapter.name, (target.cluster,))
    world = World(desired, Facts(), {adapter.name: adapter}, datetime.min, {})
    mesh: MeshFacts = replace(adapter.default_mesh, version=version)
    view = desired.views[target]
    return Site(world, target, view, document, mesh, ClusterFacts(target.cluster), adapter, "", frozenset(), {})


def _terms(site: Site) -> Iterator[Terms]:
    view = site.view
    for traffic in view.traffic:
        yield terms_of(traffic.ref, traffic_uses(traffic, traffic.sources or ()), traffic.on_unsupported, site)
    for access in view.access:
        terms = terms_of(access.ref, (*access_uses(access), *scope_uses(access)), access.on_unsupported, site)
        yield replace(terms, deny=access.action is AccessAction.DENY, restricts=access.action.restricts)
    for measured in view.telemetry:
        uses = dict.fromkeys(use for leaf in measured.leaves for use in leaf_uses(leaf))
        yield terms_of(measured.ref, uses, measured.on_unsupported, site)
    for destination in view.destinations:
        yield terms_of(destination.ref, destination_uses(destination), OnUnsupported(), site)
    for entrance in view.ingress:
        places = [
            Use("ingress.class" if one.class_name else "ingress.gateway", one.position) for one in entrance.gateways
        ]
        uses = dict.fromkeys((*places, *ingress_uses(entrance, entrance.routes)))
        yield terms_of(entrance.ref, uses, entrance.on_unsupported, site)
    for extension in view.extensions:
        if extension.filter is not None:
            yield terms_of(extension.ref, filter_uses(extension.filter), extension.on_unsupported, site)


def profiles(adapters: Mapping[str, Adapter]) -> list[tuple[Adapter, str]]:
    """Every adapter in each of its profiles, by name."""
    return [(adapters[name], profile) for name in sorted(adapters) for profile in adapters[name].profiles]
