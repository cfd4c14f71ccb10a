"""The PROXY protocol, in which a service is told who calls: sent by whoever connects to the service itself, which is
its own proxy where it has one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.envoy.kinds import typed
from reconciler.adapters.leaves import section
from reconciler.model.intents import Origin
from reconciler.model.rules import Leaf

_SOCKETS = "envoy.extensions.transport_sockets"
_PLAIN = {
    "name": "envoy.transport_sockets.raw_buffer",
    "typed_config": typed(f"{_SOCKETS}.raw_buffer.v3.RawBuffer"),
}


def announced(rule: Mapping[str, Any], secured: Mapping[str, Any]) -> dict[str, Any]:
    """``transport_socket`` of a Cluster: ``secured``, and before it the address of the caller where that is asked."""
    version = section(rule, "protocol").get("proxyProtocol")
    if version is None:
        return dict(secured)
    inner = secured.get("transport_socket", _PLAIN)
    config = typed(
        f"{_SOCKETS}.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
        config={"version": str(version)},
        transport_socket=inner,
    )
    return {"transport_socket": {"name": "envoy.transport_sockets.upstream_proxy_protocol", "typed_config": config}}


def asking(leaves: Iterable[Leaf], path: str) -> tuple[Origin, ...]:
    """The policies that ask for something of a service as a whole."""
    return tuple(Origin(leaf.policy, leaf.position) for leaf in leaves if leaf.path == path)
