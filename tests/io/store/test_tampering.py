"""What is done to the log behind the store's back is found, and named by its place."""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reconciler.io.store import DATABASE, HEAD, open_store
from reconciler.io.store.chain import Head, link
from reconciler.io.store.sql import SqlStore
from reconciler.model.events import AuditEvent, Intent
from reconciler.ports import StoreError, Tampered
from reconciler.report.events import stored_event

Make = Callable[..., AuditEvent]
Run = Callable[..., None]


@pytest.fixture
def log(sql: SqlStore, make: Make) -> SqlStore:
    for n in range(6):
        sql.append([make(n)])
    return sql


@pytest.fixture
def run(folder: Path) -> Run:
    """Run statements on the database as somebody with sqlite3 at hand would."""

    def done(*statements: str, **values: Any) -> None:
        connection = sqlite3.connect(folder / DATABASE)
        for statement in statements:
            connection.execute(statement, values)
        connection.commit()
        connection.close()

    return done


def broken(store: SqlStore, seq: int, what: str) -> None:
    with pytest.raises(Tampered, match=what) as caught:
        store.verify()
    assert caught.value.seq == seq, caught.value


def rehashed(store: SqlStore, seq: int, **changes: Any) -> dict[str, Any]:
    """Event ``seq`` with other content and a hash that fits it."""
    stored = next(each for each in store.events() if each.seq == seq)
    body = json.dumps({**json.loads(stored.body), **changes}, sort_keys=True, separators=(",", ":"))
    return {"body": body, "hash": hashlib.sha256(f"{stored.previous}\n{body}".encode()).hexdigest()}


def shifted(start: int) -> list[str]:
    """Statements that move the rows from ``start`` on by one, away from each other's numbers."""
    return [
        f"UPDATE events SET seq = -seq WHERE seq >= {start}",
        f"UPDATE events SET seq = 1 - seq WHERE seq <= -{start}",
    ]


def test_an_untouched_log_verifies(log: SqlStore) -> None:
    assert log.verify() == 6


@pytest.mark.parametrize("column", ["body", "hash"])
def test_a_changed_row_is_found(log: SqlStore, run: Run, column: str) -> None:
    run(f"UPDATE events SET {column} = replace({column}, 'a', 'b') WHERE seq = 3")
    broken(log, 3, "event 3: changed: hash and body differ")


@pytest.mark.parametrize(
    "column", ["id", "time", "run", "type", "target", "cluster", "api_group", "object", "commit_sha", "result"]
)
def test_a_column_that_no_longer_says_what_the_body_says_is_found(log: SqlStore, run: Run, column: str) -> None:
    run(f"UPDATE events SET {column} = 'other' WHERE seq = 4")
    broken(log, 4, f"event 4: changed: column {column} differs")


@pytest.mark.parametrize("body", ["{", "[]", "null", "7", '{"seq":3}', '{"seq":3,"id":[],"target":"x"}'])
def test_a_body_that_is_no_event_is_found(log: SqlStore, run: Run, body: str) -> None:
    previous = next(each for each in log.events() if each.seq == 3).previous
    fresh = hashlib.sha256(f"{previous}\n{body}".encode()).hexdigest()
    run("UPDATE events SET body = :body, hash = :hash WHERE seq = 3", body=body, hash=fresh)
    broken(log, 3, "event 3: changed")


def test_a_changed_row_with_a_fresh_hash_is_found(log: SqlStore, run: Run) -> None:
    run("UPDATE events SET body = :body, hash = :hash WHERE seq = 3", **rehashed(log, 3, error="none"))
    broken(log, 4, "event 4: changed: this one or event 3")


def test_a_last_row_with_a_fresh_hash_is_found(log: SqlStore, run: Run) -> None:
    run("UPDATE events SET body = :body, hash = :hash WHERE seq = 6", **rehashed(log, 6, error="none"))
    broken(log, 6, "event 6 or before.*head kept beside")


@pytest.mark.parametrize("seq", [1, 3, 5])
def test_a_removed_row_is_found(log: SqlStore, run: Run, seq: int) -> None:
    run(f"DELETE FROM events WHERE seq = {seq}")
    broken(log, seq, f"event {seq}: removed")


