"""Forges without a tracker whose entries have labels."""

from __future__ import annotations

from collections.abc import AsyncIterator

from reconciler.model.forges import Issue
from reconciler.ports.forge import ForgeLacks


class NoTracker:
    """``tracker`` says to people what is missing. Nothing is asked of the forge."""

    tracker = ""

    async def issues(self, label: str) -> AsyncIterator[Issue]:
        raise self._lacking()
        yield  # makes it a generator: the error comes with the first entry, as others do

    async def create_issue(self, title: str, body: str, label: str) -> Issue:
        raise self._lacking()

    async def update_issue(self, issue: Issue) -> Issue:
        raise self._lacking()

    def _lacking(self) -> ForgeLacks:
        return ForgeLacks(f"{self.tracker}; use a comment, a status or another forge's tracker")
