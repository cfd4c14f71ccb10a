"""Field by field: what differs between two comparable bodies, worded by deepdiff.

deepdiff only names the places. Whether there is a difference is decided by canonical form before it is asked,
and what it would not tell (it holds ``1`` and ``1.0`` apart) does not come up here for the same reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model import canonical
from reconciler.plan.paths import MISSING, Path

Difference = tuple[Path, Any, Any]  # path, before or MISSING, after or MISSING


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Every differing place, sorted by path; empty exactly when the two are equal by canonical form."""
    left, right = canonical.plain(before), canonical.plain(after)
    if canonical.equal(left, right):
        return ()
    found = _worded(left, right)
    return tuple(sorted(found, key=lambda item: [(isinstance(part, int), str(part).zfill(6)) for part in item[0]]))


def _worded(left: Any, right: Any) -> list[Difference]:
    from deepdiff import DeepDiff  # half a second to import, so only where there is something to word
    from deepdiff.helper import NotPresent

    tree = DeepDiff(
        left, right, view="tree", ignore_private_variables=False, threshold_to_diff_deeper=0, verbose_level=2
    )
    found: list[Difference] = []
    for level in (level for group in tree.values() for level in group):
        path = tuple(level.path(output_format="list"))
        one = MISSING if isinstance(level.t1, NotPresent) else level.t1
        two = MISSING if isinstance(level.t2, NotPresent) else level.t2
        found.append((path, one, two))
    # a difference that deepdiff does not see is still a difference
    return found or [((), left, right)]
