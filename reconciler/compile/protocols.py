"""Completes what server-side apply needs in raw objects: list items whose keys have defaults.

Ports are keyed by number and protocol; older API servers refuse to merge an item that leaves the protocol to its
default (kubernetes-sigs/structured-merge-diff issue 130), so it is written out: TCP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def with_protocols(body: Mapping[str, Any]) -> dict[str, Any]:
    """The same object with ``protocol: TCP`` at every port of a Service or a container that does not say."""
    spec = body.get("spec")
    if body.get("apiVersion") == "v1" and body.get("kind") == "Service" and isinstance(spec, Mapping):
        return {**body, "spec": _with_ports(spec)}
    if isinstance(spec, Mapping) and (containers := _pod_spec(body)) is not None:
        return {**body, "spec": containers}
    return dict(body)


def _pod_spec(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The object's spec with its containers completed, for pods and what has a template of them."""
    spec = body["spec"]
    if body.get("kind") == "Pod":
        return _with_containers(spec)
    template = spec.get("template")
    if isinstance(template, Mapping) and isinstance(template.get("spec"), Mapping):
        return {**spec, "template": {**template, "spec": _with_containers(template["spec"])}}
    return None


def _with_containers(spec: Mapping[str, Any]) -> dict[str, Any]:
    names = ("containers", "initContainers")
    lists = {name: [_with_ports(one) for one in spec[name]] for name in names if isinstance(spec.get(name), list)}
    return {**spec, **lists}


def _with_ports(holder: Any) -> Any:
    if not isinstance(holder, Mapping) or not isinstance(holder.get("ports"), list):
        return holder
    return {**holder, "ports": [_port(port) for port in holder["ports"]]}


def _port(port: Any) -> Any:
    return {**port, "protocol": port.get("protocol") or "TCP"} if isinstance(port, Mapping) else port
