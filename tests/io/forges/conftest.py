"""A forge of each kind on this machine, and its client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from reconciler.io.forges import Access, http, open_forge
from reconciler.io.git.credentials import Secret
from reconciler.ports.forge import Forge
from tests.io.forges.bitbucket_hosts import CenterHost, CloudHost
from tests.io.forges.gitea_host import GiteaHost
from tests.io.forges.github_host import GitHubHost
from tests.io.forges.gitlab_host import GitLabHost
from tests.io.forges.server import TOKEN, Host

HOSTS: dict[str, type[Host]] = {
    "github": GitHubHost,
    "gitlab": GitLabHost,
    "gitea": GiteaHost,
    "bitbucket-cloud": CloudHost,
    "bitbucket-data-center": CenterHost,
}


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "FIRST_PAUSE", 0.01)


@pytest.fixture(params=HOSTS)
async def host(request: pytest.FixtureRequest) -> AsyncIterator[Host]:
    """Whatever it was asked and has answered must be in the description that its kind publishes."""
    made = HOSTS[request.param]()
    await made.start()
    yield made
    await made.stop()
    assert made.problems == []


def opened(host: Host, **access: Any) -> Forge:
    kind = next(name for name, each in HOSTS.items() if isinstance(host, each))
    given = Access(**{"token": Secret(value=TOKEN), **access})
    return open_forge("https://git.example/octo/shop.git", kind=kind, url=host.url, access=given)


@pytest.fixture
async def forge(host: Host) -> AsyncIterator[Forge]:
    made = opened(host)
    yield made
    await made.close()
