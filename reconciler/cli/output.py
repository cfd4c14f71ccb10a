"""Writing results: colour only where somebody looks at it, JSON in one stable form, findings on standard error."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from typing import Any

import click

from reconciler.model.findings import Finding
from reconciler.report.fold import fold
from reconciler.report.paint import Paint, ansi, plain
from reconciler.report.recap_text import findings_text


def painter(*, err: bool = False) -> Paint:
    """Colour for the stream that is written to, as click decides it; ``--color`` and NO_COLOR have the last word."""
    context = click.get_current_context(silent=True)
    wanted = context.find_root().color if context else None
    if wanted is None:
        wanted = (sys.stderr if err else sys.stdout).isatty() and not os.environ.get("NO_COLOR")
    if wanted:
        return ansi
    return plain


def say(text: str, *, err: bool = False) -> None:
    """Text for people: folded between words in a terminal, and as it is in a pipe or file."""
    if (sys.stderr if err else sys.stdout).isatty():
        text = fold(text, shutil.get_terminal_size().columns)
    click.echo(text, err=err, color=True)


def say_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True))


def say_findings(findings: Sequence[Finding]) -> None:
    if findings:
        say(findings_text(findings, painter(err=True)) + "\n", err=True)
