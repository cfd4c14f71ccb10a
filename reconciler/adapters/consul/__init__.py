"""Consul service mesh, as configuration entries: custom resources where consul-k8s runs, else what the I/O layer makes
of them for the HTTP API. ``adapter`` is the whole; each other module is one aspect of what is written or read."""

from reconciler.adapters.consul.adapter import ADAPTER

__all__ = ["ADAPTER"]
