"""The control plane of a mesh, where its Mesh document has it installed: its objects on each cluster of the mesh."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.compile.kinds import declared_kinds, kind_of
from reconciler.compile.negotiation import allowed
from reconciler.compile.notes import Notes
from reconciler.compile.paths import Use
from reconciler.compile.raw_objects import native_of
from reconciler.compile.site import Site
from reconciler.model.extensions import RawObject
from reconciler.model.facts import CrdFacts
from reconciler.model.meshes import Install
from reconciler.model.native import INSTALL_PART, PART_ANNOTATION, NativeObject

INSTALL = "mesh.install"


def installed(site: Site, notes: Notes) -> tuple[NativeObject, ...]:
    """The objects of a control plane that is to be there. What is wrong with its files was told when they were read."""
    mesh, install = site.document, site.document.install
    if install is None:
        return ()
    if install.problem:
        notes.keep(mesh.ref, f"{install.path} is not right: {install.problem}")
        return ()
    if not allowed(mesh.ref, [Use(INSTALL, install.position)], site, notes) or not install.present:
        return ()
    crds = declared_kinds(one.body for one in install.objects)
    found: list[NativeObject] = []
    for one in install.objects:
        made = native_of(mesh.ref, _placed(one, install, site, crds), site, crds)
        if isinstance(made, NativeObject):
            found.append(made)
        else:
            notes.hold(mesh.ref, made)
    return tuple(found)


def _placed(raw: RawObject, install: Install, site: Site, crds: Iterable[CrdFacts]) -> RawObject:
    """The object marked as a part of a control plane, in the namespace of those that name none."""
    metadata: dict[str, Any] = dict(raw.body["metadata"])
    metadata["annotations"] = {**(metadata.get("annotations") or {}), PART_ANNOTATION: INSTALL_PART}
    if install.namespace and not metadata.get("namespace"):
        kind = kind_of(raw.body, site.adapter, site.cluster, crds)
        if kind is not None and kind.namespaced:
            metadata["namespace"] = install.namespace
    return RawObject({**raw.body, "metadata": metadata}, raw.position)
