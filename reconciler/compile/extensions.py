"""Raw objects of Extension documents: each goes to one target of every cluster in its scope."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.compile.kinds import declared_kinds
from reconciler.compile.made_for import is_made_for
from reconciler.compile.notes import Notes
from reconciler.compile.raw_objects import native_of
from reconciler.compile.site import Site
from reconciler.model.extensions import Extension, RawObject
from reconciler.model.native import NativeObject
from reconciler.model.refs import DocRef, KindId


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
                made = native_of(extension.ref, raw, site, crds)
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
