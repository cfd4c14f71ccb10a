"""Policies that came to nothing on every target: expired, or about nothing that exists."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.compile.site import Site, World
from reconciler.model.documents import View
from reconciler.model.findings import Finding, Position, info, warning
from reconciler.model.ingress import GatewayRef
from reconciler.model.membership import covers
from reconciler.model.refs import DocRef, TargetId
from reconciler.model.selectors import MeshSet, PolicySource, PolicyTarget


@dataclass(frozen=True, slots=True)
class _Document:
    """A policy or extension as one target reads it. ``anywhere``: it has no scope at all."""

    ref: DocRef
    position: Position
    scope: tuple[PolicyTarget | PolicySource | GatewayRef, ...]
    anywhere: bool = False
    expires: datetime | None = None


def leftovers(world: World, sites: Mapping[TargetId, Site], matched: Collection[DocRef]) -> list[Finding]:
    """A remark about each expired policy, and a warning about each that matches nothing on any target.

    What may concern a target that was not compiled is left in peace.
    """
    seen: dict[DocRef, _Document] = {}
    unsure: set[DocRef] = set()
    for target in world.desired.targets:
        view = world.desired.views[target]
        for document in _documents(view):
            seen.setdefault(document.ref, document)
            if target not in sites and _may_concern(document, target, view):
                unsure.add(document.ref)
    found = []
    for ref, document in sorted(seen.items()):
        if not world.in_force(document.expires):
            message = f"{ref} has expired and is not applied any more"
            found.append(info("policy-expired", message, document.position, "remove it", ref))
        elif ref not in matched and ref not in unsure:
            message = f"{ref} matches nothing on any target"
            hint = "check its names, selectors and scope"
            found.append(warning("policy-matches-nothing", message, document.position, hint, ref))
    return found


def _documents(view: View) -> Iterable[_Document]:
    for policy in view.traffic:
        yield _Document(policy.ref, policy.position, policy.targets, expires=policy.expires)
    for rule in view.access:
        yield _Document(rule.ref, rule.position, rule.targets, expires=rule.expires)
    for measured in view.telemetry:
        yield _Document(measured.ref, measured.position, measured.workloads or (), anywhere=not measured.workloads)
    for ingress in view.ingress:
        yield _Document(ingress.ref, ingress.position, ingress.gateways, anywhere=ingress.delegable)
    for extension in view.extensions:
        yield _Document(extension.ref, extension.position, extension.scope, anywhere=not extension.scope)


def _may_concern(document: _Document, target: TargetId, view: View) -> bool:
    return document.anywhere or any(_includes(one.meshes, one.clusters, target, view) for one in document.scope)


def _includes(meshes: MeshSet | None, clusters: tuple[str, ...], target: TargetId, view: View) -> bool:
    return (not clusters or target.cluster in clusters) and covers(meshes, target, view)
