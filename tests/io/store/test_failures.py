"""Disk full, locked, read-only, corrupt, foreign, newer: a StoreError that says what to do, and nothing half done."""

import os
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from reconciler.io.store import DATABASE, open_store, schema
from reconciler.io.store.sql import SqlStore
from reconciler.io.store.tables import METADATA
from reconciler.model.events import AuditEvent, Intent
from reconciler.ports import StoreError, Tampered
from reconciler.report.events import stored_event

Make = Callable[..., AuditEvent]
Start = Callable[..., "subprocess.Popen[str]"]


def fill(store: SqlStore, make: Make, durable: list[str]) -> None:
    """Append until it fails; ``durable`` gets the ids of what was recorded."""
    while True:
        events = [make(error="x" * 2000) for _ in range(5)]
        store.append(events)
        durable += [event.id for event in events]


def test_a_full_disk_records_nothing_and_goes_on_when_there_is_space(
    disk: Path, make: Make, intend: Callable[..., Intent]
) -> None:
    with closing(open_store(disk / "state")) as store:
        store.open_intents([intent := intend()])
        durable: list[str] = []
        with pytest.raises(StoreError, match=r"nothing was recorded: the disk .*full") as caught:
            fill(store, make, durable)
        assert caught.value.retryable
        with pytest.raises(StoreError, match="full"):
            store.close_intents({intent.id: make(id=intent.id, error="x" * 100_000)})
        with pytest.raises(StoreError, match="full"):
            store.open_intents([intend(error="x" * 100_000)])
        assert list(store.pending_intents()) == [intent]
        assert [stored_event(each).id for each in store.events()] == durable
        assert store.verify() == len(durable)
        subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
        store.close_intents({intent.id: intent.event})
        assert store.verify() == len(durable) + 1


def test_a_full_disk_cannot_hold_a_new_store(disk: Path) -> None:
    with suppress(OSError), (disk / "ballast").open("wb") as ballast:
        ballast.write(b"x" * 2_000_000)
    with pytest.raises(StoreError, match=r"cannot open the state store .*full"):
        open_store(disk / "state")


def test_a_limit_on_the_size_of_files_is_told(folder: Path, start: Start) -> None:
    process = start("fill", folder, 1_000_000)
    told, errors = process.communicate(timeout=240)
    count, _, message = told.partition(" ")
    assert int(count) > 10, errors
    assert "nothing was recorded" in message
    assert "limited by a quota" in message
    with closing(open_store(folder)) as store:
        assert store.verify() == int(count)


def test_a_read_only_disk(disk: Path) -> None:
    open_store(disk / "state").close()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(StoreError, match=r"read-only; make .* writable"):
        open_store(disk / "state")
    with pytest.raises(StoreError, match=r"read-only; make .* writable"):
        open_store(disk / "other")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere; the read-only disk covers it")
def test_a_folder_that_this_user_may_not_write_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match=r"may not open it; make .* writable"):
        open_store(tmp_path / "state")


def test_a_lock_that_another_process_holds(folder: Path, start: Start, make: Make) -> None:
    with closing(open_store(folder, timeout=0.3)) as store:
        holder = start("hold", folder)
        assert holder.stdout
        assert holder.stdout.readline() == "locked\n"
        before = time.monotonic()
        with pytest.raises(
            StoreError, match=r"nothing was recorded: another process holds .* longer than 0\.3 s"
        ) as caught:
            store.append([make()])
        assert time.monotonic() - before > 0.25
        assert caught.value.retryable
        assert store.verify() == 0
        holder.communicate(timeout=240)
        store.append([make()])
        assert store.verify() == 1


