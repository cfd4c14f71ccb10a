"""Access from a kubeconfig: contexts, certificates, tokens, token files, exec plugins, OIDC and GCP.

The client library reads and merges the files and knows the ways to authenticate; what it does with temporary files
and errors of plugins is overridden here. ``plain_config`` does without it where it can.
"""

from __future__ import annotations

import base64
import binascii
import math
import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException
from kubernetes.aio.config.kube_config import FileOrData, KubeConfigLoader, KubeConfigMerger

from reconciler.io.kube import plugin
from reconciler.io.kube.access import Access, Tls, proxy_for
from reconciler.io.kube.errors import unreachable
from reconciler.io.kube.plain_config import paths_of
from reconciler.model.clusters import KubeconfigConnection

#: token files and cached logins are read anew this often, in seconds
REREAD = 60.0
#: a credential is replaced this many seconds before it expires
MARGIN = 60.0


async def load(connection: KubeconfigConnection) -> Access:
    """Access by a kubeconfig (several, merged, when KUBECONFIG names several).

    Unreachable when the file or context is not there or broken, Forbidden when no credential can be had.
    """
    paths = paths_of(connection)
    try:
        loader = _Loader(_merged(paths), active_context=connection.context or None, config_base_path=None)
        configuration = Configuration(host="")
        await loader.load_and_set(configuration)
    except (ConfigException, ValueError, KeyError, TypeError, OSError, yaml.YAMLError) as error:
        raise unreachable(f"kubeconfig {paths}: {_first_line(error)}") from error
    server = str(configuration.host or "")
    if not server.startswith(("http://", "https://")):
        raise unreachable(f"kubeconfig {paths}: the cluster's server is no http or https address")
    return Access(
        server=server,
        headers=(*_authorization(configuration), *loader.impersonation),
        tls=loader.tls.context() if server.startswith("https://") else None,
        server_name=configuration.tls_server_name or "",
        proxy=proxy_for(server, configuration.proxy or ""),
        fresh_until=loader.fresh_until,
    )


def _merged(paths: str) -> Any:
    found = [path for path in paths.split(os.pathsep) if path and Path(path).expanduser().is_file()]
    if not found:
        raise ConfigException("there is no such file")
    return KubeConfigMerger(os.pathsep.join(found)).config


def _authorization(configuration: Any) -> tuple[tuple[str, str], ...]:
    token = str(configuration.api_key.get("BearerToken") or "").strip()
    return (("Authorization", token),) if token else ()


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


class _Loader(KubeConfigLoader):  # type: ignore[misc]  # the library has no types
    """Keeps certificates in memory (the library leaves them in files that a tidy /tmp loses), lets a failing
    plugin be heard, and remembers how long what it found is good for."""

    tls = Tls()
    fresh_until = math.inf
    exec_pair: tuple[str, str] = ("", "")

    @property
    def impersonation(self) -> tuple[tuple[str, str], ...]:
        """Headers for ``as`` and ``as-groups``, which the library ignores, and so would use other rights than asked."""
        user = self._user.value if self._user is not None else {}
        headers = [("Impersonate-User", str(user["as"]))] if user.get("as") else []
        return (*headers, *(("Impersonate-Group", str(group)) for group in user.get("as-groups") or ()))

    async def _load_authentication(self) -> None:
        await super()._load_authentication()
        if self._user is not None and ("tokenFile" in self._user or self.provider):
            self.fresh_until = time.time() + REREAD

    async def load_from_exec_plugin(self) -> bool:
        folder = self._get_base_path(self._user.path)
        status = await plugin.run(self._user["exec"].value, folder, self._cluster_info())
        if token := status.get("token"):
            self.token = f"Bearer {token}"
        self.exec_pair = (str(status.get("clientCertificateData") or ""), str(status.get("clientKeyData") or ""))
        if expires := status.get("expirationTimestamp"):
            # a plugin whose clock is off must not be run before every request
            self.fresh_until = max(_unix(str(expires)) - MARGIN, time.time() + MARGIN / 2)
        return True

    def _cluster_info(self) -> Mapping[str, Any]:
        known = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")
        return {key: self._cluster.value[key] for key in known if key in self._cluster.value}

    def _load_cluster_info(self) -> None:
        self.host = str(self._cluster["server"]).rstrip("/")
        certificate, key = self.exec_pair
        self.tls = Tls(
            ca=self._pem(self._cluster, "certificate-authority"),
            certificate=certificate or self._pem(self._user, "client-certificate"),
            key=key or self._pem(self._user, "client-key"),
            verify=not self._cluster.safe_get("insecure-skip-tls-verify"),
        )
        if name := self._cluster.safe_get("tls-server-name"):
            self.tls_server_name = name
        if proxy := self._cluster.safe_get("proxy-url"):
            self.proxy = proxy

    def _pem(self, section: Any, key: str) -> str:
        """A certificate or key given inline or by path, as text; "" when there is none."""
        if section is None:
            return ""
        data = FileOrData(section, key, file_base_path=self._get_base_path(section.path)).as_data()
        try:
            return base64.b64decode(data or "", validate=False).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ConfigException(f"{key} is not readable") from error


def _unix(timestamp: str) -> float:
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except ValueError:
        return time.time()
