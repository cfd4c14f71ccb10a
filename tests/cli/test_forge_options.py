"""With what a forge is asked, from options: tokens of variables and files, and apps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import click
import pytest

from reconciler.cli.forge_options import TOKENS, ForgeOptions, around, open_forge
from reconciler.ports.forge import Forge, ForgeForbidden
from tests.io.forges.github_host import GitHubHost
from tests.io.forges.server import TOKEN, Host, Pull
from tests.io.forges.test_github_app import APP_ID, PEM, AppHost

ADDRESS = "https://git.example/octo/shop"


@pytest.fixture(autouse=True)
def outside_of_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*TOKENS, "GITHUB_ACTIONS", "GITLAB_CI", "CI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=[GitHubHost, AppHost])
async def host(request: pytest.FixtureRequest) -> AsyncIterator[Host]:
    made: Host = request.param()
    await made.start()
    made.state.pulls[7] = Pull(7)
    yield made
    await made.stop()
    assert made.problems == []


def forge_of(options: ForgeOptions) -> Forge:
    return open_forge(options, around(options))


def options(host: Host, **more: str) -> ForgeOptions:
    return ForgeOptions(repository=ADDRESS, kind="github", url=host.url, **more)


@pytest.mark.parametrize("host", [GitHubHost], indirect=True)
async def test_a_token_of_a_variable_or_a_file(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    with_file = forge_of(options(host, token_file=str(tmp_path / "token")))
    assert (await with_file.pull_request(7)).number == 7
    nothing = forge_of(options(host))
    with pytest.raises(ForgeForbidden, match="RECONCILER_FORGE_TOKEN"):
        await nothing.pull_request(7)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    with_variable = forge_of(options(host))
    assert (await with_variable.pull_request(7)).number == 7
    for forge in (with_file, nothing, with_variable):
        await forge.close()


@pytest.mark.parametrize("host", [AppHost], indirect=True)
async def test_an_app_in_the_place_of_a_token(host: Host, tmp_path: Path) -> None:
    (tmp_path / "app.pem").write_bytes(PEM)
    forge = forge_of(options(host, app=APP_ID, app_key_file=str(tmp_path / "app.pem")))
    assert (await forge.create_comment(7, "hello")).author == await forge.account()
    await forge.close()


@pytest.mark.parametrize("half", [{"app": "1"}, {"app_key_file": "key.pem"}])
def test_half_an_app_is_refused(half: dict[str, str]) -> None:
    with pytest.raises(click.ClickException, match="needs both"):
        forge_of(ForgeOptions(repository=ADDRESS, kind="github", **half))
