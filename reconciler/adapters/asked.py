"""Servers that proxies ask about requests, as policies name them: ``name.namespace:port``."""

from __future__ import annotations

from reconciler.model.refs import ServiceRef


def service_of(server: str, cluster_domain: str) -> ServiceRef | None:
    """The service of a cluster that is meant; None where the name is none of a service there."""
    address = server.rpartition(":")[0]
    parts = address.removesuffix(f".svc.{cluster_domain}").removesuffix(".svc").split(".")
    return ServiceRef(parts[0], parts[1]) if len(parts) == 2 else None
