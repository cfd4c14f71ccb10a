"""Posting a report from the command line: what the forge knows of the pull request, and what it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from reconciler.io.ci import Surroundings
from reconciler.model.forges import PullRequest
from reconciler.model.reviews import Review
from reconciler.pipeline.posting import Outcome, publish
from reconciler.ports.forge import Forge, ForgeError, ForgeForbidden
from reconciler.report.review import Showing, comment

NOT_POSTED = 6
SUMMARY = 1_000_000  # bytes that a job's summary may have


@dataclass
class Reporting:
    """A forge and the pull request on it. ``problems``: why the forge could not be asked about it."""

    forge: Forge
    found: Surroundings
    pull: PullRequest | None = None
    problems: list[ForgeError] = field(default_factory=list)

    async def look_up(self) -> Surroundings:
        """What the CI system says, with what it leaves open as the forge says it. ClickException without a number."""
        if not self.found.number:
            raise click.ClickException("this runs for no pull request: give --number N; --dry-run prints the report")
        try:
            self.pull = await self.forge.pull_request(self.found.number)
        except ForgeError as problem:
            self.problems.append(problem)
            return self.found
        branch = self.pull.target_branch
        self.found = replace(
            self.found,
            head=self.found.head or self.pull.head,
            bases=self.found.bases or (self.pull.base, f"origin/{branch}", branch),
            foreign=self.found.foreign or self.pull.foreign,
        )
        return self.found


async def posted(reporting: Reporting, made: Review, shown: Showing) -> int:
    """Post it and say so; the exit code."""
    found, pull = reporting.found, reporting.pull
    _summarise(found, made, shown)
    if pull is None:
        return _failed(reporting.problems, found, made)
    head = pull.head if pull.head.startswith(found.head) else found.head
    done = await publish(reporting.forge, replace(pull, head=head), made, shown, found.account)
    if done.outcome is Outcome.OUTDATED:
        click.echo(f"The pull request has a newer head than {head[:12]}: nothing was posted.", err=True)
    elif done.outcome is not Outcome.FAILED:
        click.echo(f"Report on {pull.url}: {done.outcome}.")
    return _failed(done.problems, found, made) if done.problems else made.code


def _failed(problems: Sequence[ForgeError], found: Surroundings, made: Review) -> int:
    """A token of a foreign branch may not write, by the forge's own rules: that is said, and is no failure."""
    for problem in problems:
        click.echo(f"Not posted: {problem}", err=True)
    if found.foreign and all(isinstance(problem, ForgeForbidden) for problem in problems):
        click.echo("The pull request comes from another repository, so its token may not write here.", err=True)
        return made.code
    click.echo(f"The plan itself has exit code {made.code}.", err=True)
    return NOT_POSTED


def _summarise(found: Surroundings, made: Review, shown: Showing) -> None:
    """The report where the CI system shows it beside the job."""
    if found.summary:
        with Path(found.summary).open("a") as summary:
            summary.write(comment(made, replace(shown, limit=SUMMARY)) + "\n")
