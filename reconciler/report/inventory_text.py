"""Targets with their groups, and variables with their origins: as text."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Protocol

from reconciler.model.documents import DesiredState
from reconciler.model.findings import Position
from reconciler.model.membership import groups_of
from reconciler.model.refs import TargetId
from reconciler.report.paint import Paint
from reconciler.report.values import word


class Definition(Protocol):
    """One place where a variable is given a value."""

    @property
    def value(self) -> Any: ...
    @property
    def source(self) -> str: ...
    @property
    def position(self) -> Position: ...


class Variable(Definition, Protocol):
    @property
    def name(self) -> str: ...
    @property
    def beaten(self) -> Iterable[Definition]: ...


def inventory_text(desired: DesiredState, chosen: Collection[TargetId], paint: Paint) -> str:
    """One line a target: cluster/mesh, type, groups, virtual meshes."""
    rows = []
    for target in sorted(chosen):
        view = desired.views[target]
        groups = ",".join(desired.clusters[target.cluster].groups) or "-"
        virtual = ",".join(group.ref.name for group in groups_of(target, view)) or "-"
        rows.append((str(target), desired.mesh(target).type, groups, virtual))
    head = ("TARGET", "TYPE", "GROUPS", "VIRTUAL MESHES")
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    title = "  ".join(cell.ljust(width) for cell, width in zip(head, widths, strict=True)).rstrip()
    return "\n".join([paint(title, "heading"), *lines])


def variables_text(variables: Iterable[Variable], paint: Paint, *, beaten: bool) -> str:
    """``name = value   level, file:line``; with ``beaten`` also every definition that it won over."""
    lines = []
    for variable in variables:
        lines.append(f"{paint(variable.name, 'heading')} = {word(variable.value)}   {_origin(variable)}")
        for other in variable.beaten if beaten else ():
            lines.append(paint(f"    beat {word(other.value)}   {_origin(other)}", "dim"))
    return "\n".join(lines)


def _origin(definition: Definition) -> str:
    place = definition.position
    return f"{definition.source}, {place.path}:{place.line}" if place.path else definition.source
