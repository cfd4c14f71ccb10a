"""The links of an inspection as a drawing in Mermaid's words: https://mermaid.js.org/syntax/flowchart.html"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.inspection import Inspection, Link
from reconciler.model.refs import TargetId

_ARROWS = {"route": "-->", "mirror": "-.->", "allow": "==>", "deny": "--x", "audit": "-.->", "custom": "==>"}


def mermaid(inspection: Inspection) -> str:
    """A flowchart with one box for each target. Names are quoted, and cannot end their quotes."""
    lines = [f"---\ntitle: {_text(inspection.title)}\n---", "flowchart LR"]
    for target in sorted({link.target for link in inspection.links}):
        lines += list(_target(target, [link for link in inspection.links if link.target == target]))
    if not inspection.links:
        lines.append(f'  nothing["{_text(f"no rule about {inspection.title}")}"]')
    return "\n".join(lines)


def _target(target: TargetId, links: list[Link]) -> Iterator[str]:
    names = sorted({name for link in links for name in (link.source, link.destination)})
    ids = {name: f"n{_id(target)}_{index}" for index, name in enumerate(names)}
    yield f'  subgraph {_id(target)}["{_text(f"{target.cluster} / {target.mesh}")}"]'
    for name in names:
        yield f'    {ids[name]}["{_text(name)}"]'
    for link in links:
        label = f'|"{_text(f"{link.kind} {link.label}".strip())}"|'
        yield f"    {ids[link.source]} {_ARROWS[link.kind]}{label} {ids[link.destination]}"
    yield "  end"


def _id(target: TargetId) -> str:
    """An id that Mermaid takes, one for each target."""
    return "t" + "".join(f"{ord(letter):x}" for letter in str(target))


def _text(name: str) -> str:
    return name.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
