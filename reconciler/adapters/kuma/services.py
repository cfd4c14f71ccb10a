"""What Services say of their ports in annotations of this mesh."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reconciler.adapters.raw import Object, annotations_of, name, namespace

_ANNOTATION = re.compile(r"(\d+)\.service\.kuma\.io/protocol")


def protocols(services: Iterable[Object]) -> dict[str, str]:
    """As settings of the mesh: ``protocol.shop/reviews:9080`` is http."""
    return {
        f"protocol.{namespace(item)}/{name(item)}:{found[1]}": str(value).lower()
        for item in services
        for key, value in annotations_of(item).items()
        if (found := _ANNOTATION.fullmatch(key))
    }