def damage(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


@pytest.fixture
def closed(folder: Path, make: Make) -> Path:
    """A store with 200 events, closed."""
    with closing(open_store(folder)) as store:
        store.append([make() for _ in range(200)])
    return folder


def test_a_file_that_is_no_database(closed: Path) -> None:
    (closed / DATABASE).write_bytes(b"not a database at all" * 1000)
    with pytest.raises(StoreError, match=r"cannot open .*not a database; restore .* from a backup"):
        open_store(closed)


def test_a_database_with_its_pages_overwritten(closed: Path, make: Make) -> None:
    damage(closed / DATABASE, 4096, b"\xff" * (closed / DATABASE).stat().st_size)
    with pytest.raises(StoreError, match=r"corrupt; restore .* from a backup"):
        open_store(closed)


def test_a_database_that_was_cut_short(closed: Path) -> None:
    path = closed / DATABASE
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(StoreError, match="corrupt; restore"), closing(open_store(closed)) as store:
        store.verify()


def test_bytes_overwritten_in_the_middle_are_never_taken_for_events(closed: Path) -> None:
    path, found = closed / DATABASE, 0
    whole = path.read_bytes()
    for offset in range(4096 + 500, len(whole), len(whole) // 25):
        path.write_bytes(whole)
        damage(path, offset, b"\xc3\x28\x00\xff" * 16)
        try:
            with closing(open_store(closed)) as store:
                assert store.verify() == 200
        except StoreError:
            found += 1
    assert found > 5


def test_a_text_that_is_no_text(closed: Path) -> None:
    with closing(sqlite3.connect(closed / DATABASE)) as connection:
        connection.execute("UPDATE events SET body = CAST(x'c328' AS TEXT) WHERE seq = 7")
        connection.commit()
    with closing(open_store(closed)) as store, pytest.raises(StoreError, match="corrupt; restore"):
        store.verify()


def test_bytes_in_place_of_text_are_tampering(closed: Path) -> None:
    with closing(sqlite3.connect(closed / DATABASE)) as connection:
        connection.execute("UPDATE events SET body = CAST(body AS BLOB) WHERE seq = 7")
        connection.commit()
    with closing(open_store(closed)) as store, pytest.raises(Tampered, match="event 7: changed"):
        store.verify()


def test_a_database_of_another_program(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        connection.execute("CREATE TABLE songs (name TEXT)")
    with pytest.raises(StoreError, match="another program: it has the tables songs"):
        open_store(folder)
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("songs",)]


def test_a_newer_schema(closed: Path) -> None:
    with closing(sqlite3.connect(closed / DATABASE)) as connection:
        connection.execute("UPDATE schema_version SET version = 99")
        connection.commit()
    with pytest.raises(StoreError, match=r"schema 99 .* knows up to 2: it was written by a newer reconciler"):
        open_store(closed)


def test_a_schema_without_a_version(closed: Path) -> None:
    with closing(sqlite3.connect(closed / DATABASE)) as connection:
        connection.execute("DELETE FROM schema_version")
        connection.commit()
    with pytest.raises(StoreError, match="0 schema versions"):
        open_store(closed)


def test_a_step_of_the_schema_is_done_whole_or_not_at_all(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def add_note(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE kv ADD COLUMN note TEXT"))

    def fail(connection: Connection) -> None:
        add_note(connection)
        raise StoreError("no")

    def columns() -> list[str]:
        with closing(sqlite3.connect(closed / DATABASE)) as connection:
            return [row[1] for row in connection.execute("PRAGMA table_info(kv)")]

    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, fail))
    with pytest.raises(StoreError, match="no"):
        open_store(closed)
    assert columns() == ["key", "value"]
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS[:-1], add_note))
    for _ in range(2):
        with closing(open_store(closed)) as store:
            assert store.verify() == 200
    assert columns() == ["key", "value", "note"]


def test_a_store_of_the_first_version_gets_leases(closed: Path) -> None:
    with closing(sqlite3.connect(closed / DATABASE)) as connection:
        connection.execute("DROP TABLE leases")
        connection.execute("UPDATE schema_version SET version = 1")
        connection.commit()
    with closing(open_store(closed)) as store:
        assert store.verify() == 200
        assert store.acquire_lease("target/eu/mesh", "host:1", 30, datetime(2026, 3, 1, tzinfo=UTC))


def test_steps_that_leave_a_column_out_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *rest = schema.STEPS

    def forgetful(connection: Connection) -> None:
        first(connection)
        connection.execute(text("ALTER TABLE proven DROP COLUMN desired_hash"))

    monkeypatch.setattr(schema, "STEPS", (forgetful, *rest))
    with pytest.raises(StoreError, match="table proven lacks desired_hash"):
        open_store(folder)


def test_a_folder_that_others_may_write_to(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o775)
    with pytest.raises(StoreError, match=r"other users may write .*chmod 700"):
        open_store(folder)


def test_a_database_that_is_a_link_or_a_folder(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(mode=0o700)
    (tmp_path / "elsewhere").touch(0o644)
    (folder / DATABASE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="not a plain file"):
        open_store(folder)
    (folder / DATABASE).unlink()
    (folder / DATABASE).mkdir()
    with pytest.raises(StoreError, match="not a plain file"):
        open_store(folder)


def test_a_folder_that_is_a_file(folder: Path) -> None:
    folder.write_text("")
    with pytest.raises(StoreError, match="cannot open the state store"):
        open_store(folder)


def test_a_lax_file_is_tightened(closed: Path) -> None:
    (closed / DATABASE).chmod(0o644)
    open_store(closed).close()
    assert (closed / DATABASE).stat().st_mode & 0o777 == 0o600


def test_the_tables_are_valid_for_postgresql() -> None:
    dialect = postgresql.dialect()
    for table in METADATA.sorted_tables:
        ddl = str(CreateTable(table).compile(dialect=dialect))
        assert "CREATE TABLE" in ddl
        for index in table.indexes:
            assert "CREATE INDEX" in str(CreateIndex(index).compile(dialect=dialect))
    assert "seq BIGINT NOT NULL" in str(CreateTable(METADATA.tables["events"]).compile(dialect=dialect))


def test_an_error_inside_a_transaction_leaves_the_store_usable(sql: SqlStore, make: Make) -> None:
    with pytest.raises(TypeError, match="not a JSON value"):
        sql.append([make(), make(details={"what": object()})])
    with pytest.raises(TypeError, match="not a JSON value"):
        sql.put("key", object())
    sql.append([make()])
    assert sql.verify() == 1
