"""Who may write: the rules of leases and their fencing tokens, the same for every kind of store. Pure.

A token is worth something as long as nobody has taken the name since, whatever the clock says: so a clock that
jumps may end a lease early or late, and never lets two holders record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from reconciler.model.leases import Lease
from reconciler.ports import LeaseLost

Ended = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Row:
    """The last lease of a name. ``seconds`` is what it was given; ``holder`` is "" once it is released.

    ``session`` is what tells whether the holder's process lives, "" where that cannot be known.
    """

    name: str
    token: int
    holder: str
    until: datetime
    seconds: float
    session: str = ""

    def lease(self) -> Lease:
        return Lease(self.name, self.holder, self.token, self.until)


@dataclass(frozen=True, slots=True)
class Bid:
    """Who wants a name, and for how long from when."""

    name: str
    holder: str
    seconds: float
    now: datetime
    session: str = ""

    @property
    def until(self) -> datetime:
        return self.now.astimezone(UTC) + timedelta(seconds=self.seconds)


def is_held(row: Row, now: datetime, ended: Ended) -> bool:
    """``ended`` says of a session that its process is known to have ended."""
    return bool(row.holder) and row.until > now and not (row.session and ended(row.session))


def seen(row: Row, now: datetime, ended: Ended) -> Lease:
    """The lease as others see it: without a holder when nobody holds it now."""
    return row.lease() if is_held(row, now, ended) else replace(row, holder="").lease()


def taken(row: Row | None, bid: Bid) -> Row:
    """The row after the bid was granted."""
    if not bid.holder or bid.seconds <= 0:
        raise ValueError("a lease has a holder and some time to run")
    token = row.token + 1 if row else 1
    return Row(bid.name, token, bid.holder, bid.until, bid.seconds, bid.session)


def cut(row: Row, now: datetime) -> Row:
    """The row with no more time to run than it was given: there is more only if the clock was set back since."""
    return replace(row, until=min(row.until, now.astimezone(UTC) + timedelta(seconds=row.seconds)))


def is_current(row: Row | None, lease: Lease) -> bool:
    return row is not None and row.token == lease.token and row.holder == lease.holder


def check(row: Row | None, lease: Lease) -> None:
    """LeaseLost, saying to whom, unless the lease is the last one of its name."""
    if is_current(row, lease):
        return
    if row is None or row.token == lease.token:
        told = "it was given up"
    elif not row.holder:
        told = "another writer took over meanwhile"
    else:
        told = f"{row.holder} took over and holds it until {clock(row.until)} (token {row.token})"
    raise LeaseLost(f"the lease {lease.name} (token {lease.token}) is lost, so nothing was recorded: {told}")


def clock(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
