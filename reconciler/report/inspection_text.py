"""What holds for one thing as text: rules in and out by target, each with the line that asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from reconciler.model.inspection import IN, OUT, Inspection, Rule
from reconciler.model.native import Compiled
from reconciler.model.origins import Origin
from reconciler.model.refs import DocRef, TargetId
from reconciler.model.selectors import Match, ValueMatch
from reconciler.report.paint import Paint
from reconciler.report.values import word
from reconciler.report.verdicts_text import verdict_lines

HEADS = {IN: "calls to it", OUT: "calls that it makes"}


def inspection_text(inspection: Inspection, paint: Paint, directions: Sequence[str] = (IN, OUT)) -> str:
    """Everything that is known, target by target."""
    lines = [paint(inspection.title, "heading")]
    for target, facts in inspection.facts:
        if target.cluster:
            lines += ["", paint(f"{target.cluster} / {target.mesh}", "heading")]
        wide = max((len(name) for name, _ in facts), default=0)
        lines += [f"  {name.ljust(wide)}  {value}" for name, value in facts]
        for direction in directions if target.cluster else ():
            mine = [rule for rule in inspection.rules if (rule.target, rule.direction) == (target, direction)]
            if mine or inspection.rules:
                lines += ["", f"  {paint(HEADS[direction], 'heading')}"]
                lines += [f"    {line}" for line in _rules(mine, paint)] or ["    no rule"]
    return "\n".join(lines)


def _rules(rules: Sequence[Rule], paint: Paint) -> Iterator[str]:
    """Rules about the same requests stand together, below who makes them and when."""
    for head, together in groupby(rules, key=_requests):
        yield head
        for rule in together:
            side = f" ({rule.side})" if rule.side else ""
            yield f"  {paint(rule.capability, 'update')} = {word(rule.value)}{paint(side, 'dim')}"
            for origin in rule.origins:
                yield paint(f"      {origin_words(origin)}", "dim")


def _requests(rule: Rule) -> str:
    who = f"from {', '.join(rule.callers)}" if rule.callers else ""
    when = f"when {'; or '.join(match_words(match) for match in rule.matches)}" if rule.matches else ""
    about = [part for part in (rule.service or "all of it", who, when) if part]
    return ", ".join(about)


def origin_words(origin: Origin) -> str:
    """``TrafficPolicy/default/reviews at policies/reviews.yaml:8, since 38176965``"""
    commit = "not committed" if origin.commit == "worktree" else f"since {origin.commit[:8]}" if origin.commit else ""
    return f"{origin.ref} at {origin.position.path}:{origin.position.line}" + (f", {commit}" if commit else "")


def match_words(match: Match) -> str:
    """``GET,HEAD path prefix /reviews, header x-bot present``"""
    parts = [",".join(match.methods)] if match.methods else []
    if match.path is not None:
        parts.append(f"path {match.path.kind} {match.path.value}{' in any case' if match.path.ignore_case else ''}")
    parts += [_value("header", one) for one in match.headers] + [_value("query", one) for one in match.query]
    parts += [f"host {match.authority}"] if match.authority else []
    parts += [f"scheme {match.scheme}"] if match.scheme else []
    parts += [f"port {', '.join(map(str, match.ports))}"] if match.ports else []
    return ", ".join(parts) or "any request"


def _value(what: str, one: ValueMatch) -> str:
    condition = "present" if one.kind == "present" else f"{one.kind} {one.value}"
    return f"{what} {one.name} {'not ' if one.invert else ''}{condition}"


def policy_text(inspection: Inspection, ref: DocRef, compiled: Compiled, paint: Paint) -> str:
    """A document: its objects on each target, and what became of each capability that it uses."""
    lines = [inspection_text(inspection, paint)]
    targets = {target for target, objects in compiled.objects.items() for one in objects if ref in _refs(one.origins)}
    targets |= {one.target for one in compiled.verdicts if one.policy == str(ref)}
    for target in sorted(targets):
        lines += ["", paint(f"{target.cluster} / {target.mesh}", "heading")]
        lines += [f"  {one.key}" for one in compiled.objects.get(target, ()) if ref in _refs(one.origins)]
        lines += list(_capabilities(ref, target, compiled, paint))
    return "\n".join(lines)


def _refs(origins: Sequence[Origin]) -> set[DocRef]:
    return {origin.ref for origin in origins}


def _capabilities(ref: DocRef, target: TargetId, compiled: Compiled, paint: Paint) -> Iterator[str]:
    mine = [one for one in compiled.verdicts if one.policy == str(ref) and one.target == target]
    for one in mine:
        if one.action == "Applied":
            told = ", ".join(part for part in (one.level, one.side, one.via) if part)
            yield paint(f"    {one.capability}: {told}", "dim")
    yield from verdict_lines([one for one in mine if one.action != "Applied"], target, paint)


def inspection_json(inspection: Inspection, directions: Sequence[str] = (IN, OUT)) -> dict[str, Any]:
    """For machines; values are as the policies say them."""
    return {
        "title": inspection.title,
        "targets": [{"target": str(target), **dict(facts)} for target, facts in inspection.facts],
        "rules": [_rule_json(rule) for rule in inspection.rules if rule.direction in directions],
    }


def _rule_json(rule: Rule) -> dict[str, Any]:
    return {
        "target": str(rule.target),
        "direction": rule.direction,
        "side": rule.side,
        "capability": rule.capability,
        "service": rule.service,
        "value": rule.value,
        "callers": list(rule.callers),
        "match": [match_words(match) for match in rule.matches],
        "policies": [
            {
                "policy": str(origin.ref),
                "path": origin.position.path,
                "line": origin.position.line,
                "commit": origin.commit,
            }
            for origin in rule.origins
        ],
    }
