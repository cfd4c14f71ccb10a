"""A GitHub App: what it signs is checked with its public key, and its tokens run out."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from reconciler.io.forges import App
from reconciler.io.git.credentials import Secret
from reconciler.ports.forge import Forge, ForgeForbidden
from tests.io.forges.conftest import opened
from tests.io.forges.github_host import REPO, GitHubHost
from tests.io.forges.server import Call, Pull, Refusal, on

APP_ID = "4242"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class AppHost(GitHubHost):
    """Takes the app's own tokens for the app, and those of its installation for the repository."""

    installed = True
    lasts = 3600.0

    def __init__(self) -> None:
        super().__init__()
        self.given: list[str] = []
        self.state.account = "mesh-bot[bot]"

    def allowed(self, headers: Mapping[str, str]) -> bool:
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        asked = self.asked[-1]
        if asked.endswith(("/app", "/installation", "/access_tokens")):
            return self._signed(token)
        return bool(self.given) and token == self.given[-1]

    def _signed(self, token: str) -> bool:
        head, claims, signature = token.split(".")
        try:
            KEY.public_key().verify(
                decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except InvalidSignature:
            return False
        said, now = json.loads(decoded(claims)), time.time()
        lasts = said["exp"] - said["iat"]
        known = json.loads(decoded(head)) == {"alg": "RS256", "typ": "JWT"} and said["iss"] == APP_ID
        return known and said["iat"] <= now < said["exp"] and lasts <= 600

    @on("GET", "/app")
    def app(self, call: Call) -> Any:
        return 200, self.described.example("integration") | {"slug": "mesh-bot"}

    @on("GET", f"{REPO}/installation")
    def installation(self, call: Call) -> Any:
        if not self.installed:
            raise Refusal(404, "Not Found")
        return 200, self.described.example("installation") | {"id": 77}

    @on("POST", "/app/installations/{installation_id}/access_tokens")
    def token(self, call: Call) -> Any:
        assert (call.params["installation_id"], call.body) == ("77", {"repositories": ["shop"]})
        self.given.append(f"ghs_{len(self.given)}")
        until = datetime.fromtimestamp(time.time() + self.lasts, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        answer = self.described.example("installation-token")
        return 201, {**answer, "repositories": [], "token": self.given[-1], "expires_at": until}


@pytest.fixture
async def host() -> AsyncIterator[AppHost]:
    made = AppHost()
    await made.start()
    made.state.pulls[7] = Pull(7)
    yield made
    await made.stop()
    assert made.problems == []


@pytest.fixture
async def forge(host: AppHost, tmp_path: Path) -> AsyncIterator[Forge]:
    (tmp_path / "app.pem").write_bytes(PEM)
    made = opened(host, token=None, app=App(APP_ID, Secret(file=tmp_path / "app.pem")))
    yield made
    await made.close()


async def test_an_app_writes_as_its_installation(host: AppHost, forge: Forge) -> None:
    made = await forge.create_comment(7, "hello")
    assert made.author == await forge.account() == "mesh-bot[bot]"
    await forge.create_comment(7, "again")
    assert host.given == ["ghs_0"]


async def test_a_token_that_runs_out_is_renewed_before(host: AppHost, forge: Forge) -> None:
    host.lasts = 60.0
    await forge.create_comment(7, "hello")
    await forge.create_comment(7, "again")
    assert host.given == ["ghs_0", "ghs_1"]


async def test_a_token_that_was_taken_back_is_renewed(host: AppHost, forge: Forge) -> None:
    await forge.create_comment(7, "hello")
    host.given.append("ghs_of_somebody_else")
    await forge.create_comment(7, "again")
    assert [note.body for note in host.state.notes] == ["hello", "again"]


async def test_a_key_in_a_variable_may_be_one_line(host: AppHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_KEY", PEM.decode().replace("\n", "\\n"))
    forge = opened(host, token=None, app=App(APP_ID, Secret(variable="APP_KEY")))
    assert (await forge.pull_request(7)).number == 7
    await forge.close()


async def test_an_app_that_is_not_installed(host: AppHost, forge: Forge) -> None:
    host.installed = False
    with pytest.raises(ForgeForbidden, match="app 4242 is not installed"):
        await forge.pull_request(7)


def elliptic() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


@pytest.mark.parametrize(
    ("text", "words"),
    [(b"no key", "holds no private key"), (elliptic(), "not an RSA key"), (None, "cannot read the key")],
)
async def test_a_key_that_is_none_is_told_by_its_place(
    host: AppHost, tmp_path: Path, text: bytes | None, words: str
) -> None:
    file = tmp_path / "app.pem"
    if text is not None:
        file.write_bytes(text)
    forge = opened(host, token=None, app=App(APP_ID, Secret(file=file)))
    with pytest.raises(ForgeForbidden, match=words) as refused:
        await forge.pull_request(7)
    assert str(file) in str(refused.value)
    assert host.asked == []
    await forge.close()
