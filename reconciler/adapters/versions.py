"""What depends on the version of a mesh. One that is not known is taken to be new."""

from __future__ import annotations

import re

from reconciler.model.intents import MeshIntent


def before(version: str, intent: MeshIntent) -> bool:
    """Whether the mesh is known to be older."""
    running, since = _numbers(intent.mesh.version), _numbers(version)
    return bool(running) and running[: len(since)] < since


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])
