"""Entries by what they are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.adapters.consul.kinds import (
    SERVICE_DEFAULTS,
    SERVICE_INTENTIONS,
    SERVICE_RESOLVER,
    SERVICE_ROUTER,
    SERVICE_SPLITTER,
)
from reconciler.adapters.consul.meaning.callers import callers
from reconciler.adapters.consul.meaning.chains import plain_route, routes
from reconciler.adapters.consul.meaning.entries import Entries, entries_of
from reconciler.adapters.consul.meaning.settings import instances, settings
from reconciler.adapters.consul.names import ANY
from reconciler.adapters.importing import MALFORMED, Body, Meaning, Scene, key_of
from reconciler.model.canonical import plain
from reconciler.model.native import NativeKind
from reconciler.model.refs import ObjectKey

#: about what, what is said, by which objects, and on which others that depends
Said = tuple[str, Any, tuple[ObjectKey, ...], tuple[ObjectKey, ...]]
_CHAIN = (SERVICE_ROUTER, SERVICE_SPLITTER)
_READ = (*_CHAIN, SERVICE_DEFAULTS, SERVICE_RESOLVER, SERVICE_INTENTIONS)


def meanings(bodies: Iterable[Body], scene: Scene) -> Mapping[str, Meaning]:
    """What is of another kind, or not of the form of its kind, means what is written."""
    entries = entries_of(bodies, scene)
    kinds = {kind.kind.kind for kind in _READ}
    others = [*entries.others, *(body for (kind, _), body in entries.held.items() if kind not in kinds)]
    said = [*_chains(entries), *_each(entries, scene), *map(_as_written, others)]
    found = {one[0]: Meaning(one[0], plain(one[1]), one[2], one[3]) for one in said}
    return dict(sorted(found.items()))


def _as_written(body: Body) -> Said:
    key = key_of(body)
    return str(key), {name: body[name] for name in body if name not in ("apiVersion", "metadata", "status")}, (key,), ()


def _chains(entries: Entries) -> Iterator[Said]:
    """What is nothing but a split is said with the service that it is a split of."""
    for name in sorted({name for kind in _CHAIN for name in entries.names(kind) if not entries.is_split(name)}):
        keys = _keys(name, entries)
        try:
            found = routes(name, entries)
        except MALFORMED:
            yield from (_as_written(body) for body in _bodies(name, entries))
            continue
        if found != [plain_route(name)]:
            content = [{"when": when, "then": then} for when, then in found]
            yield f"requests to {name}", content, keys, tuple(entries.beyond(name))


def _bodies(name: str, entries: Entries) -> list[Body]:
    several = [(kind, each) for kind in _CHAIN for each in (name, *sorted(entries.part_of(name)))]
    return [body for kind, each in several if (body := entries.of(kind, each)) is not None]


def _keys(name: str, entries: Entries) -> tuple[ObjectKey, ...]:
    """With the settings of the splits, which are there for them."""
    parts = [body for each in sorted(entries.part_of(name)) if (body := entries.of(SERVICE_DEFAULTS, each)) is not None]
    return tuple(map(key_of, [*_bodies(name, entries), *parts]))


def _each(entries: Entries, scene: Scene) -> Iterator[Said]:
    for kind in (SERVICE_DEFAULTS, SERVICE_RESOLVER, SERVICE_INTENTIONS):
        for name in entries.names(kind):
            body = entries.held[kind.kind.kind, name]
            try:
                said = _said(kind, name, body, entries, scene)
            except MALFORMED:
                said = _as_written(body)
            if said is not None:
                yield said


def _said(kind: NativeKind, name: str, body: Body, entries: Entries, scene: Scene) -> Said | None:
    about, content = "", None
    besides: list[ObjectKey] = []
    if kind == SERVICE_DEFAULTS:
        about, content = f"settings of {name}", settings(body["spec"], scene)
        if entries.is_split(name) and body["spec"].keys() <= {"protocol"}:
            return None
    elif kind == SERVICE_RESOLVER:
        about, content = f"instances of {name}", instances(body["spec"])
    else:
        about, content = f"callers of {name}", callers(name, entries, scene)
        besides = [key_of(wide) for wide in (entries.of(kind, ANY),) if wide is not None and name != ANY]
    return (about, content, (key_of(body),), tuple(besides)) if content is not None else None
