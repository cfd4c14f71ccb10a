"""What an account must be allowed to do in a cluster: single rights to ask for, and the role that grants them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

HINT = "reconciler rbac prints the role that grants it"


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """A verb on a resource (the plural of a kind; the core group is ""), in one namespace or ("") everywhere."""

    group: str
    resource: str
    verb: str
    namespace: str = ""

    @property
    def place(self) -> str:
        """``services``, ``widgets.example.org in namespace shop``."""
        name = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{name} in namespace {self.namespace}" if self.namespace else name

    def __str__(self) -> str:
        return f"{self.verb} {self.place}"


def worded(rights: Iterable[Right]) -> str:
    """All of them in one line, sorted: ``create, patch widgets.example.org; list pods``."""
    verbs: dict[str, list[str]] = {}
    for right in sorted(rights):
        verbs.setdefault(right.place, []).append(right.verb)
    return "; ".join(f"{', '.join(names)} {place}" for place, names in verbs.items())


@dataclass(frozen=True, slots=True)
class RoleRule:
    """Verbs on resources of one group."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoleSection:
    """Rules with one purpose, told in ``why``."""

    why: str
    rules: tuple[RoleRule, ...]


@dataclass(frozen=True, slots=True)
class Role:
    """``notes`` say what it is for. No right is in two sections."""

    notes: tuple[str, ...]
    sections: tuple[RoleSection, ...]

    @property
    def rights(self) -> frozenset[Right]:
        return frozenset(
            Right(rule.group, resource, verb)
            for section in self.sections
            for rule in section.rules
            for resource in rule.resources
            for verb in rule.verbs
        )
