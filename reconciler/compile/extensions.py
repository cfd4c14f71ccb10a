"""Raw objects of Extension documents: each goes to one target of every cluster in its scope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.compile.kinds import declared_kinds, kind_of, serves
from reconciler.compile.made_for import is_made_for
from reconciler.compile.notes import Notes
from reconciler.compile.protocols import with_protocols
from reconciler.compile.site import Site
from reconciler.compile.targets import nearest
from reconciler.model.extensions import Extension, RawObject
from reconciler.model.facts import CrdFacts
from reconciler.model.findings import Finding, error
from reconciler.model.intents import Origin
from reconciler.model.native import NativeObject
from reconciler.model.refs import DocRef, KindId, ObjectKey


def extensions_of(site: Site, sites: Iterable[Site], notes: Notes) -> tuple[NativeObject, ...]:
    """The raw objects that go to a site; ``sites`` are all of its cluster, itself included."""
    cluster = sorted(sites, key=lambda one: one.target)
    found: list[NativeObject] = []
    for extension in site.view.extensions:
        if extension.filter is not None or not _in_scope(extension, site):
            continue
        notes.matched.add(extension.ref)
        if not is_made_for(extension, site, notes):
            continue
        crds = declared_kinds(raw.body for raw in extension.objects)
        for raw in extension.objects:
            if _owner(extension.ref, raw, cluster) == site.target.mesh:
                made = _object(extension.ref, raw, site, crds)
                if isinstance(made, NativeObject):
                    found.append(made)
                else:
                    notes.hold(extension.ref, made)
    return tuple(found)


def _in_scope(extension: Extension, site: Site) -> bool:
    return not extension.scope or any(site.covered(scope.meshes, scope.clusters) for scope in extension.scope)


def _owner(ref: DocRef, raw: RawObject, sites: Iterable[Site]) -> str:
    """The mesh of a cluster that an object belongs to: the first whose adapter knows its kind, else the first."""
    kind = KindId(str(raw.body.get("apiVersion", "")).rpartition("/")[0], str(raw.body.get("kind", "")))
    meant = [site for site in sites for one in site.view.extensions if one.ref == ref and _in_scope(one, site)]
    knowing = [site for site in meant if site.adapter.kind(kind) is not None]
    return (knowing or meant)[0].target.mesh


def _object(ref: DocRef, raw: RawObject, site: Site, crds: list[CrdFacts]) -> NativeObject | Finding:
    body = raw.body
    metadata: Mapping[str, Any] = body.get("metadata") or {}
    name, namespace = str(metadata.get("name") or ""), str(metadata.get("namespace") or "")
    if not (name and body.get("apiVersion") and body.get("kind")):
        message = f"an object of {ref} lacks apiVersion, kind or metadata.name"
        return error("object-incomplete", message, raw.position, "", ref)
    kind = kind_of(body, site.adapter, site.cluster, crds)
    shown = f"{body['kind']} ({body['apiVersion']})"
    if kind is None:
        known = sorted(str(one.kind) for one in (site.cluster.crds or {}))
        message = f"cluster {site.target.cluster} does not serve {shown}"
        return error("kind-unknown", message, raw.position, nearest(str(body["kind"]), known), ref)
    if not serves(kind, str(body["apiVersion"]).rpartition("/")[2], site.cluster):
        versions = ", ".join((site.cluster.crds or {})[kind.kind].versions)
        message = f"cluster {site.target.cluster} serves {kind.kind} in {versions}, not as {body['apiVersion']}"
        return error("kind-unknown", message, raw.position, "write a version that is served", ref)
    if kind.namespaced != bool(namespace):
        message = f"{shown} {name} " + ("needs a namespace" if kind.namespaced else "cannot have a namespace")
        return error("object-incomplete", message, raw.position, "", ref)
    key = ObjectKey(kind.kind.group, kind.kind.kind, namespace, name)
    return NativeObject(key, kind, with_protocols(body), (Origin(ref, raw.position),))
