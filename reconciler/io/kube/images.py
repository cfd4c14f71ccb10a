"""Pods, of each no more than its labels and the images of its containers: there may be very many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from reconciler.io.kube import pages
from reconciler.io.kube.kinds import POD


class _Container(msgspec.Struct):
    name: str = ""
    image: str = ""


class _Spec(msgspec.Struct, rename="camel"):
    containers: list[_Container] | None = None
    init_containers: list[_Container] | None = None


class _Pod(msgspec.Struct):
    spec: _Spec


_PODS = msgspec.json.Decoder(_Pod)


def images(item: pages.Item) -> Mapping[str, Any]:
    """The pod, as far as it is looked at."""
    meta, spec = item.metadata, _PODS.decode(item.raw).spec
    return {
        "apiVersion": POD.api_version(POD.versions[0]),
        "kind": POD.kind.kind,
        "metadata": {"name": meta.name, "namespace": meta.namespace, "labels": meta.labels or {}},
        "spec": {
            "containers": msgspec.to_builtins(spec.containers or []),
            "initContainers": msgspec.to_builtins(spec.init_containers or []),
        },
    }
