"""What meshes claim to be able to, as a table for a terminal and as a page; and what becomes of one file on each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.model.claims import Capability, ClaimTable, Level
from reconciler.model.native import Verdict
from reconciler.report.paint import Paint

_ROLES = {"Native": "good", "Emulated": "update", "Partial": "drift", "None": "dim"}
_ACTIONS = {"Applied": "good", "Degraded": "drift", "Refused": "error"}
_SHORT = {"Native": "yes", "Emulated": "emulated", "Partial": "partly", "None": "no"}


def claims_text(table: ClaimTable, paint: Paint) -> str:
    """One line for each capability; what every mesh lacks in the same words is not worth a line of notes."""
    wide = max((len(path) for path, _ in table.rows), default=0)
    widths = [max(len(name), 10) for name in table.columns]
    names = "  ".join(name.ljust(width) for name, width in zip(table.columns, widths, strict=True))
    lines = [paint(f"{'capability'.ljust(wide)}  {names}".rstrip(), "heading")]
    for path, cells in table.rows:
        shown = [
            paint(_cell(cell).ljust(width), _ROLES[cell.level] if cell else "dim")
            for cell, width in zip(cells, widths, strict=True)
        ]
        lines.append(f"{path.ljust(wide)}  {'  '.join(shown)}".rstrip())
    return "\n".join(lines)


def _cell(claim: Capability | None) -> str:
    if claim is None:
        return "-"
    since = f" {claim.since}+" if claim.since else ""
    return _SHORT[claim.level] + since


def claims_page(table: ClaimTable) -> Iterator[str]:
    """The lines of a Markdown page: a table for each kind of capability, then how and why not."""
    section = ""
    for path, cells in table.rows:
        kind = path.partition(".")[0]
        if kind != section:
            section = kind
            yield ""
            yield f"## {kind}"
            yield ""
            yield f"| capability | {' | '.join(table.columns)} |"
            yield f"|---|{'---|' * len(table.columns)}"
        yield f"| `{path}` | {' | '.join(_page_cell(cell) for cell in cells)} |"


def _page_cell(claim: Capability | None) -> str:
    if claim is None:
        return "-"
    text = f"**{_SHORT[claim.level]}**" if claim.level is not Level.NONE else "no"
    text += f" from {claim.since}" if claim.since else ""
    with_ = f"not with {', '.join(f'`{path}`' for path in claim.excludes)}" if claim.excludes else ""
    needs = f"needs {', '.join(f'`{path}`' for path in claim.requires)}" if claim.requires else ""
    told = [part for part in (f"`{claim.via}`" if claim.via else "", claim.note, with_, needs) if part]
    return (text + (": " + "; ".join(told) if told else "")).replace("|", "\\|")


def verdicts_text(found: Mapping[str, Sequence[Verdict]], paint: Paint) -> str:
    """By mesh, what would become of each capability that a document uses."""
    lines: list[str] = []
    for name, verdicts in found.items():
        lines.append(paint(name, "heading"))
        lines += [f"  {line}" for line in _verdicts(verdicts, paint)] or ["  nothing is asked of it"]
        lines.append("")
    return "\n".join(lines).rstrip("\n")


def _verdicts(verdicts: Sequence[Verdict], paint: Paint) -> Iterator[str]:
    wide = max((len(one.capability) for one in verdicts), default=0)
    policy = ""
    for one in sorted(verdicts, key=lambda one: (one.policy, one.capability)):
        if one.policy != policy:
            policy = one.policy
            yield policy
        level = "" if one.action != "Applied" else f"{one.level}{f', {one.side}' if one.side else ''}"
        via = f": {one.via}" if one.via and one.action == "Applied" else ""
        note = f" ({one.note})" if one.note and one.action != "Refused" else ""
        text = f"{level}{via}{note}" if one.action == "Applied" else one.note
        yield f"  {one.capability.ljust(wide)}  {paint(one.action.ljust(8), _ACTIONS[one.action])}  {text}".rstrip()
