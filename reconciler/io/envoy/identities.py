"""The identities of the proxies in a folder: each has the certificate that its bootstrap asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from reconciler.io.envoy import xds
from reconciler.io.envoy.folder import SECRETS, Folder
from reconciler.io.envoy.secrets import held_certificate, renew
from reconciler.io.identity import Authority, Identity, IdentityError, needs_renewal, open_authority


class Identities:
    """``authority``: a folder with a root for each trust domain. Raises IdentityError where one cannot be used."""

    def __init__(self, folder: Folder, authority: Path, lifetime: timedelta) -> None:
        self._folder, self._authority, self._lifetime = folder, authority, lifetime
        self._roots: dict[str, Authority] = {}

    def due(self, asked: Iterable[xds.Readable], now: datetime) -> list[str]:
        """The proxies, as ``<namespace>/<proxy>``, that have none, or whose half of life is over; of those there that
        are ``asked`` for. What lies in a folder says nobody who it is: whoever can write there could be anyone."""
        return [proxy for proxy, identity in self._there(asked) if self._needs(proxy, identity, now)]

    def renew(self, proxies: Iterable[str], asked: Iterable[xds.Readable], now: datetime) -> None:
        """Each of them that can be; IdentityError at the end for those that could not."""
        wanted, troubles = set(proxies), []
        for proxy, identity in self._there(asked):
            try:
                if proxy in wanted:
                    self.issue(proxy, identity, now)
            except IdentityError as problem:
                troubles.append(str(problem))
        if troubles:
            raise IdentityError("; ".join(dict.fromkeys(troubles)))

    def issue(self, proxy: str, identity: Identity, now: datetime) -> None:
        """Write its files, if they are not there or not good any more."""
        renew(self._place(proxy), self._root(identity.trust_domain), identity, self._lifetime, now)

    def _needs(self, proxy: str, identity: Identity, now: datetime) -> bool:
        return needs_renewal(held_certificate(self._place(proxy)), self._root(identity.trust_domain), identity, now)

    def _there(self, asked: Iterable[xds.Readable]) -> Iterator[tuple[str, Identity]]:
        """Without those of which no certificate can be: they keep no other proxy from its own."""
        present = {xds.place_of(lying.key).proxy for lying in self._folder.bootstraps()}
        for body in asked:
            if body.get("kind") == xds.BOOTSTRAP and (proxy := xds.place_of(xds.key_of(body)).proxy) in present:
                with suppress(IdentityError):
                    if identity := asked_identity(body):
                        yield proxy, identity

    def _place(self, proxy: str) -> Path:
        return self._folder.root / proxy / SECRETS

    def _root(self, trust_domain: str) -> Authority:
        if trust_domain not in self._roots:
            self._roots[trust_domain] = open_authority(self._authority / trust_domain, trust_domain)
        return self._roots[trust_domain]


def asked_identity(bootstrap: xds.Readable) -> Identity | None:
    """Who a proxy is to be, as its bootstrap says; None where it says nothing. IdentityError for no names."""
    node = bootstrap["spec"].get("node")
    metadata = node.get("metadata") if isinstance(node, dict) else None
    asked = metadata.get("identity") if isinstance(metadata, dict) else None
    if not isinstance(asked, dict):
        return None
    return Identity(*(str(asked.get(part, "")) for part in ("trust_domain", "namespace", "service_account")))
