"""The verdicts of a plan that are worth a line: refused, left out, not done by the mesh itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.model.native import Verdict
from reconciler.model.refs import ServiceRef, TargetId
from reconciler.report.paint import Paint
from reconciler.report.values import counted


def verdict_lines(verdicts: Iterable[Verdict], target: TargetId, paint: Paint) -> Iterator[str]:
    """The lines of one target: refusals by policy, then what is left out, then emulations by capability."""
    mine = [one for one in verdicts if one.target == target]
    refused: dict[tuple[str, str, tuple[ServiceRef, ...]], list[Verdict]] = {}
    left_out: dict[tuple[str, str], list[Verdict]] = {}
    other: dict[tuple[str, str, str], list[Verdict]] = {}
    for one in mine:
        if one.action == "Refused":
            refused.setdefault((one.policy, one.note, one.destinations), []).append(one)
        elif one.action == "Degraded":
            left_out.setdefault((one.capability, one.note), []).append(one)
        elif one.level in ("Emulated", "Partial"):
            other.setdefault((one.capability, one.level, one.note or one.via), []).append(one)
    for (policy, note, _), same in sorted(refused.items(), key=lambda item: item[0][:2]):
        yield "  " + paint(f"! refused   {policy}{_where(same)}", "error") + f": {note}"
    for (capability, note), same in sorted(left_out.items()):
        yield (
            "  "
            + paint(f"! left out  {capability}", "drift")
            + f" of {_policies(same)}: {note.removeprefix('left out: ')}"
        )
    for (capability, level, how), same in sorted(other.items()):
        word = "emulated" if level == "Emulated" else "in part"
        yield paint(f"    {word.ljust(9)} {capability} of {_policies(same)}{f': {how}' if how else ''}", "dim")


def _where(verdicts: Sequence[Verdict]) -> str:
    services = sorted({ref for one in verdicts for ref in one.destinations})
    return f" on {counted([ref.label for ref in services], 'service')}" if services else ""


def _policies(verdicts: Sequence[Verdict]) -> str:
    return counted(sorted({one.policy for one in verdicts}), "policy", "policies")
