"""Real processes that write at once and are killed: what was told to be durable is there, and the chain holds."""

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy

from reconciler.io.store import DATABASE, HEAD, LOCK, open_store
from reconciler.io.store.sql import SqlStore
from reconciler.model.events import AuditEvent, Intent
from reconciler.ports import StoreError
from reconciler.report.events import stored_event

Make = Callable[..., AuditEvent]
Start = Callable[..., "subprocess.Popen[str]"]
ROUNDS = 20


def test_what_was_written_is_there_after_reopening(folder: Path, make: Make, intend: Callable[..., Intent]) -> None:
    event, intent = make(), intend()
    with closing(open_store(folder)) as store:
        store.append([event])
        store.open_intents([intent])
        store.put("key", [1])
    with closing(open_store(folder)) as store:
        assert [stored_event(each) for each in store.events()] == [event]
        assert list(store.pending_intents()) == [intent]
        assert store.get("key") == [1]
        assert store.verify() == 1


def test_the_files_are_for_this_user_only(sql: SqlStore, folder: Path, make: Make) -> None:
    sql.append([make()])
    assert folder.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    names = [DATABASE, f"{DATABASE}-shm", f"{DATABASE}-wal", HEAD, LOCK]
    assert modes == dict.fromkeys(sorted(names), 0o600)


def test_two_processes_write_into_one_chain(folder: Path, start: Start) -> None:
    writers = [start("append", folder, name, 500) for name in ("one", "two")]
    for process in writers:
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors
    with closing(open_store(folder)) as store:
        assert store.verify() == 1000
        assert Counter(stored_event(each).run for each in store.events()) == {"one": 500, "two": 500}


def test_threads_write_into_one_chain(sql: SqlStore, folder: Path, make: Make) -> None:
    errors: list[BaseException] = []

    def write(store: SqlStore) -> None:
        try:
            for _ in range(25):
                store.append([make()])
        except BaseException as error:
            errors.append(error)

    with closing(open_store(folder)) as other:
        threads = [threading.Thread(target=write, args=(store,)) for store in (sql, other) * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
    assert sql.verify() == 200


def test_the_log_verifies_while_another_process_writes(folder: Path, start: Start) -> None:
    with closing(open_store(folder)) as store:
        process = start("append", folder, "other", 300)
        counts = []
        while process.poll() is None:
            counts.append(store.verify())
        assert process.returncode == 0
        assert counts == sorted(counts)
        assert store.verify() == 300


def test_a_killed_writer_loses_nothing_that_it_told(folder: Path, start: Start) -> None:
    writer, dice = start("crash", folder), random.Random(20)
    recorded: set[str] = set()
    opened: set[str] = set()
    for _ in range(ROUNDS):
        for line in killed_at(writer, dice.randrange(1, 30), dice.uniform(0, 0.005)):
            word, *ids = line.split()
            (recorded if word == "recorded" else opened).update(ids)
        with closing(open_store(folder)) as store:
            events = [stored_event(each).id for each in store.events()]
            pending = {intent.id for intent in store.pending_intents()}
            assert store.verify() == len(events) == len(set(events))
        assert recorded <= set(events)
        assert opened <= set(events) | pending
        assert not pending & set(events)
    assert len(recorded) > ROUNDS
    assert opened


def killed_at(writer: "subprocess.Popen[str]", said: int, delay: float) -> list[str]:
    """Let a child begin, kill it ``delay`` seconds after so many lines, and return what it said until then."""
    assert writer.stdin
    assert writer.stdout
    writer.stdin.write("go\n")
    writer.stdin.flush()
    child = int(writer.stdout.readline().split()[1])
    lines = [writer.stdout.readline() for _ in range(said)]
    time.sleep(delay)
    subprocess.run(["kill", "-9", str(child)], check=True)
    while (line := writer.stdout.readline()) != "dead\n":
        assert line.endswith("\n"), writer.stderr and writer.stderr.read()
        lines.append(line)
    return lines


def test_commits_wait_for_the_disk(sql: SqlStore) -> None:
    with sql._reading() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_a_large_transaction_costs_little(sql: SqlStore, make: Make) -> None:
    """As many statements as a small one."""
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(statement)

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    try:
        sql.append([make()])
        of_one, said[:] = tuple(said), []
        sql.append([make(n) for n in range(500)])
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)
    assert len(said) == len(of_one) > 0


def test_quiet_proofs_write_nothing(sql: SqlStore, folder: Path, make: Make) -> None:
    proven = {make().object: ("h", "1")}
    sql.replace_proven("eu-1", proven)
    before = (folder / f"{DATABASE}-wal").stat().st_mtime_ns
    sql.replace_proven("eu-1", proven)
    assert (folder / f"{DATABASE}-wal").stat().st_mtime_ns == before


def test_a_closed_store_says_so(sql: SqlStore, make: Make) -> None:
    sql.close()
    with pytest.raises(StoreError, match="is closed"):
        sql.append([make()])
    with pytest.raises(StoreError, match="is closed"):
        sql.get("key")


def test_importing_the_package_does_not_load_sqlalchemy() -> None:
    root = Path(sys.modules["reconciler"].__file__ or "").parents[1]
    code = "import sys, reconciler.io.store, reconciler.io.store.memory; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0
