"""Versions that run: of control planes, of what runs beside them, and of the proxies in pods; from image tags."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from reconciler.adapters.raw import Object, containers, labels, template

_VERSION = re.compile(r"\d+\.\d+(\.\d+)?")
_PROXY = "istio-proxy"
#: what a proxy counts as whose image does not tell
UNKNOWN = "unknown"
#: parts of the mesh in DaemonSets: what they are, and the labels of their pods
_COMPONENTS = {"ztunnel": {"app": "ztunnel"}, "cni": {"k8s-app": "istio-cni-node"}}


def version_of(workload: Object) -> str:
    """From the tag of an image (``pilot:1.27.1-distroless``), else from a label."""
    images = [str(item.get("image", "")) for item in containers(template(workload))]
    own = labels(workload)
    said = [str(own.get("app.kubernetes.io/version", "")), str(own.get("operator.istio.io/version", ""))]
    return next((found[0] for text in (*map(_tag, images), *said) if (found := _VERSION.match(text))), "")


def components(daemon_sets: Iterable[Object]) -> dict[str, str]:
    """What runs on every node, with its version ("" where the image does not tell)."""
    found = {}
    for item in daemon_sets:
        own = labels(template(item))
        for component, wanted in _COMPONENTS.items():
            if all(own.get(key) == value for key, value in wanted.items()):
                found[component] = version_of(item)
    return dict(sorted(found.items()))


def proxies(pods: Iterable[Object]) -> dict[str, int]:
    """How many pods have a proxy of each version."""
    counted = Counter(_proxy_version(pod) for pod in pods)
    return {version: counted[version] for version in sorted(counted) if version}


def _proxy_version(pod: Object) -> str:
    """Nothing for a pod without a proxy."""
    image = next((str(item.get("image", "")) for item in containers(pod) if item.get("name") == _PROXY), None)
    if image is None:
        return ""
    found = _VERSION.match(_tag(image))
    return found[0] if found else UNKNOWN


def _tag(image: str) -> str:
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]
