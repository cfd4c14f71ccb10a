"""Code for proxies: the extensions ``builtin/lua`` and ``builtin/wasm`` in the ServiceDefaults of each service that is
meant. Both stand right before the router, in the order in which they are written.

Source: agent/envoyextensions/builtin/lua and builtin/wasm, whose modules are for arriving requests only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.consul import names
from reconciler.adapters.consul.defaults import Defaults
from reconciler.adapters.consul.speaking import TCP, protocol_of
from reconciler.adapters.gaps import Gaps
from reconciler.model.canonical import encode
from reconciler.model.facts import ServiceFacts
from reconciler.model.intents import MeshIntent
from reconciler.model.refs import ServiceRef
from reconciler.model.workload_intents import FilterIntent, WorkloadScope

_LISTENERS = {"Inbound": "inbound", "Outbound": "outbound"}
#: places that are before the router, as this is where all of it stands
_PHASES = (None, "Stats", "Unspecified")
Native = dict[str, Any]


def emit(intent: MeshIntent, shared: Defaults) -> Iterator[Built]:
    for asked in sorted(intent.filters, key=lambda one: (one.order, one.policy, one.scope)):
        gaps = Gaps()
        extension = _lua(asked.config, gaps) if asked.kind == "lua" else _wasm(asked, gaps)
        services = _services(asked, intent, gaps)
        for service, protocol in services.items() if not gaps.blocking else ():
            shared.extension(service, extension, asked.origins)
            if protocol:
                shared.protocol(service, protocol, asked.origins)
        yield built([], gaps, asked.origins, intent)


def _services(asked: FilterIntent, intent: MeshIntent, gaps: Gaps) -> dict[ServiceRef, str]:
    """The services that are meant, and what those speak whose arriving requests are: others see none."""
    found: dict[ServiceRef, str] = {}
    for one in names.members(intent):
        if not _is_meant(one, asked.scope, intent, gaps):
            continue
        names.check(one.ref, intent, gaps)
        if asked.config.get("context", "Inbound") == "Outbound":
            found[one.ref] = ""
        elif (protocol := protocol_of(one.ref, intent, gaps)) != TCP:
            found[one.ref] = protocol
    if not found:
        gaps.error("workloads-unknown", f"no service is known whose proxies {asked.policy} could be for")
    return found


def _is_meant(service: ServiceFacts, scope: WorkloadScope, intent: MeshIntent, gaps: Gaps) -> bool:
    if scope.namespace not in ("", service.ref.namespace):
        return False
    behind = names.behind(service, intent.cluster)
    covered = [one for one in behind if all(one.labels.get(key) == value for key, value in scope.labels)]
    if 0 < len(covered) < len(behind):
        told = f"the mesh tells proxies apart by their service, and only a part of {service.ref.label} is meant"
        gaps.error("mesh-inexpressible", told)
    return bool(covered) or not scope.labels


def _lua(config: Mapping[str, Any], gaps: Gaps) -> Native:
    listener = _listener(config.get("context", "Inbound"), gaps)
    arguments = {"ProxyType": "connect-proxy", "Listener": listener, "Script": config["inline"]}
    return {"name": "builtin/lua", "arguments": arguments}


def _wasm(asked: FilterIntent, gaps: Gaps) -> Native:
    config = asked.config
    if config.get("context") != "Inbound":
        told = "the mesh has modules for requests that arrive at services only"
        gaps.error("mesh-inexpressible", told, hint="say context: Inbound")
    if config.get("phase") not in _PHASES:
        told = f"the mesh has modules before the router only, and none in phase {config['phase']}"
        gaps.error("mesh-inexpressible", told, hint="leave phase out")
    vm: Native = {"Code": {"Local": {"Filename": str(config.get("path", ""))}}}
    vm |= {"VmID": config["vmId"]} if "vmId" in config else {}
    plugin: Native = {"Name": f"{asked.policy.namespace}.{asked.policy.name}", "VmConfig": vm}
    plugin |= {"RootID": config["rootId"]} if "rootId" in config else {}
    plugin |= {"Configuration": encode(config["config"])} if "config" in config else {}
    arguments = {"ProxyType": "connect-proxy", "ListenerType": "inbound", "Protocol": "http", "PluginConfig": plugin}
    extension: Native = {"name": "builtin/wasm", "arguments": arguments}
    return extension if config.get("failOpen") else extension | {"required": True}


def _listener(context: str, gaps: Gaps) -> str:
    if context not in _LISTENERS:
        gaps.error("mesh-inexpressible", "the mesh has code for the proxies of services, and none for gateways")
    return _LISTENERS.get(context, "")
