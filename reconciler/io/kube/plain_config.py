"""A kubeconfig that says all by itself: one file, with a token or a client certificate as they lie.

That is read here in a few milliseconds. Everything else (plugins, logins, token files, several files, whatever is odd
or wrong) is for the client library, which takes long to import; see ``kubeconfig``.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from reconciler.io.kube.access import Access, Tls, proxy_for
from reconciler.model.clusters import KubeconfigConnection

_CLUSTER = frozenset(
    {"server", "certificate-authority", "certificate-authority-data", "insecure-skip-tls-verify", "tls-server-name",
     "proxy-url"}
)  # fmt: skip
_USER = frozenset({"token", "client-certificate", "client-certificate-data", "client-key", "client-key-data"})
Section = Mapping[str, Any]


def paths_of(connection: KubeconfigConnection) -> str:
    """The kubeconfig, or several with a separator between."""
    return connection.path or os.environ.get("KUBECONFIG") or "~/.kube/config"


def plain_access(connection: KubeconfigConnection) -> Access | None:
    """Access by a kubeconfig; None when it is not so plain. Unreachable when its certificates are unfit."""
    paths = paths_of(connection)
    if os.pathsep in paths:
        return None
    path = Path(paths).expanduser()
    try:
        found = _sections(yaml.load(path.read_bytes(), yaml.CSafeLoader), connection.context)
        if found is None or not found[0].keys() <= _CLUSTER or not found[1].keys() <= _USER:
            return None
        cluster, user = found
        server = str(cluster["server"]).rstrip("/")
        tls = _tls(cluster, user, path.parent)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        return None  # the library has the words for it
    if not server.startswith(("http://", "https://")):
        return None
    token = str(user.get("token") or "").strip()
    return Access(
        server=server,
        headers=(("Authorization", f"Bearer {token}"),) if token else (),
        tls=tls.context() if server.startswith("https://") else None,
        server_name=str(cluster.get("tls-server-name") or ""),
        proxy=proxy_for(server, str(cluster.get("proxy-url") or "")),
    )


def _sections(config: Any, context: str) -> tuple[Section, Section] | None:
    """The sections of the cluster and the user of a context; None when one is not there just once."""
    chosen = _named(config["contexts"], context or config["current-context"], "context")
    if chosen is None:
        return None
    cluster = _named(config["clusters"], chosen["cluster"], "cluster")
    user = _named(config["users"], chosen["user"], "user")
    return (cluster, user) if cluster and user else None


def _named(entries: Any, name: str, kind: str) -> Section | None:
    found = [entry[kind] for entry in entries if entry["name"] == name]
    return found[0] if len(found) == 1 and isinstance(found[0], dict) else None


def _tls(cluster: Section, user: Section, folder: Path) -> Tls:
    return Tls(
        ca=_pem(cluster, "certificate-authority", folder),
        certificate=_pem(user, "client-certificate", folder),
        key=_pem(user, "client-key", folder),
        verify=not cluster.get("insecure-skip-tls-verify"),
    )


def _pem(section: Section, key: str, folder: Path) -> str:
    """A certificate or key given inline or by path, as text; "" when there is none."""
    if data := section.get(f"{key}-data"):
        return base64.b64decode(data).decode()
    return (folder / section[key]).read_text() if section.get(key) else ""
