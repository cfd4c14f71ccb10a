"""The queries of leases. Each takes a connection with a transaction begun, locked where it writes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, Select, func, select, update

from reconciler.io.store import leases
from reconciler.io.store.leases import Bid, Ended, Row
from reconciler.io.store.tables import LEASES
from reconciler.model.leases import Lease
from reconciler.report.events import utc_text

_ROW = select(
    LEASES.c.name, LEASES.c.token, LEASES.c.holder, LEASES.c.until, LEASES.c.seconds, LEASES.c.session
).order_by(LEASES.c.name)


def acquire(connection: Connection, bid: Bid, ended: Ended) -> Lease | None:
    """The lease, None while somebody else holds the name."""
    row = find(connection, bid.name, lock=True)
    if row is not None and leases.is_held(row, bid.now, ended):
        if leases.cut(row, bid.now) != row:
            _replace(connection, leases.cut(row, bid.now))
        return None
    granted = leases.taken(row, bid)
    if row is None:
        connection.execute(LEASES.insert().values(_values(granted)))
    else:
        _replace(connection, granted)
    return granted.lease()


def renew(connection: Connection, lease: Lease, bid: Bid) -> Lease | None:
    row = find(connection, lease.name, lock=True)
    if row is None or not leases.is_current(row, lease):
        return None
    longer = Row(row.name, row.token, row.holder, bid.until, bid.seconds, row.session)
    _replace(connection, longer)
    return longer.lease()


def release(connection: Connection, lease: Lease) -> None:
    row = find(connection, lease.name, lock=True)
    if row is not None and leases.is_current(row, lease):
        _replace(connection, Row(row.name, row.token, "", row.until, row.seconds))


def check(connection: Connection, held: Iterable[Lease]) -> None:
    """LeaseLost when one of them is not the last of its name. Nobody takes it over before this transaction ends."""
    for lease in sorted(held, key=lambda lease: lease.name):
        leases.check(find(connection, lease.name, lock=True), lease)


def find(connection: Connection, name: str, *, lock: bool = False) -> Row | None:
    query = _ROW.where(LEASES.c.name == name)
    found = _rows(connection, query.with_for_update() if lock else query)
    return found[0] if found else None


def beginning(connection: Connection, prefix: str) -> list[Row]:
    return _rows(connection, _ROW.where(func.substr(LEASES.c.name, 1, len(prefix)) == prefix))


def _rows(connection: Connection, query: Select[str, int, str, str, float, str]) -> list[Row]:
    return [
        Row(name, token, holder, datetime.fromisoformat(until), seconds, session)
        for name, token, holder, until, seconds, session in connection.execute(query)
    ]


def _replace(connection: Connection, row: Row) -> None:
    connection.execute(update(LEASES).where(LEASES.c.name == row.name).values(_values(row)))


def _values(row: Row) -> dict[str, str | int | float]:
    return {
        "name": row.name,
        "token": row.token,
        "holder": row.holder,
        "until": utc_text(row.until),
        "seconds": row.seconds,
        "session": row.session,
    }
