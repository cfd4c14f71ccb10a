"""Weights are relative; those that look like percents and do not add up to 100 are told."""

from __future__ import annotations

import pytest

from tests.compile.builders import codes, entry, found, given, traffic


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ((90, 9), True),
        ((90, 11), True),
        ((50, 45), True),
        ((80, 15, 4), True),
        ((90, 10), False),
        ((9, 1), False),
        ((33, 33, 33), False),
        ((1, 2), False),
        ((900, 100), False),
        ((95,), False),
        ((100, 0), False),
    ],
)
def test_weights_that_miss_100(weights: tuple[int, ...], told: bool) -> None:
    entries = tuple(entry(subset=f"v{index % 2 + 1}", weight=weight) for index, weight in enumerate(weights))
    policy = traffic("p", rule={"traffic.route": entries})
    one = given(policy).compiled()
    assert ("weights-near-100" in codes(one)) is told
    assert [finding.position for finding in found(one, "weights-near-100")] == [policy.leaves[0].position] * told
