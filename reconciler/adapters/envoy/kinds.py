"""The native kinds: xDS resources (v3) as objects. What a proxy reads first is written first, and removed last.

The name of an object is ``<proxy>~<resource>``, of a virtual host ``<proxy>~<route configuration>~<virtual host>``; its
namespace is that of the proxy. The I/O layer turns names into files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.envelopes import build
from reconciler.adapters.envoy.proxies import Proxy
from reconciler.model.intents import MeshIntent, Origin
from reconciler.model.native import NativeKind, NativeObject
from reconciler.model.refs import KindId

GROUP = "xds.reconciler.dev"
SEPARATOR = "~"


def _kind(kind: str, plural: str, wave: int) -> NativeKind:
    return NativeKind(KindId(GROUP, kind), ("v3",), plural, wave=wave)


BOOTSTRAP = _kind("Bootstrap", "bootstraps", 5)
CLUSTER = _kind("Cluster", "clusters", 20)
VIRTUAL_HOST = _kind("VirtualHost", "virtualhosts", 30)
LISTENER = _kind("Listener", "listeners", 40)
#: what the folder tells of itself, for discovery only
FOLDER = _kind("ProxyFolder", "proxyfolders", 0)
KINDS = (BOOTSTRAP, CLUSTER, VIRTUAL_HOST, LISTENER)

_TYPES = {
    "Cluster": "envoy.config.cluster.v3.Cluster",
    "Listener": "envoy.config.listener.v3.Listener",
}


def typed(name: str, **fields: Any) -> dict[str, Any]:
    """A message of a type, as ``Any`` is written in JSON."""
    return {"@type": f"type.googleapis.com/{name}", **fields}


def resource(
    intent: MeshIntent, proxy: Proxy, kind: NativeKind, name: str, spec: Mapping[str, Any], origins: Iterable[Origin]
) -> NativeObject:
    """The object of a resource of a proxy; ``name`` as in the resource, with the route configuration before it for a
    virtual host. Who asks for the proxy asks for all that it has: what holds that document holds these."""
    full = f"{proxy.name}{SEPARATOR}{name}"
    found = _TYPES.get(kind.kind.kind)
    spec = {**typed(found), **spec} if found else spec
    return build(intent, kind, proxy.namespace, full, spec, {*origins, *proxy.origins})


def files(path: str) -> dict[str, Any]:
    """A subscription to a file of the proxy's own folder, which is where the proxy runs."""
    folder = path.rpartition("/")[0] or "."
    source = {"path": path, "watched_directory": {"path": folder}}
    return {"path_config_source": source, "resource_api_version": "V3"}