def test_a_removed_row_with_the_rest_moved_up_is_found(log: SqlStore, run: Run) -> None:
    run("DELETE FROM events WHERE seq = 3", *(f"UPDATE events SET seq = {n - 1} WHERE seq = {n}" for n in (4, 5, 6)))
    broken(log, 3, "event 3: removed: the row holds event 4")


def test_exchanged_rows_are_found(log: SqlStore, run: Run) -> None:
    run(*(f"UPDATE events SET seq = {new} WHERE seq = {old}" for old, new in ((2, 99), (5, 2), (99, 5))))
    broken(log, 2, "event 2: reordered: the row holds event 5")


def test_a_row_that_was_moved_to_the_end_is_found(log: SqlStore, run: Run) -> None:
    run("UPDATE events SET seq = 99 WHERE seq = 2")
    broken(log, 2, "event 2: reordered: it is elsewhere")


COPY = "id, time, run, type, target, cluster, api_group, object, commit_sha, result, previous, hash, body"


@pytest.mark.parametrize("hashed", ["hash", "'made up'"])
def test_an_inserted_row_is_found(log: SqlStore, run: Run, hashed: str) -> None:
    source = f"SELECT 3, 'new', time, run, type, target, cluster, api_group, object, commit_sha, result, 'x', {hashed}"
    run(*shifted(3), f"INSERT INTO events (seq, {COPY}) {source}, body FROM events WHERE seq = 2")
    broken(log, 3, "event 3: inserted: the true one follows")


def test_an_inserted_row_that_continues_the_chain_is_found(log: SqlStore, run: Run, make: Make) -> None:
    [forged] = link(Head(2, next(each for each in log.events() if each.seq == 2).hash), [make()])
    names = ", ".join(forged.columns)
    values = ", ".join(f":{name}" for name in forged.columns)
    run(*shifted(3))
    stored = {"previous": forged.stored.previous, "hash": forged.stored.hash, "body": forged.stored.body}
    insert = f"INSERT INTO events (seq, previous, hash, body, {names}) VALUES (3, :previous, :hash, :body, {values})"
    run(insert, **stored, **forged.columns)
    broken(log, 4, "event 4: inserted: a row before it, for the row holds event 3")


@pytest.mark.parametrize("seq", [0, -4])
def test_a_row_before_the_first_is_found(log: SqlStore, run: Run, seq: int) -> None:
    values = COPY.replace("id,", "'new',", 1)
    run(f"INSERT INTO events (seq, {COPY}) SELECT {seq}, {values} FROM events WHERE seq = 2")
    broken(log, 1, f"event 1: inserted: a row numbered {seq}")


def test_a_cut_tail_is_found(log: SqlStore, run: Run) -> None:
    run("DELETE FROM events WHERE seq > 4")
    broken(log, 5, "event 5: the tail is cut; 6 events were recorded and 4 are there")


def test_an_emptied_log_is_found(log: SqlStore, run: Run) -> None:
    run("DELETE FROM events")
    broken(log, 1, "event 1: the tail is cut; 6 events were recorded and 0 are there")


def test_a_log_that_was_written_anew_is_found(log: SqlStore, folder: Path, tmp_path: Path, make: Make) -> None:
    other = open_store(tmp_path / "other")
    other.append([make() for _ in range(8)])
    other.close()
    log.close()
    shutil.copy(tmp_path / "other" / DATABASE, folder / DATABASE)
    with closing(open_store(folder)) as store:
        broken(store, 6, "event 6 or before.*head kept beside")
        with pytest.raises(Tampered, match="head kept beside"):
            store.append([make()])


def test_a_database_that_was_removed_is_found(log: SqlStore, folder: Path, make: Make) -> None:
    log.close()
    (folder / DATABASE).unlink()
    with closing(open_store(folder)) as store:
        broken(store, 1, "the tail is cut")
        with pytest.raises(Tampered, match="the tail is cut"):
            store.append([make()])


