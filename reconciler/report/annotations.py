"""Marks as workflow commands, which GitHub and what speaks like it show at the lines of a pull request.

Source: GitHub Docs, Workflow commands for GitHub Actions, "Setting an error message"; what is escaped: its toolkit,
``packages/core/src/command.ts``.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.findings import Severity
from reconciler.report.marks import Mark

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def annotated(marks: Iterable[Mark]) -> tuple[str, ...]:
    """A line for each that is at a file and is not known to be older than the change."""
    return tuple(_annotation(mark) for mark in marks if mark.path and mark.new is not False)


def _annotation(mark: Mark) -> str:
    line = {"line": mark.line} if mark.line > 0 else {}
    column = {"col": mark.column} if mark.line > 0 and mark.column > 0 else {}
    properties = {"file": mark.path, **line, **column, "title": mark.code}
    told = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{_COMMANDS[mark.severity]} {told}::{_data(mark.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
