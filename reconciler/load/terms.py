"""Decoding of what every policy may say besides its rule: what a mesh lacks, and native patches."""

from __future__ import annotations

from reconciler.load.blocks import strings
from reconciler.load.nodes import Map, position
from reconciler.load.values import plain
from reconciler.model.rules import NativePatch, OnUnsupported, Otherwise


def on_unsupported(spec: Map) -> OnUnsupported:
    """The word of a document on what a mesh lacks; silent where it says nothing."""
    node = spec.get("onUnsupported") or Map(spec.at)
    across = node.get("acrossMembers")
    return OnUnsupported(
        default=Otherwise(node["default"]) if "default" in node else None,
        allow_degrade=strings(node, "allowDegrade") if "allowDegrade" in node else None,
        emulate=node.get("emulate"),
        all_or_nothing=None if across is None else across == "AllOrNothing",
    )


def native(spec: Map) -> tuple[NativePatch, ...]:
    """The patches of a policy for the objects that it makes, by type of mesh and kind."""
    return tuple(
        NativePatch(mesh_type, kind, plain(patch), position(at))
        for mesh_type, kinds, _, _ in (spec["native"].entries() if "native" in spec else ())
        for kind, patch, at, _ in kinds.entries()
    )
