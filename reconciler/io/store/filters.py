"""The filters of the audit log, parsed once for every kind of store. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from reconciler.report.events import utc_text

#: Results of an object event that say that nothing was written to the cluster.
NOT_WRITTEN = ("blocked", "failed", "skipped", "unreachable")
OBJECT_EVENTS = "object."
_FULL_SHA = 40


class Test(Enum):
    EQUAL = "equal"
    PREFIX = "prefix"
    CONTAINS = "contains"  # whatever the case; the value is in lower case
    FROM = "from"
    BEFORE = "before"


@dataclass(frozen=True, slots=True)
class Condition:
    """What one column of a row must be."""

    column: str
    test: Test
    value: str

    def holds(self, columns: Mapping[str, str]) -> bool:
        actual = columns[self.column]
        match self.test:
            case Test.EQUAL:
                return actual == self.value
            case Test.PREFIX:
                return actual.startswith(self.value)
            case Test.CONTAINS:
                return self.value in actual.lower()
            case Test.FROM:
                return actual >= self.value
            case Test.BEFORE:
                return actual < self.value


def parse_filters(filters: Mapping[str, str]) -> tuple[Condition, ...]:
    """The conditions of these filters, all of which must hold; an empty value is no condition.

    run, target, cluster, id: exact. type: exact, or the beginning with a trailing ``*``. object: "Kind namespace/name"
    exact, or a part of it. commit: the beginning of the sha. since (included), until (not included): ISO 8601, UTC
    where no zone is given. ValueError for another filter or a time that is none.
    """
    return tuple(_condition(name, value) for name, value in sorted(filters.items()) if value)


def object_condition(pattern: str) -> Condition:
    """An object by its whole name, which has a space after the kind, or by a part of it."""
    if " " in pattern:
        return Condition("object", Test.EQUAL, pattern)
    return Condition("object", Test.CONTAINS, pattern.lower())


def narrow(object_pattern: str, cluster: str) -> tuple[Condition, ...]:
    """The conditions for the objects of this pattern in this cluster; empty means all."""
    objects = (object_condition(object_pattern),) if object_pattern else ()
    return (*objects, Condition("cluster", Test.EQUAL, cluster)) if cluster else objects


def wrote_object(columns: Mapping[str, str]) -> bool:
    """Whether the event says that an object was written (or removed) in its cluster."""
    return columns["type"].startswith(OBJECT_EVENTS) and columns["result"] not in NOT_WRITTEN


def _condition(name: str, value: str) -> Condition:
    match name:
        case "run" | "target" | "cluster" | "id":
            return Condition(name, Test.EQUAL, value)
        case "type":
            prefix = value.endswith("*")
            return Condition("type", Test.PREFIX if prefix else Test.EQUAL, value.removesuffix("*"))
        case "object":
            return object_condition(value)
        case "commit":
            return Condition("commit_sha", Test.EQUAL if len(value) == _FULL_SHA else Test.PREFIX, value.lower())
        case "since" | "until":
            return Condition("time", Test.FROM if name == "since" else Test.BEFORE, _time(name, value))
        case _:
            known = "run, type, target, cluster, object, commit, since, until, id"
            raise ValueError(f"unknown filter {name!r} of the audit log; known are {known}")


def _time(name: str, value: str) -> str:
    try:
        time = datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"{name}: {value!r} is not a time such as 2026-01-31T12:00:00Z or 2026-01-31") from error
    return utc_text(time if time.tzinfo else time.replace(tzinfo=UTC))
