"""Where a cluster's API server is and what proves who we are; ``kubeconfig`` and ``pod`` are the two ways to know."""

from __future__ import annotations

import ipaddress
import math
import ssl
import tempfile
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from reconciler.io.kube.errors import unreachable


@dataclass(frozen=True, slots=True)
class Access:
    """``server`` is a URL, a path included where there is one, without a slash at its end. ``headers`` prove who we
    are. ``tls`` is None for plain HTTP. After ``fresh_until`` (Unix time) it is to be loaded anew."""

    server: str
    headers: tuple[tuple[str, str], ...] = ()
    tls: ssl.SSLContext | None = None
    server_name: str = ""
    proxy: str = ""
    fresh_until: float = math.inf

    @property
    def host(self) -> str:
        """Name and port, for messages."""
        return urllib.parse.urlsplit(self.server).netloc.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Tls:
    """Certificates as PEM text; an empty ``ca`` means the system's."""

    ca: str = ""
    certificate: str = ""
    key: str = ""
    verify: bool = True

    def context(self) -> ssl.SSLContext:
        """Its own CA only: the system's store costs 40 ms and a megabyte per cluster. Unreachable when it is unfit."""
        try:
            context = ssl.create_default_context(cadata=self.ca) if self.ca else ssl.create_default_context()
            if self.certificate:
                _load_pair(context, self.certificate, self.key)
        except (ssl.SSLError, ValueError, OSError) as error:
            raise unreachable(f"the certificates in its configuration cannot be used: {error}") from error
        # Clusters sign their certificates themselves, often without what the strict profile of newer Pythons asks.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _load_pair(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """OpenSSL takes a client certificate from files only: a folder that only we can read, gone at once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pair.pem"
        path.touch(mode=0o600)
        path.write_text(f"{certificate}\n{key}\n")
        context.load_cert_chain(path)


def _is_near(host: str | None) -> bool:
    """Loopback, or in one of the networks of NO_PROXY, which Python's own reading of it does not know."""
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return host == "localhost"
    networks = [item.strip() for item in urllib.request.getproxies().get("no", "").split(",") if "/" in item]
    return address.is_loopback or any(_is_within(address, network) for network in networks)


def _is_within(address: ipaddress.IPv4Address | ipaddress.IPv6Address, network: str) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def proxy_for(server: str, configured: str = "") -> str:
    """The proxy for a server: the configured one, else the environment's, NO_PROXY obeyed; "" for none."""
    parts = urllib.parse.urlsplit(server)
    proxy = configured
    if not proxy and not urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]) and not _is_near(parts.hostname):
        proxy = urllib.request.getproxies().get(parts.scheme, "")
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"
    if proxy and not proxy.startswith(("http://", "https://")):
        raise unreachable(f"a proxy of the kind {proxy.partition(':')[0]} is not supported: only http and https are")
    return proxy
