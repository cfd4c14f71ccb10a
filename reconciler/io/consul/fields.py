"""The fields of a custom resource (``prefixRewrite``) as those of a configuration entry (``PrefixRewrite``), and back.

Keys that users choose (subsets, headers, failover) and what is free in form stay as they are. An entry leaves out
nothing that is unset but writes it empty now and then, which is no difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: words that are written in capitals
_CAPITALS = {"http": "HTTP", "jwt": "JWT", "tls": "TLS", "sds": "SDS", "ttl": "TTL", "uri": "URI", "jwks": "JWKS"}
_CAPITALS |= {"jsonWebKeySet": "JSONWebKeySet", "jwksCluster": "JWKSCluster", "jsonFormat": "JSONFormat"}
_SMALL = {capital: small for small, capital in _CAPITALS.items()}
_STARTS = ("tls", "TLS")
#: their keys are chosen by users, their values are not
_KEYED = frozenset({"subsets", "failover"})
#: nothing in them is ours to translate
_FREE = frozenset({"add", "set", "config", "arguments", "meta"})
_DURATIONS = frozenset(
    {"connectTimeout", "requestTimeout", "idleTimeout", "interval", "baseEjectionTime", "ttl", "cacheDuration"}
)
#: what the community edition has one of; servers write it out where something else is named
_SAME = {"namespace": "default", "partition": "default"}


def to_entry(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an entry."""
    return {_large(name): _out(name, value) for name, value in spec.items()}


def to_spec(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a custom resource, without those that say nothing."""
    found = ((name, _in(name, value)) for name, value in ((_small(key), value) for key, value in entry.items()))
    return {name: value for name, value in found if not _says_nothing(name, value)}


def _out(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        if name in _FREE:
            return value
        return {key: _out("", item) for key, item in value.items()} if name in _KEYED else to_entry(value)
    return [_out("", item) for item in value] if isinstance(value, (list, tuple)) else value


def _in(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        if name in _FREE:
            return dict(value)
        return {key: _in("", item) for key, item in value.items()} if name in _KEYED else to_spec(value)
    if isinstance(value, list):
        return [_in("", item) for item in value]
    return _duration(value) if name in _DURATIONS and isinstance(value, int) else value


def _duration(nanoseconds: int) -> str:
    return f"{nanoseconds // 10**9}s" if nanoseconds % 10**9 == 0 else f"{nanoseconds / 10**6:g}ms"


def _says_nothing(name: str, value: Any) -> bool:
    return value is None or value in ({}, []) or (name in _SAME and value in ("", _SAME[name]))


def _large(name: str) -> str:
    if name in _CAPITALS:
        return _CAPITALS[name]
    return _STARTS[1] + name[3:] if name.startswith(_STARTS[0]) else name[:1].upper() + name[1:]


def _small(name: str) -> str:
    if name in _SMALL:
        return _SMALL[name]
    return _STARTS[0] + name[3:] if name.startswith(_STARTS[1]) else name[:1].lower() + name[1:]
