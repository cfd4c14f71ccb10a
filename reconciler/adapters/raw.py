"""Parts of raw Kubernetes objects, as detection reads them. Missing or malformed ones read as empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.adapters.leaves import section
from reconciler.model.selectors import LabelExpression, Labels

Object = Mapping[str, Any]


def name(item: Object) -> str:
    return str(section(item, "metadata").get("name", ""))


def namespace(item: Object) -> str:
    return str(section(item, "metadata").get("namespace", ""))


def labels(item: Object) -> Mapping[str, Any]:
    return section(section(item, "metadata"), "labels")


def annotations_of(item: Object) -> Mapping[str, Any]:
    return section(section(item, "metadata"), "annotations")


def template(workload: Object) -> Object:
    """The pod template of a workload."""
    return section(section(workload, "spec"), "template")


def mappings(value: Any) -> list[Object]:
    """The mappings of a list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def texts(value: Any) -> tuple[str, ...]:
    """The items of a list as text."""
    return tuple(str(item) for item in value) if isinstance(value, Sequence) and not isinstance(value, str) else ()


def containers(pod: Object) -> list[Object]:
    """Of a pod or of a template: a proxy may be an init container that goes on running."""
    spec = section(pod, "spec")
    return [*mappings(spec.get("initContainers")), *mappings(spec.get("containers"))]


def selector(said: Object) -> Labels:
    """A label selector in the form of Kubernetes."""
    return Labels(
        tuple((str(key), str(value)) for key, value in section(said, "matchLabels").items()),
        tuple(
            LabelExpression(str(item.get("key", "")), str(item.get("operator", "")), texts(item.get("values")))
            for item in mappings(said.get("matchExpressions"))
        ),
    )
