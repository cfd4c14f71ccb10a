"""Objects of any form are imported without a stumble, and in whatever order they come, the documents are the same."""

from __future__ import annotations

import copy
from pathlib import Path
from random import Random
from typing import Any

import pytest

from reconciler.adapters.importing import key_of
from reconciler.io.manifests import read_manifests
from reconciler.model.imports import Fate, Import
from reconciler.pipeline.importing.objects import is_own
from reconciler.pipeline.importing.reading import Asked, import_files
from reconciler.pipeline.meshes import installed
from tests.adapters.test_import_cases import CASES, NOW

WRONG = (None, "", "text", 7, -1, [], {}, ["text"], {"a": 1}, [None], True)


def given(case: Path) -> list[dict[str, Any]]:
    return [dict(body) for body in read_manifests([case / "given.yaml", case.parent / "shop.yaml"])]


def imported(case: Path, bodies: list[dict[str, Any]]) -> Import:
    return import_files(bodies, Asked(installed(), NOW, mesh=case.parent.name.replace("_", "-")))


def spoil(random: Random, node: Any) -> None:
    """Replaces or removes a value somewhere below."""
    if isinstance(node, dict) and node:
        key = random.choice(sorted(node))
        if isinstance(node[key], (dict, list)) and node[key] and random.random() < 0.75:
            spoil(random, node[key])
        elif random.random() < 0.3:
            del node[key]
        else:
            node[key] = copy.deepcopy(random.choice(WRONG))
    elif isinstance(node, list) and node:
        at = random.randrange(len(node))
        if isinstance(node[at], (dict, list)) and node[at] and random.random() < 0.75:
            spoil(random, node[at])
        else:
            node[at] = copy.deepcopy(random.choice(WRONG))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_spoiled_objects_are_kept_or_told(case: Path) -> None:
    random = Random(case.name)
    adapter = installed()[case.parent.name.replace("_", "-")]
    for _ in range(12):
        bodies = given(case)
        mine = [body for body in bodies if is_own(key_of(body).kind_id, adapter)]
        for body in random.sample(mine, random.randint(1, min(3, len(mine)))):
            for _ in range(random.randint(1, 2)):
                spoil(random, body["spec"])
        made = imported(case, bodies)
        told = {one.key for one in made.taken}
        assert {key_of(body) for body in mine} <= told
        for one in made.taken:
            assert one.reason or one.fate in (Fate.NEUTRAL, Fate.NATIVE)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_the_order_of_objects_says_nothing(case: Path) -> None:
    bodies = given(case)
    first = imported(case, bodies)
    Random(7).shuffle(bodies)
    again = imported(case, bodies)
    assert again.files == first.files
    assert again.taken == first.taken
