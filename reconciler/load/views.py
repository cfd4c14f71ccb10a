"""The view of each target, from the readings of all documents; and what only all of them together show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.load.nodes import place_of, position
from reconciler.load.readings import Reading
from reconciler.model.documents import View
from reconciler.model.findings import Finding, error, warning
from reconciler.model.membership import is_member
from reconciler.model.refs import TargetId

Readings = Sequence[Reading[Any]]
_FIELDS = {
    "Mesh": "meshes",
    "VirtualMesh": "virtual_meshes",
    "Destination": "destinations",
    "TrafficPolicy": "traffic",
    "AccessPolicy": "access",
    "Extension": "extensions",
    "TelemetryPolicy": "telemetry",
    "Ingress": "ingress",
}


class Views:
    """Makes views. Targets on which a kind reads the same share one tuple of it."""

    def __init__(self, readings: Iterable[Reading[Any]]) -> None:
        self._by_kind: dict[str, list[Reading[Any]]] = {kind: [] for kind in _FIELDS}
        for reading in readings:
            self._by_kind[reading.document.ref.kind].append(reading)
        for same in self._by_kind.values():
            same.sort(key=lambda reading: reading.document.ref)
        self._fixed = {
            kind: tuple(reading.shared for reading in same)
            for kind, same in self._by_kind.items()
            if all(reading.shared is not None for reading in same)
        }

    def on(self, target: TargetId) -> View:
        values: dict[str, Any] = {name: self._values(kind, target) for kind, name in _FIELDS.items()}
        return View(**values)

    def _values(self, kind: str, target: TargetId) -> tuple[Any, ...]:
        if kind in self._fixed:
            return self._fixed[kind]
        values = (reading.on(target) for reading in self._by_kind[kind])
        return tuple(value for value in values if value is not None)


def empty_groups(readings: Readings, views: Mapping[TargetId, View]) -> dict[str, Finding]:
    """By name, a finding for each virtual mesh without members: an error where it says ``missingMember: Fail``."""
    found: dict[str, Finding] = {}
    for reading in readings:
        root, ref = reading.document.root, reading.document.ref
        fails = root["spec"].get("missingMember") == "Fail"
        groups = ((reading.on(target), target, view) for target, view in views.items())
        if not any(group is not None and is_member(group, target, view) for group, target, view in groups):
            at = position(place_of(root, ["spec", "meshes"], key=True))
            message = f"no mesh in any cluster is a member of `{ref.name}`, so what it says holds nowhere"
            hint = "labels here are those of Mesh documents; groups of clusters are not among them"
            found[ref.name] = (error if fails else warning)("empty-group", message, at, hint, ref)
    return found
