"""What is wrong with what a user wrote, or worth knowing about it. Findings are gathered, never raised."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.refs import DocRef, TargetId


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file of the source tree: path relative to its root; line and column from 1, 0 if unknown."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


NOWHERE = Position("")


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake or remark.

    ``code`` is a key of ``reconciler.model.codes.CODES``. ``documents`` are those it is about; ``target`` is
    set when it holds on one target only. ``hint`` says what to do next. ``also`` are the other places it is about.
    """

    severity: Severity
    code: str
    message: str
    position: Position = NOWHERE
    hint: str = ""
    documents: tuple[DocRef, ...] = ()
    target: TargetId | None = None
    also: tuple[Position, ...] = ()

    def __str__(self) -> str:
        place = f"{self.position} " if self.position.path else (f"{self.target} " if self.target else "")
        return f"{place}{self.severity} {self.code} {self.message}" + (f" ({self.hint})" if self.hint else "")

    @property
    def sort_key(self) -> tuple[str, int, int, str, str, str]:
        where = self.position
        return (where.path, where.line, where.column, str(self.target or ""), self.code, self.message)


def error(code: str, message: str, position: Position = NOWHERE, hint: str = "", *documents: DocRef) -> Finding:
    return Finding(Severity.ERROR, code, message, position, hint, documents)


def warning(code: str, message: str, position: Position = NOWHERE, hint: str = "", *documents: DocRef) -> Finding:
    return Finding(Severity.WARNING, code, message, position, hint, documents)


def info(code: str, message: str, position: Position = NOWHERE, hint: str = "", *documents: DocRef) -> Finding:
    return Finding(Severity.INFO, code, message, position, hint, documents)


def has_errors(findings: tuple[Finding, ...] | list[Finding]) -> bool:
    return any(finding.severity is Severity.ERROR for finding in findings)
