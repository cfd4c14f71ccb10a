"""What happened since the last time, to those who want to be told: read from the audit trail, so once and nothing lost.

Each route remembers up to which event it was served. A channel that is down gets the rest with the next round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.load import select
from reconciler.model.documents import DesiredState
from reconciler.model.events import AuditEvent, StoredEvent
from reconciler.model.notices import Notify
from reconciler.model.refs import TargetId
from reconciler.ports import Store
from reconciler.ports.channels import Channel, ChannelError
from reconciler.report.events import stored_event
from reconciler.report.news import news
from reconciler.report.notices import notice, takes

MOST_EVENTS = 1000  # told to one route at once; of what is older than that, only how many they were
KEYS = "notify/"


@dataclass(frozen=True, slots=True)
class Served:
    """What a route was sent. ``told`` events; ``error`` why the channel took no more, ``since`` (RFC 3339) when that
    began."""

    route: Notify
    told: int = 0
    error: str = ""
    since: str = ""


@dataclass(frozen=True, slots=True)
class _Bookmark:
    """Up to which event a route was served, which failures last there, and since when its channel takes nothing."""

    seq: int
    failing: Mapping[str, str]
    since: str = ""
    error: str = ""


async def notify(
    store: Store, desired: DesiredState, channels: Mapping[str, Channel], source: str, now: str
) -> tuple[Served, ...]:
    """Serve every route of the Reconciler document. A new route begins with what happens from now on. StoreError
    passes; the trouble of a channel is its own."""
    served = []
    for route in desired.settings.notify:
        served.append(await _serve(store, route, _targets(route, desired), channels.get(route.to), (source, now)))
    _forget(store, desired)
    return tuple(served)


def bookmarks(store: Store) -> dict[str, Mapping[str, Any]]:
    """By route what is remembered of it, for reports."""
    return {key.removeprefix(KEYS): store.get(key) or {} for key in store.keys(KEYS)}


async def _serve(
    store: Store,
    route: Notify,
    targets: frozenset[TargetId] | None,
    channel: Channel | None,
    about: tuple[str, str],
) -> Served:
    mark = _bookmark(store, route)
    source, now = about
    found, older = _since(store, mark.seq)
    events = {one.seq: stored_event(one) for one in found}
    fresh, failing = news(events.values(), mark.failing)
    wanted = {event.id for event in fresh if takes(route, event, targets)}
    chosen = [one for one in found if events[one.seq].id in wanted]
    error, taken = "", len(chosen)
    if chosen:
        error, taken = await _send(channel, route, chosen, source, older)
    if error:
        # what was taken is done with; the failures that last are told apart again from there on
        seq = chosen[taken - 1].seq if taken else mark.seq
        _put(store, route, replace(mark, seq=seq, since=mark.since or now, error=error))
        return Served(route, taken, error, mark.since or now)
    end = found[-1].seq if found else mark.seq
    _put(store, route, _Bookmark(end, failing))
    return Served(route, taken)


async def _send(
    channel: Channel | None, route: Notify, chosen: Sequence[StoredEvent], source: str, older: int
) -> tuple[str, int]:
    """Why it failed, or "", and how many it took."""
    if channel is None:
        return f"there is no channel `{route.to}` in the file of channels (--notify-file)", 0
    events: list[AuditEvent] = [stored_event(one) for one in chosen]
    try:
        await channel.send(notice(events, source, older), chosen)
    except ChannelError as problem:
        return str(problem), problem.taken
    return "", len(chosen)


def _since(store: Store, seq: int) -> tuple[list[StoredEvent], int]:
    """The newest events after a number, oldest first, and how many more there are before them."""
    found: list[StoredEvent] = []
    for one in store.events(newest_first=True, limit=MOST_EVENTS):
        if one.seq <= seq:
            return found[::-1], 0
        found.append(one)
    return found[::-1], max(0, found[-1].seq - seq - 1) if found else 0


def _targets(route: Notify, desired: DesiredState) -> frozenset[TargetId] | None:
    """Those of the pattern; a pattern that means nothing (a finding says so) takes all."""
    if not route.limit:
        return None
    targets, problems = select(route.limit, desired)
    return None if problems else targets


def _bookmark(store: Store, route: Notify) -> _Bookmark:
    kept = store.get(KEYS + route.name)
    if kept is None:
        mark = _Bookmark(next((one.seq for one in store.events(newest_first=True, limit=1)), 0), {})
        _put(store, route, mark)
        return mark
    return _Bookmark(int(kept["seq"]), dict(kept.get("failing", {})), kept.get("since", ""), kept.get("error", ""))


def _put(store: Store, route: Notify, mark: _Bookmark) -> None:
    value = {"seq": mark.seq, "failing": dict(mark.failing), "since": mark.since, "error": mark.error, "to": route.to}
    if store.get(KEYS + route.name) != value:
        store.put(KEYS + route.name, value)


def _forget(store: Store, desired: DesiredState) -> None:
    known = {KEYS + route.name for route in desired.settings.notify}
    for key in set(store.keys(KEYS)) - known:
        store.delete(key)
