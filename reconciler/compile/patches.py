"""Native patches of policies, applied last to the objects that they have a part in (docs/api.md, native)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.compile.notes import Notes
from reconciler.compile.site import Site
from reconciler.model.findings import error, warning
from reconciler.model.native import NativeObject
from reconciler.model.refs import DocRef
from reconciler.model.rules import NativePatch

#: what says which object it is; a patch may not touch it
IDENTITY = ("apiVersion", "kind", "status")
_Key = tuple[str, int]


def patched(objects: Iterable[NativeObject], site: Site, notes: Notes) -> tuple[NativeObject, ...]:
    """The objects with the patches of the policies among their origins, by policy; a patch that finds no object, or
    two that differ on one field, are told. A patch that would change what an object is holds its policy."""
    wanted = _patches(site)
    if not wanted:
        return tuple(objects)
    done: list[NativeObject] = []
    used: set[tuple[DocRef, _Key]] = set()
    for one in objects:
        for ref in sorted({origin.ref for origin in one.origins} & set(wanted)):
            for patch in wanted[ref]:
                if patch.kind == one.kind.kind.kind:
                    used.add((ref, (patch.kind, patch.position.line)))
                    one = _applied(one, ref, patch, notes)
        done.append(one)
    for ref, patches in sorted(wanted.items()):
        for patch in patches:
            if (ref, (patch.kind, patch.position.line)) not in used and ref in notes.matched:
                message = f"{ref} patches {patch.kind}, and makes no such object on {site.target}"
                notes.find(warning("native-unused", message, patch.position, "check the kind", ref))
    return tuple(done)


def _patches(site: Site) -> Mapping[DocRef, tuple[NativePatch, ...]]:
    traffic = [(one.ref, one.native, one.expires) for one in site.view.traffic]
    access = [(one.ref, one.native, one.expires) for one in site.view.access]
    found: dict[DocRef, tuple[NativePatch, ...]] = {}
    for ref, patches, expires in traffic + access:
        mine = tuple(patch for patch in patches if patch.mesh_type == site.document.type)
        if mine and site.world.in_force(expires):
            found[ref] = mine
    return found


def _applied(one: NativeObject, ref: DocRef, patch: NativePatch, notes: Notes) -> NativeObject:
    named = [key for key in ("name", "namespace") if key in (patch.patch.get("metadata") or {})]
    if bad := [*(key for key in IDENTITY if key in patch.patch), *named]:
        message = f"{ref}: a native patch cannot change {bad[0]} of an object"
        notes.hold(ref, error("native-identity", message, patch.position, "patch spec, labels or annotations", ref))
        return one
    body: dict[str, Any] = merge_patch(one.body, patch.patch)
    notes.verdict(ref, f"native.{patch.kind}", "Native", "Applied", "as it is written", via=str(one.key))
    return replace(one, body=body)


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386: mappings are merged, null removes, anything else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged
