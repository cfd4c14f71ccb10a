"""The routes of notifications in a Reconciler document."""

from __future__ import annotations

from dataclasses import replace

from reconciler.load.blocks import Decoder
from reconciler.load.nodes import Map, position
from reconciler.load.patterns import select
from reconciler.model.documents import DesiredState
from reconciler.model.findings import Finding, Severity
from reconciler.model.notices import DEFAULT_TOPICS, Notify, Weight


def notify(spec: Map, into: Decoder) -> tuple[Notify, ...]:
    """Each by its own name, which is that of its channel where none is given; the second of a name is a mistake."""
    found: dict[str, Notify] = {}
    for item, at in spec["notify"].entries() if "notify" in spec else ():
        one = Notify(
            name=item.get("name", item["to"]),
            to=item["to"],
            on=tuple(item.get("on", DEFAULT_TOPICS)),
            weight=Weight[item.get("severity", "Info").upper()],
            limit=item.get("limit", ""),
            position=position(at),
        )
        if one.name in found:
            into.complain("wrong-value", f"there are two called `{one.name}`", at, "give each a `name` of its own")
        found.setdefault(one.name, one)
    return tuple(found.values())


def aimless(desired: DesiredState) -> list[Finding]:
    """A warning for each pattern that means no target; its route then takes what is about any."""
    return [
        replace(problem, severity=Severity.WARNING, position=one.position)
        for one in desired.settings.notify
        if one.limit
        for problem in select(one.limit, desired)[1]
    ]
