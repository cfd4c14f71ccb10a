"""All entries of a set: which become neutral documents, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.adapters.consul.importing.chains import chain, members, sent_whole
from reconciler.adapters.consul.importing.defaults import defaults, shared_limits
from reconciler.adapters.consul.importing.intentions import intentions
from reconciler.adapters.consul.importing.resolvers import resolver
from reconciler.adapters.consul.kinds import SERVICE_ROUTER, SERVICE_SPLITTER
from reconciler.adapters.consul.live import claims
from reconciler.adapters.consul.meaning.entries import Entries, entries_of
from reconciler.adapters.importing import (
    Body,
    Draft,
    Imported,
    Reader,
    Scene,
    Unsayable,
    contested,
    key_of,
    proposed,
    reader_of,
)
from reconciler.model.refs import ObjectKey


def importer(bodies: Sequence[Body], scene: Scene) -> Imported:
    double, entries = contested(bodies, claims), entries_of(bodies, scene)
    shared = shared_limits(entries, scene)
    readers: Mapping[str, Reader] = {
        "ServiceResolver": resolver,
        "ServiceDefaults": lambda body, scene: defaults(body, shared, scene),
        "ServiceIntentions": intentions,
    }
    leaders = _leaders(entries)
    first = [body for body, _ in leaders.values()]
    whole = sent_whole(entries)
    done = proposed(first, lambda body, scene: chain(key_of(body).name, entries, whole, scene), scene)
    followers = {key: key_of(body) for body, several in leaders.values() for key in several}
    lost = {key: done.kept[leader] for key, leader in followers.items() if leader in done.kept}

    def read(body: Body, scene: Scene) -> Draft | Iterable[Draft]:
        if found := double(body):
            raise Unsayable(f"another object is {found}, too, and a server has one of them")
        return reader_of(readers, body)(body, scene)

    led = followers.keys() | {key_of(body) for body in first}
    others = [body for body in [*entries.held.values(), *entries.others] if key_of(body) not in led]
    return done | Imported(kept=lost) | proposed(others, read, scene)


def _leaders(entries: Entries) -> dict[str, tuple[Body, list[ObjectKey]]]:
    """By service the object with which its routes are told, and the others that are said in the same documents."""
    found = {}
    names = {name for kind in (SERVICE_ROUTER, SERVICE_SPLITTER) for name in entries.names(kind)}
    for name in sorted(name for name in names if not entries.is_split(name)):
        first, *others = members(name, entries)
        found[name] = (first, [key_of(body) for body in others])
    return found
