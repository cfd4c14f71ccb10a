"""All that is particular to a database product: its engine, its types, and the wording of its errors."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, BigInteger, Connection, Engine, Integer, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from reconciler.ports import StoreError

#: A running number; SQLite keys its table by it only when it is called INTEGER, which has 64 bits there.
SEQUENCE = BigInteger().with_variant(Integer(), "sqlite")

_WORDS = {
    "SQLITE_FULL": "the disk is full; free some space in {folder}",
    "SQLITE_IOERR": "it could not be read or written: the disk of {folder} is full, failing or limited by a quota",
    "SQLITE_BUSY": "another process holds its write lock for longer than {timeout:g} s; "
    "see who it is with: fuser {path}",
    "SQLITE_LOCKED": "another connection holds its lock; try again",
    "SQLITE_READONLY": "it is read-only; make {folder} and the files in it writable for this user",
    "SQLITE_PERM": "this user may not open it; make {folder} and the files in it writable for this user",
    "SQLITE_CANTOPEN": "it cannot be opened; see that {folder} exists and is writable for this user",
    "SQLITE_CORRUPT": "its file is corrupt; restore {folder} from a backup, or move it away to begin anew "
    "(ownership is then read back from the clusters)",
    "SQLITE_NOTADB": "its file is not a database; restore {folder} from a backup, or move it away to begin anew "
    "(ownership is then read back from the clusters)",
}
_ERRNO = {
    errno.ENOSPC: "SQLITE_FULL",
    errno.EDQUOT: "SQLITE_FULL",
    errno.EROFS: "SQLITE_READONLY",
    errno.EACCES: "SQLITE_PERM",
    errno.EPERM: "SQLITE_PERM",
}
_RETRYABLE = ("SQLITE_FULL", "SQLITE_BUSY", "SQLITE_LOCKED")


def sqlite_engine(path: Path, timeout: float) -> Engine:
    """An engine on a file. Transactions of ``writer(engine)`` take the write lock when they begin.

    Commits are on the disk when they return (WAL with synchronous=FULL). ``timeout``: seconds to wait for a lock.
    """
    url = URL.create("sqlite", database=str(path))
    # No limit on connections: waiting for one would be a second lock with another error.
    engine = create_engine(url, connect_args={"timeout": timeout}, pool_size=4, max_overflow=-1)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def writer(engine: Engine) -> Engine:
    """The same engine for transactions that write."""
    return engine.execution_options(writes=True)


@contextmanager
def told_as_store_errors(doing: str, path: Path, timeout: float) -> Iterator[None]:
    """Raise what the database or the file system says as StoreError, in words that tell what to do.

    ``doing`` is open, read or write.
    """
    try:
        yield
    except DBAPIError as error:
        raise _worded(error.orig or error, doing, path, timeout) from error
    except (sqlite3.Error, OSError) as error:
        raise _worded(error, doing, path, timeout) from error


def _worded(error: BaseException, doing: str, path: Path, timeout: float) -> StoreError:
    family = _family(error)
    told = _WORDS[family].format(folder=path.parent, path=path, timeout=timeout) if family else str(error)
    nothing = ", so nothing was recorded" if doing == "write" else ""
    worded = StoreError(f"cannot {doing} the state store {path}{nothing}: {told}")
    worded.retryable = family in _RETRYABLE
    return worded


def _family(error: BaseException) -> str:
    """The key of ``_WORDS`` that this error belongs to, "" for none."""
    if isinstance(error, OSError):
        return _ERRNO.get(error.errno or 0, "")
    if "decode to UTF-8" in str(error):
        return "SQLITE_CORRUPT"
    name = str(getattr(error, "sqlite_errorname", ""))
    return next((known for known in _WORDS if name.startswith(known)), "")


def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # Else the driver itself would begin transactions, late and without the lock.
    connection.isolation_level = None
    try:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()
    except sqlite3.Error:
        connection.close()
        raise


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")
