"""Native patches of policies, applied last to the objects that they have a part in (docs/api.md, native)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from reconciler.compile.notes import Notes
from reconciler.compile.site import Site
from reconciler.model.access import AccessPolicy
from reconciler.model.findings import error, warning
from reconciler.model.native import NativeObject
from reconciler.model.origins import Origin
from reconciler.model.refs import DocRef
from reconciler.model.rules import NativePatch
from reconciler.model.traffic import TrafficPolicy

#: what says which object it is; a patch may not touch it
IDENTITY = ("apiVersion", "kind", "status")
NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LONGEST_NAME = 253
_Key = tuple[str, int]


class _Document(Protocol):
    """Whatever may have native patches."""

    @property
    def ref(self) -> DocRef: ...

    @property
    def native(self) -> tuple[NativePatch, ...]: ...


def patched(objects: Iterable[NativeObject], site: Site, notes: Notes) -> tuple[NativeObject, ...]:
    """The objects with the patches of the policies among their origins, by policy; a patch that finds no object is
    told. A patch that would change what an object is, or the name that another patch gave it, holds its policy."""
    wanted = _patches(site)
    if not wanted:
        return tuple(objects)
    done: list[NativeObject] = []
    used: set[tuple[DocRef, _Key]] = set()
    for one in objects:
        made = one.key.name
        for ref in sorted({origin.ref for origin in one.origins} & set(wanted)):
            for patch in wanted[ref]:
                if patch.kind == one.kind.kind.kind and not one.sealed:
                    used.add((ref, (patch.kind, patch.position.line)))
                    one = _applied(one, made, ref, patch, notes)
        done.append(one)
    for ref, patches in sorted(wanted.items()):
        for patch in patches:
            meant = ref in notes.matched or ref == site.document.ref
            if (ref, (patch.kind, patch.position.line)) not in used and meant:
                message = f"{ref} patches {patch.kind}, and makes no such object on {site.target}"
                notes.find(warning("native-unused", message, patch.position, "check the kind", ref))
    return tuple(done)


def _patches(site: Site) -> Mapping[DocRef, tuple[NativePatch, ...]]:
    view = site.view
    lasting: Iterable[TrafficPolicy | AccessPolicy] = (*view.traffic, *view.access)
    documents: list[_Document] = [one for one in lasting if site.world.in_force(one.expires)]
    documents += (site.document, *view.telemetry, *view.ingress, *view.extensions, *view.destinations)
    found: dict[DocRef, tuple[NativePatch, ...]] = {}
    for one in documents:
        if mine := tuple(patch for patch in one.native if patch.mesh_type == site.document.type):
            found[one.ref] = mine
    return found


def _applied(one: NativeObject, made: str, ref: DocRef, patch: NativePatch, notes: Notes) -> NativeObject:
    """``made``: the name that the object was made with."""
    if problem := _problem(one, made, patch):
        hint = "patch spec, labels or annotations"
        notes.hold(ref, error("native-identity", f"{ref}: {problem}", patch.position, hint, ref))
        return one
    body: dict[str, Any] = merge_patch(one.body, patch.patch)
    notes.verdict(ref, f"native.{patch.kind}", "Native", "Applied", "as it is written", via=str(one.key))
    origins = tuple(sorted({*one.origins, Origin(ref, patch.position)}))
    return replace(one, key=replace(one.key, name=body["metadata"]["name"]), body=body, origins=origins)


def _problem(one: NativeObject, made: str, patch: NativePatch) -> str:
    """Why a patch cannot be applied, or "". It may name the object, once: so one that exists keeps its name."""
    metadata = patch.patch.get("metadata") or {}
    bad = [*(key for key in IDENTITY if key in patch.patch), *(key for key in ("namespace",) if key in metadata)]
    if bad:
        return f"a native patch cannot change {bad[0]} of an object"
    name = metadata.get("name", one.key.name)
    if name != one.key.name and not _is_name(name):
        return f"{name!r} is not the name of an object"
    if name != one.key.name != made:
        return f"another policy calls the object {one.key.name}, and this one {name}"
    return ""


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and len(name) <= LONGEST_NAME and NAME.fullmatch(name) is not None


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
