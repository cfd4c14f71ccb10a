"""A finished run as a value: what ``run.plan`` and ``run.apply`` return and what reports are made from."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.model.plans import ApplyResult, Recap
from reconciler.model.refs import TargetId
from reconciler.pipeline.planning import Planned


@dataclass(frozen=True, repr=False)  # at its end asyncio.run words the result of its task, and this one is large
class Run:
    """A finished run. ``moved`` is the plan as it would be now, when it differs from the approved one.

    ``elsewhere``: targets that another run held meanwhile, so that this one does not know how they are now.
    ``beside``: the one cluster of a run beside those of all others.
    """

    id: str
    planned: Planned
    results: tuple[ApplyResult, ...] = ()
    rows: tuple[Recap, ...] = ()
    code: int = 0
    moved: bool = False
    recovered: int = 0
    elsewhere: frozenset[TargetId] = field(default_factory=frozenset)
    beside: str = ""
