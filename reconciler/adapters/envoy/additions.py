"""What is asked of whole workloads, added to the bootstraps, listeners and virtual hosts that other emitters make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.adapters.base import Emitter
from reconciler.adapters.built import Built
from reconciler.adapters.envoy.extensions import Piece, pieces_of
from reconciler.adapters.envoy.kinds import BOOTSTRAP, LISTENER, SEPARATOR, VIRTUAL_HOST
from reconciler.adapters.envoy.proxies import Proxy, proxies_of
from reconciler.adapters.envoy.telemetry import Watched, watched
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.origins import Origin

_MANAGER, _TCP = "envoy.filters.network.http_connection_manager", "envoy.filters.network.tcp_proxy"
Native = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Added:
    watched: Watched | None
    pieces: tuple[Piece, ...]

    def here(self, native: NativeObject) -> tuple[Piece, ...]:
        """The code for the direction of a listener or a virtual host."""
        resource = native.key.name.partition(SEPARATOR)[2]
        direction = "Gateway" if resource.startswith("gateway.") else resource.partition(".")[0].capitalize()
        direction = direction.partition(SEPARATOR)[0]
        return tuple(piece for piece in self.pieces if direction in piece.directions)


def as_asked(emit: Emitter) -> Callable[[MeshIntent], Iterable[Built]]:
    """The emitter, with what telemetry and extensions say of its objects."""
    return lambda intent: _emitted(emit, intent)


def _emitted(emit: Emitter, intent: MeshIntent) -> Iterator[Built]:
    wanted = bool(intent.telemetry or intent.filters)
    found = {(one.namespace, one.name): _added(one, intent) for one in (proxies_of(intent) if wanted else ())}
    for made in emit(intent):
        yield replace(made, objects=tuple(_with(native, found) for native in made.objects)) if found else made


def _added(proxy: Proxy, intent: MeshIntent) -> _Added:
    return _Added(watched(proxy, intent), pieces_of(proxy, intent))


def _with(native: NativeObject, found: Mapping[tuple[str, str], _Added]) -> NativeObject:
    key = native.key
    added = found.get((key.namespace, key.name.partition(SEPARATOR)[0]))
    if added is None:
        return native
    if native.kind == BOOTSTRAP:
        return _started(native, added.watched)
    pieces = added.here(native)
    if native.kind == VIRTUAL_HOST:
        told = [piece for piece in pieces if piece.said is not None]
        return _changed(native, _saying(native.body["spec"], told), (piece.origins for piece in told))
    if native.kind == LISTENER:
        chains = [_chain(chain, added.watched, pieces) for chain in native.body["spec"]["filter_chains"]]
        origins = [piece.origins for piece in pieces] + ([added.watched.origins] if added.watched else [])
        return _changed(native, {**native.body["spec"], "filter_chains": chains}, origins)
    return native


def _started(native: NativeObject, seen: Watched | None) -> NativeObject:
    if seen is None or not seen.sinks:
        return native
    spec = {**native.body["spec"], "stats_sinks": list(seen.sinks)}
    if seen.static:
        spec["static_resources"] = {"clusters": list(seen.static)}
    return _changed(native, spec, (seen.origins,))


def _changed(native: NativeObject, spec: Native, origins: Iterable[Iterable[Origin]]) -> NativeObject:
    told = {*native.origins, *(origin for several in origins for origin in several)}
    return replace(native, body={**native.body, "spec": spec}, origins=tuple(sorted(told)))


def _saying(spec: Mapping[str, Any], told: Iterable[Piece]) -> Native:
    settings = {**spec.get("typed_per_filter_config", {}), **{piece.name: piece.said for piece in told}}
    return {**spec, **({"typed_per_filter_config": settings} if settings else {})}


def _chain(chain: Mapping[str, Any], seen: Watched | None, pieces: Sequence[Piece]) -> Native:
    return {**chain, "filters": [_filter(one, seen, pieces) for one in chain["filters"]]}


def _filter(one: Mapping[str, Any], seen: Watched | None, pieces: Sequence[Piece]) -> Native:
    config = dict(one["typed_config"])
    if one["name"] == _MANAGER:
        config["http_filters"] = _inserted(config["http_filters"], pieces)
        _logged(config, seen.requests if seen else ())
        if seen and seen.tracing:
            config["tracing"] = seen.tracing
    elif one["name"] == _TCP:
        _logged(config, seen.connections if seen else ())
    return {**one, "typed_config": config}


def _inserted(filters: Iterable[Mapping[str, Any]], pieces: Sequence[Piece]) -> list[Mapping[str, Any]]:
    """Several in one place stand in their order."""
    found = [piece.filter for piece in pieces if not piece.before]
    for one in filters:
        found += [piece.filter for piece in pieces if piece.before == one["name"]]
        found.append(dict(one))
    return list(found)


def _logged(config: Native, logs: Iterable[Native]) -> None:
    """Beside what is logged anyway."""
    if found := [*config.get("access_log", ()), *logs]:
        config["access_log"] = found
