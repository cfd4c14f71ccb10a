"""Code for proxies: Lua, which virtual hosts bring to a filter that does nothing by itself, and WebAssembly modules,
which only the filter itself can name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from reconciler.adapters.built import Built, built
from reconciler.adapters.envoy.filters import ROUTER, filter_names
from reconciler.adapters.envoy.kinds import CLUSTER, resource, typed
from reconciler.adapters.envoy.proxies import Proxy, proxies_of
from reconciler.adapters.envoy.scoped import filters_of
from reconciler.adapters.envoy.servers import outside_cluster
from reconciler.adapters.gaps import Gaps
from reconciler.model.canonical import encode
from reconciler.model.intents import MeshIntent
from reconciler.model.origins import Origin
from reconciler.model.workload_intents import FilterIntent

DIRECTIONS = ("Inbound", "Outbound", "Gateway")
#: where nobody says how long fetching a module may take
_PATIENCE = "30s"
_LUA = "envoy.extensions.filters.http.lua.v3"
_WASM = "envoy.extensions.filters.http.wasm.v3.Wasm"
_TEXT = "google.protobuf.StringValue"
Native = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Piece:
    """``before``: the filter of a connection manager in front of which it stands, "" for the first place; ``said``:
    what virtual hosts say to it, and ``cluster`` where it comes from."""

    filter: Native
    directions: tuple[str, ...]
    before: str
    origins: tuple[Origin, ...]
    said: Native | None = None
    cluster: Native | None = None

    @property
    def name(self) -> str:
        return str(self.filter["name"])


def emit(intent: MeshIntent) -> Iterator[Built]:
    """What is told of each, and the clusters that modules are fetched from."""
    proxies = proxies_of(intent) if intent.filters else ()
    for asked in intent.filters:
        gaps = Gaps()
        piece = _piece(asked, gaps)
        meant = [proxy for proxy in proxies if piece.cluster and asked in filters_of(proxy, intent)]
        made = [
            resource(intent, proxy, CLUSTER, piece.cluster["name"], piece.cluster, asked.origins)
            for proxy in meant
            if piece.cluster
        ]
        yield built(made, gaps, asked.origins, intent)


def pieces_of(proxy: Proxy, intent: MeshIntent) -> tuple[Piece, ...]:
    """In order; without those that cannot be said."""
    found = []
    for asked in filters_of(proxy, intent):
        gaps = Gaps()
        piece = _piece(asked, gaps)
        if not gaps.blocking:
            found.append(piece)
    return tuple(found)


def _piece(asked: FilterIntent, gaps: Gaps) -> Piece:
    name = f"reconciler.{asked.kind}.{asked.policy.namespace}.{asked.policy.name}"
    if asked.kind not in ("lua", "wasm"):
        gaps.error("mesh-inexpressible", f"the proxies know no {asked.kind}", hint="write objects, or native patches")
        return Piece({"name": name}, (), "", asked.origins)
    return _lua(name, asked) if asked.kind == "lua" else _wasm(name, asked, gaps)


def _lua(name: str, asked: FilterIntent) -> Piece:
    said = typed(f"{_LUA}.LuaPerRoute", source_code={"inline_string": asked.config["inline"]})
    there = {"name": name, "typed_config": typed(f"{_LUA}.Lua")}
    return Piece(there, (asked.config.get("context", "Inbound"),), ROUTER, asked.origins, said)


def _wasm(name: str, asked: FilterIntent, gaps: Gaps) -> Piece:
    config = asked.config
    directions = (config["context"],) if "context" in config else DIRECTIONS
    code, cluster = _code(name, config, gaps)
    vm = {"runtime": "envoy.wasm.runtime.v8", "code": code, **({"vm_id": config["vmId"]} if "vmId" in config else {})}
    plugin: Native = {"name": name, "vm_config": vm}
    plugin["failure_policy"] = "FAIL_OPEN" if config.get("failOpen") else "FAIL_CLOSED"
    if "rootId" in config:
        plugin["root_id"] = config["rootId"]
    if "config" in config:
        plugin["configuration"] = typed(_TEXT, value=encode(config["config"]))
    there = {"name": name, "typed_config": typed(_WASM, config=plugin)}
    return Piece(there, directions, _before(config, directions, gaps), asked.origins, cluster=cluster)


def _before(config: Mapping[str, Any], directions: tuple[str, ...], gaps: Gaps) -> str:
    if "insertBefore" not in config:
        return {"Authn": "", "Authz": ""}.get(config.get("phase", ""), ROUTER)
    name = str(config["insertBefore"])
    for direction in directions:
        known = filter_names(direction)
        if name not in known:
            hint = f"it has {', '.join(known)}"
            gaps.error("mesh-inexpressible", f"no filter of direction {direction} is named {name}", hint=hint)
    return name


def _code(name: str, config: Mapping[str, Any], gaps: Gaps) -> tuple[Native, Native | None]:
    """Where the module is, and the cluster that it is fetched from."""
    if "path" in config:
        return {"local": {"filename": config["path"]}}, None
    if "url" not in config:
        gaps.error("mesh-inexpressible", "the proxy fetches no images: name a url or a path")
        return {}, None
    url = str(config["url"])
    if "sha256" not in config:
        gaps.error("mesh-inexpressible", "the proxy fetches no module without its checksum (sha256)")
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    cluster = outside_cluster(f"{name}.source", f"{parts.scheme}://{parts.hostname}:{port}", gaps)
    fetched = {"uri": url, "cluster": cluster["name"], "timeout": _PATIENCE}
    return {"remote": {"http_uri": fetched, "sha256": str(config.get("sha256", ""))}}, cluster
