"""Kuma and Kong Mesh on Kubernetes, by their definitions: policies with roles and ``targetRef``."""

from reconciler.adapters.kuma.adapter import ADAPTER

__all__ = ["ADAPTER"]
