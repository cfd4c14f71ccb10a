"""A GitHub App as who asks: a token that we sign ourselves, exchanged for one of the repository's installation, which
lasts an hour and is renewed before (docs.github.com/apps, "Authenticating as a GitHub App installation")."""

from __future__ import annotations

import asyncio
import base64
import time
from datetime import datetime

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from reconciler.io.forges.access import Access, App, Proof, secret
from reconciler.io.forges.http import Ask, Http
from reconciler.io.forges.place import Place, quoted
from reconciler.ports.forge import ForgeAbsent, ForgeForbidden

#: seconds; GitHub takes ten minutes at most, and clocks differ
_JWT_LASTS, _CLOCK_SKEW = 540, 60
_RENEWED_BEFORE = 300.0
_LARGEST_KEY = 64 * 1024


class Installation:
    """``prove`` gives the installation's token; ``account`` is who comments are by."""

    def __init__(self, place: Place, access: Access) -> None:
        assert access.app is not None
        self._app = access.app
        self._place = place
        self._http = Http(place.api, place.name, self._prove_app, access)
        self._token = ""
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def prove(self, refused: bool) -> Proof:
        async with self._asking:
            if refused or time.time() > self._until - _RENEWED_BEFORE:
                await self._renew()
            return Proof({"Authorization": f"Bearer {self._token}"}, (self._token,))

    async def account(self) -> str:
        return f"{(await self._http.get('/app'))['slug']}[bot]"

    async def close(self) -> None:
        await self._http.close()

    async def _renew(self) -> None:
        group, name = quoted(self._place.group), quoted(self._place.repository)
        try:
            installation = await self._http.get(f"/repos/{group}/{name}/installation")
        except ForgeAbsent as error:
            raise ForgeForbidden(f"{self._place.name}: the app {self._app.id} is not installed on it", 404) from error
        path = f"/app/installations/{installation['id']}/access_tokens"
        given = (await self._http.ask(Ask("POST", path, body={"repositories": [self._place.repository]}))).data
        self._token = given["token"]
        self._until = datetime.fromisoformat(given["expires_at"]).timestamp()

    async def _prove_app(self, _refused: bool) -> Proof:
        token = signed(self._app, self._place.name, int(time.time()))
        return Proof({"Authorization": f"Bearer {token}"}, (token,))


def signed(app: App, name: str, now: int) -> str:
    """A JSON web token (RFC 7519, RS256) that says that we are the app. ForgeForbidden when its key is none."""
    claims = {"iat": now - _CLOCK_SKEW, "exp": now + _JWT_LASTS, "iss": app.id}
    parts = b".".join(_base64(orjson.dumps(part)) for part in ({"alg": "RS256", "typ": "JWT"}, claims))
    signature = _private_key(app, name).sign(parts, padding.PKCS1v15(), hashes.SHA256())
    return b".".join((parts, _base64(signature))).decode()


def _private_key(app: App, name: str) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(_pem(app, name), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ForgeForbidden(f"{name}: {app.key.place} holds no private key of an app (PEM)") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ForgeForbidden(f"{name}: the private key in {app.key.place} is not an RSA key")
    return key


def _pem(app: App, name: str) -> bytes:
    """A key has many lines, unlike other secrets; in a variable they may be written as ``\\n``."""
    if app.key.file is None:
        return secret(app.key, name).replace("\\n", "\n").encode()
    try:
        with app.key.file.expanduser().open("rb") as opened:
            return opened.read(_LARGEST_KEY)
    except OSError as error:
        raise ForgeForbidden(f"{name}: cannot read the key in {app.key.place}: {error.strerror}") from error


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