def test_a_missing_head_is_found_and_not_made_anew(log: SqlStore, folder: Path, make: Make) -> None:
    (folder / HEAD).unlink()
    broken(log, 0, "head of the audit log is missing, while the log holds 6 events")
    with pytest.raises(Tampered, match="missing"):
        log.append([make()])
    log.close()
    with closing(open_store(folder)) as store:
        broken(store, 0, "missing")
    assert not (folder / HEAD).exists()


@pytest.mark.parametrize("text", ["", "garbage", "{}", "[]", '{"count":"six","hash":""}'])
def test_an_unreadable_head_is_found(log: SqlStore, folder: Path, make: Make, text: str) -> None:
    (folder / HEAD).write_text(text)
    broken(log, 0, "head of the audit log cannot be read")
    with pytest.raises(Tampered, match="cannot be read"):
        log.append([make()])


def test_a_head_ahead_of_the_log_is_found(log: SqlStore, folder: Path) -> None:
    (folder / HEAD).write_text(json.dumps({"count": 7, "hash": "f" * 64}))
    broken(log, 7, "the tail is cut")


def test_a_broken_end_takes_no_more_events_and_no_intents(
    log: SqlStore, run: Run, make: Make, intend: Callable[..., Intent]
) -> None:
    log.open_intents([before := intend()])
    run("DELETE FROM events WHERE seq = 6")
    for write in (
        lambda: log.append([make()]),
        lambda: log.open_intents([intend()]),
        lambda: log.close_intents({before.id: before.event}),
    ):
        with pytest.raises(Tampered, match="the tail is cut"):
            write()
    assert [each.seq for each in log.events()] == [1, 2, 3, 4, 5]
    assert list(log.pending_intents()) == [before]


def test_a_head_that_is_behind_is_a_crash_and_catches_up(log: SqlStore, folder: Path, make: Make) -> None:
    old = {"count": 4, "hash": next(each for each in log.events() if each.seq == 4).hash}
    (folder / HEAD).write_text(json.dumps(old))
    assert log.verify() == 6
    assert json.loads((folder / HEAD).read_text())["count"] == 6
    (folder / HEAD).write_text(json.dumps(old))
    log.append([make()])
    last = list(log.events())[-1]
    assert json.loads((folder / HEAD).read_text()) == {"count": 7, "hash": last.hash}


def test_a_crash_before_the_first_head_was_written_is_no_tampering(log: SqlStore, folder: Path, make: Make) -> None:
    for check in (log.verify, lambda: log.append([make()])):
        (folder / HEAD).write_text(json.dumps({"count": 0, "hash": "0" * 64}))
        check()
    assert json.loads((folder / HEAD).read_text())["count"] == log.verify() == 7


def test_what_lies_beyond_a_head_that_is_behind_must_continue_the_chain(
    log: SqlStore, folder: Path, run: Run, make: Make
) -> None:
    old = {"count": 4, "hash": next(each for each in log.events() if each.seq == 4).hash}
    (folder / HEAD).write_text(json.dumps(old))
    run("UPDATE events SET body = replace(body, 'a', 'b') WHERE seq = 5")
    with pytest.raises(Tampered, match="event 5: changed"):
        log.append([make()])
    assert json.loads((folder / HEAD).read_text()) == old


def test_a_restored_backup_goes_on_after_somebody_says_so(log: SqlStore, run: Run, make: Make) -> None:
    run("DELETE FROM events WHERE seq > 4")
    log.restate_head(make(type="audit.restated", id="restated"))
    log.append([make()])
    assert log.verify() == 6
    assert stored_event(list(log.events())[4]).id == "restated"


def test_a_head_that_cannot_be_written_stops_the_next_write(log: SqlStore, folder: Path, make: Make) -> None:
    obstacle = folder / f"{HEAD}.new"
    obstacle.mkdir()
    recorded, refused = make(), make()
    log.append([recorded])
    assert [stored_event(each).id for each in log.events(newest_first=True, limit=1)] == [recorded.id]
    with pytest.raises(StoreError, match="nothing was recorded"):
        log.append([refused])
    assert log.verify() == 7
    obstacle.rmdir()
    log.append([refused])
    assert log.verify() == 8
    assert json.loads((folder / HEAD).read_text())["count"] == 8
