"""What is asked of whole workloads, added to the listeners that other emitters make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.adapters.base import Emitter
from reconciler.adapters.built import Built
from reconciler.adapters.envoy.kinds import LISTENER, SEPARATOR
from reconciler.adapters.envoy.proxies import proxies_of
from reconciler.adapters.envoy.telemetry import Watched, watched
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject

_MANAGER, _TCP = "envoy.filters.network.http_connection_manager", "envoy.filters.network.tcp_proxy"
_ByProxy = Mapping[tuple[str, str], Watched]
Native = dict[str, Any]


def as_asked(emit: Emitter) -> Callable[[MeshIntent], Iterable[Built]]:
    """The emitter, with what telemetry says of its listeners."""
    return lambda intent: _emitted(emit, intent)


def _emitted(emit: Emitter, intent: MeshIntent) -> Iterator[Built]:
    found = {}
    for proxy in proxies_of(intent) if intent.telemetry else ():
        if (here := watched(proxy, intent)) is not None:
            found[proxy.namespace, proxy.name] = here
    for made in emit(intent):
        yield replace(made, objects=tuple(_with(native, found) for native in made.objects)) if found else made


def _with(native: NativeObject, found: _ByProxy) -> NativeObject:
    key = native.key
    here = found.get((key.namespace, key.name.partition(SEPARATOR)[0])) if native.kind == LISTENER else None
    if here is None:
        return native
    spec: Native = dict(native.body["spec"])
    spec["filter_chains"] = [_chain(chain, here) for chain in spec["filter_chains"]]
    origins = tuple(sorted({*native.origins, *here.origins}))
    return replace(native, body={**native.body, "spec": spec}, origins=origins)


def _chain(chain: Mapping[str, Any], here: Watched) -> Native:
    return {**chain, "filters": [_filter(one, here) for one in chain["filters"]]}


def _filter(one: Mapping[str, Any], here: Watched) -> Native:
    config = dict(one["typed_config"])
    if one["name"] == _MANAGER:
        _logged(config, here.requests)
        if here.tracing:
            config["tracing"] = here.tracing
    elif one["name"] == _TCP:
        _logged(config, here.connections)
    return {**one, "typed_config": config}


def _logged(config: Native, logs: Iterable[Native]) -> None:
    """Beside what is logged anyway."""
    if found := [*config.get("access_log", ()), *logs]:
        config["access_log"] = found
