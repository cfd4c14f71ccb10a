"""Names of the objects that we write, and of what they are about."""

from __future__ import annotations

from reconciler.adapters.envelopes import MAX_NAME, build, object_name
from reconciler.model.intents import MeshIntent
from reconciler.model.refs import ServiceRef

__all__ = ["MAX_NAME", "build", "fqdn", "object_name", "root_namespace"]


def fqdn(service: ServiceRef, intent: MeshIntent) -> str:
    """Always the full name: a short one would be read in the namespace of the rule, not of the caller."""
    return service.host or f"{service.name}.{service.namespace}.svc.{intent.cluster_domain}"


def root_namespace(intent: MeshIntent) -> str:
    """Where objects hold for the whole mesh."""
    return intent.mesh.root_namespace or intent.mesh.namespace
