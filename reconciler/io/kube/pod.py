"""Access from inside a pod: the service account's token, which the kubelet renews, and the cluster's own CA."""

from __future__ import annotations

import time
from pathlib import Path

from kubernetes.aio.config import ConfigException, incluster_config

from reconciler.io.kube.access import Access, Tls, proxy_for
from reconciler.io.kube.errors import unreachable
from reconciler.io.kube.kubeconfig import REREAD


def load() -> Access:
    """Unreachable when this process does not run in a pod with a service account."""
    loader = incluster_config.InClusterConfigLoader(
        incluster_config.SERVICE_TOKEN_FILENAME, incluster_config.SERVICE_CERT_FILENAME, try_refresh_token=False
    )
    try:
        loader._load_config()
        ca = Path(loader.ssl_ca_cert).read_text()
    except (ConfigException, OSError) as error:
        raise unreachable(f"in-cluster configuration: {error}") from error
    token = loader.token.split(None, 1)[1].strip()
    return Access(
        server=loader.host,
        headers=(("Authorization", f"Bearer {token}"),),
        tls=Tls(ca=ca).context(),
        proxy=proxy_for(loader.host),
        fresh_until=time.time() + REREAD,
    )
