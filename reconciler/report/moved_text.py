"""How a plan differs from the one that was approved: what came, what went, what would now do something else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.report.paint import Paint


def moved_text(approved: Mapping[str, Any], now: Mapping[str, Any], paint: Paint) -> str:
    """Both plans as ``plan_json`` makes them."""
    before, after = _pending(approved), _pending(now)
    lines = [paint("Nothing was written: the plan is no longer the one that was approved.", "error")]
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            lines.append(paint(f"  no longer: {before[name]['action']} {name}", "prune"))
        elif name not in before:
            lines.append(paint(f"  new:       {after[name]['action']} {name}", "create"))
        elif _meaning(before[name]) != _meaning(after[name]):
            lines.append(paint(f"  differs:   {after[name]['action']} {name}", "update"))
            lines.extend(f"      {field['path']}" for field in after[name]["fields"])
    lines.append(
        f"Approved at {approved['revision'][:12]}, now {now['revision'][:12]}. Plan again, look, and apply that."
    )
    return "\n".join(lines)


def _pending(plan: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {
        f"{target['cluster']}/{target['mesh']} {_name(change['object'])}": change
        for target in plan["targets"]
        for change in target["changes"]
        if change["action"] != "keep"
    }


def _name(key: Mapping[str, str]) -> str:
    return f"{key['kind']} {key['namespace']}/{key['name']}" if key["namespace"] else f"{key['kind']} {key['name']}"


def _meaning(change: Mapping[str, Any]) -> tuple[Any, ...]:
    return (change["action"], change["beforeHash"], change["afterHash"], change["withheld"])
