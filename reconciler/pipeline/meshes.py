"""The adapters that are installed, for the ways in: they do not look at adapters themselves."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.adapters import registry
from reconciler.adapters.base import Adapter


def mesh_types() -> tuple[str, ...]:
    """What may be written in ``Mesh.spec.type``."""
    return registry.names()


def installed() -> Mapping[str, Adapter]:
    """By mesh type; each is loaded when it is first asked for, since a repository has few types."""
    return registry.Installed()


def orchestrated_types() -> tuple[str, ...]:
    """Those for clusters that know services by themselves, so that Git need not declare them."""
    return tuple(name for name, adapter in installed().items() if not adapter.default_mesh.declared)
