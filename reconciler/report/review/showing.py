"""How a report is to look: where its lines lead, what the forge folds, how much it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.model.refs import TargetId
from reconciler.model.reviews import Place, Review
from reconciler.report.markdown import cut, link, prose

FEW = 5  # targets that are named before they are counted


def no_link(_commit: str, _path: str, _line: int) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Showing:
    """``link``: commit, path in the repository and line to an address, "" for none. ``limit``: UTF-8 bytes, 0 for no
    bound. ``folds``: whether ``<details>`` folds. ``scope`` tells the reports of one pull request apart.
    ``artifact``: where the whole report is kept, for people. ``command`` shows all of it; "" for the usual one."""

    link: Callable[[str, str, int], str] = no_link
    limit: int = 0
    folds: bool = True
    scope: str = "main"
    artifact: str = ""
    command: str = ""

    @property
    def longest(self) -> int:
        """Letters of a value."""
        return 160 if self.limit else 100_000

    def place(self, place: Place, review: Review) -> str:
        """``path:line`` as a link to it."""
        text = f"{place.path}:{place.line}" if place.line else place.path
        path = f"{review.folder}/{place.path}" if review.folder else place.path
        known = place.commit not in ("", "worktree")
        return link(cut(text, 300), self.link(place.commit, path, place.line) if known else "")


def on(targets: Sequence[TargetId]) -> str:
    """``on eu/mesh, us/mesh and 3 more``."""
    names = ", ".join(prose(cut(str(target), 100)) for target in targets[:FEW])
    return f"on {names}{f' and {len(targets) - FEW} more' if len(targets) > FEW else ''}"
