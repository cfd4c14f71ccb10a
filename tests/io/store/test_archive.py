"""The beginning of the log moved to a file: nothing is lost, and the chain goes on where the file ends."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from reconciler.cli.main import cli
from reconciler.io.store import DATABASE, HEAD, open_store, retention
from reconciler.io.store import sql as sql_store
from reconciler.io.store.archive import read_archive, write_archive
from reconciler.io.store.sql import SqlStore
from reconciler.model.events import AuditEvent
from reconciler.model.refs import ObjectKey
from reconciler.ports import StoreError, Tampered
from reconciler.report.events import stored_event
from tests.io.store.conftest import START

Make = Callable[..., AuditEvent]


@pytest.fixture
def log(sql: SqlStore, make: Make) -> SqlStore:
    """Ten events, a minute apart."""
    sql.append([make(minute=number, error=f"n{number}") for number in range(10)])
    return sql


def minute(number: int) -> str:
    return (START + timedelta(minutes=number)).isoformat()


def archive(folder: Path, before: str, file: Path) -> tuple[int, str]:
    done = CliRunner().invoke(
        cli, ["--state", str(folder), "audit", "archive", "--before", before, "--to", str(file)],
        standalone_mode=False, catch_exceptions=True,
    )  # fmt: skip
    return (1, str(done.exception)) if done.exception else (done.return_value, done.output)


def verify(folder: Path, *files: Path) -> tuple[int, str]:
    options = [word for file in files for word in ("--archive", str(file))]
    done = CliRunner().invoke(cli, ["--state", str(folder), "audit", "verify", *options], standalone_mode=False)
    return done.return_value, done.output


def numbers(store: SqlStore) -> list[int]:
    return [stored.seq for stored in store.events()]


def test_exactly_the_old_events_move_and_the_chain_goes_on(
    log: SqlStore, folder: Path, tmp_path: Path, make: Make
) -> None:
    bodies = [stored.body for stored in log.events()]
    file = tmp_path / "old.jsonl"
    assert archive(folder, minute(4), file) == (0, f"4 events (1 to 4) are in {file}, and out of the log\n")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["data"] for line in lines] == [json.loads(body) for body in bodies[:4]]
    assert {line["specversion"] for line in lines} == {"1.0"}
    assert file.stat().st_mode & 0o777 == 0o600
    assert numbers(log) == [5, 6, 7, 8, 9, 10, 11]
    event = [stored_event(stored) for stored in log.events()][-1]
    assert (event.type, event.details["first"], event.details["through"]) == ("audit.archived", 1, 4)
    assert event.details["sha256"] == read_archive(file).sha256
    log.append([make(minute=20)])
    assert log.verify() == 12
    assert verify(folder) == (
        0,
        "8 events, the chain is whole; events 1 to 4 are in archives that were not given (old.jsonl)\n",
    )
    assert verify(folder, file) == (0, f"12 events, the chain is whole, 4 of them in {file}\n")


def test_archives_follow_each_other(log: SqlStore, folder: Path, tmp_path: Path) -> None:
    one, two, three = (tmp_path / f"{name}.jsonl" for name in ("one", "two", "three"))
    assert archive(folder, minute(3), one)[0] == 0
    assert archive(folder, minute(7), two)[0] == 0
    assert archive(folder, "2999-01-01", three)[0] == 0  # everything, the two events about archives too
    assert numbers(log) == [13]
    assert log.verify() == 13
    said = f"13 events, the chain is whole, 12 of them in {one}, {two}, {three}\n"
    assert verify(folder, three, one, two) == (0, said)
    lacking = "events 1 to 3 are in archives that were not given"
    assert verify(folder, two, three)[1] == f"10 events, the chain is whole, 9 of them in {two}, {three}; {lacking}\n"
    code, told = verify(folder, one, three)
    assert code == 1
    assert "do not belong together" in told
    assert verify(folder, one, two)[0] == 1


def test_it_stops_at_the_first_event_that_is_not_older(sql: SqlStore, folder: Path, tmp_path: Path, make: Make) -> None:
    """A clock that jumped leaves times that do not grow; the log stays in one piece."""
    sql.append([make(minute=number) for number in (0, 9, 1, 2)])
    assert archive(folder, minute(5), tmp_path / "a")[0] == 0
    assert numbers(sql) == [2, 3, 4, 5]
    assert verify(folder, tmp_path / "a")[0] == 0


def test_nothing_old_makes_no_file(log: SqlStore, folder: Path, tmp_path: Path) -> None:
    assert archive(folder, minute(0), tmp_path / "a")[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    assert log.verify() == 10


def test_a_file_of_something_else_is_not_overwritten(log: SqlStore, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("mine\n")
    code, told = archive(folder, minute(4), file)
    assert code == 1
    assert "broken in line 1" in told
    assert file.read_text() == "mine\n"
    other = tmp_path / "b"
    write_archive(other, list(log.events())[:2], "x")
    assert "holds other events" in archive(folder, minute(4), other)[1]
    assert log.verify() == len(numbers(log)) == 10


def test_an_attempt_that_died_between_file_and_removal_is_taken_up(log: SqlStore, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "a"
    write_archive(file, list(log.events())[:4], "mesh-reconciler")
    assert archive(folder, minute(4), file)[0] == 0
    assert numbers(log) == [5, 6, 7, 8, 9, 10, 11]
    assert verify(folder, file)[0] == 0


def test_a_crash_before_the_head_was_written_is_no_tampering(
    log: SqlStore, folder: Path, tmp_path: Path, make: Make
) -> None:
    head = (folder / HEAD).read_bytes()
    assert archive(folder, "2999-01-01", tmp_path / "a")[0] == 0
    (folder / HEAD).write_bytes(head)
    log.append([make()])
    assert log.verify() == 12


def test_a_disk_that_is_full_removes_nothing(log: SqlStore, folder: Path, disk: Path) -> None:
    (disk / "ballast").write_bytes(b"x" * 1_040_000)
    code, told = archive(folder, minute(9), disk / "a")
    assert (code, "nothing was removed" in told) == (1, True), told
    assert [path.name for path in disk.iterdir()] == ["ballast"]
    assert log.verify() == len(numbers(log)) == 10


@pytest.mark.parametrize("seq", [5, 6])
def test_events_cut_off_at_the_beginning_are_found(log: SqlStore, folder: Path, tmp_path: Path, seq: int) -> None:
    assert archive(folder, minute(4), tmp_path / "a")[0] == 0
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        connection.execute("DELETE FROM events WHERE seq <= ?", (seq,))
        connection.commit()
    with pytest.raises(Tampered, match="event 1: removed"):
        log.verify()


@pytest.mark.parametrize("change", ["body", "line", "order"])
def test_a_changed_archive_is_found(log: SqlStore, folder: Path, tmp_path: Path, change: str) -> None:
    file = tmp_path / "a"
    assert archive(folder, minute(4), file)[0] == 0
    lines = file.read_text().splitlines()
    if change == "body":
        lines[1] = lines[1].replace("n1", "nX")
    elif change == "line":
        del lines[1]
    else:
        lines[1], lines[2] = lines[2], lines[1]
    file.write_text("\n".join(lines) + "\n")
    code, told = verify(folder, file)
    assert code == 1
    assert "broken at event 2" in told


def test_an_archive_of_another_log_does_not_join(log: SqlStore, folder: Path, tmp_path: Path, make: Make) -> None:
    with closing(open_store(tmp_path / "other")) as other:
        other.append([make(minute=number) for number in range(4)])
        write_archive(tmp_path / "foreign", other.events(), "x")
    assert archive(folder, minute(4), tmp_path / "a")[0] == 0
    assert "do not belong together" in verify(folder, tmp_path / "foreign")[1]
    event = make(
        type="audit.archived", details={"first": 1, "through": 4, "hash": read_archive(tmp_path / "foreign").end.hash}
    )
    with pytest.raises(Tampered):
        log.forget_archived(read_archive(tmp_path / "foreign"), event)
    assert numbers(log)[0] == 5


def test_bytes_that_are_no_text_survive(sql: SqlStore, folder: Path, tmp_path: Path, make: Make) -> None:
    sql.append([make(error="caf\udce9 ünï"), make()])
    assert archive(folder, "2999-01-01", tmp_path / "a")[0] == 0
    assert verify(folder, tmp_path / "a") == (0, f"3 events, the chain is whole, 2 of them in {tmp_path / 'a'}\n")


def test_an_empty_archive_is_none(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(StoreError, match="is empty"):
        read_archive(tmp_path / "a")


class Cut(Exception):
    """The process dies here."""


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """The removal takes two events a time, and dies after so many times."""

    def after(batches: int) -> None:
        left = batches

        def rest(_seconds: float) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise Cut

        monkeypatch.setattr(retention, "BATCH", 2)
        monkeypatch.setattr(retention.time, "sleep", rest)

    return after


def cli_out(folder: Path, *arguments: str) -> str:
    done = CliRunner().invoke(cli, ["--state", str(folder), "audit", *arguments], standalone_mode=False)
    assert done.exception is None, done.exception
    return done.output


def messages(folder: Path, *arguments: str) -> list[str]:
    lines = cli_out(folder, "log", "-n", "0", "-o", "json", *arguments).splitlines()
    return [json.loads(line).get("error", "") for line in lines if json.loads(line)["type"] != "audit.archived"]


@pytest.mark.parametrize("batches", [1, 2, 3])
def test_a_removal_that_dies_leaves_a_whole_trail_and_is_gone_on_with(
    log: SqlStore, folder: Path, dying: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, make: Make, batches: int
) -> None:
    dying(batches)
    assert archive_quietly(folder, minute(7)) == "Cut"
    monkeypatch.undo()
    assert numbers(log)[0] == 2 * batches + 1 if batches < 3 else 7
    assert log.verify() == 11
    (file,) = (folder / "archives").glob("*.jsonl")
    assert verify(folder) == (0, f"11 events, the chain is whole, 7 of them in {file}\n")
    assert messages(folder) == [f"n{number}" for number in range(10)]
    log.append([make(minute=20, error="new")])
    assert log.verify() == 12
    assert archive(folder, minute(9), folder / "archives/more.jsonl")[0] == 0
    assert numbers(log)[0] == 10
    assert verify(folder)[1].startswith("13 events, the chain is whole, 9 of them in ")
    assert messages(folder) == [*(f"n{number}" for number in range(10)), "new"]


def archive_quietly(folder: Path, before: str) -> str:
    done = CliRunner().invoke(cli, ["--state", str(folder), "audit", "archive", "--before", before])
    return type(done.exception).__name__


def test_others_write_between_two_removals(
    log: SqlStore, folder: Path, monkeypatch: pytest.MonkeyPatch, make: Make
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)

    def written(_seconds: float) -> None:
        with closing(open_store(folder, timeout=30)) as other:
            other.append([make(minute=30, error="meanwhile")])
            assert other.verify()

    monkeypatch.setattr(retention.time, "sleep", written)
    assert archive_quietly(folder, minute(8)) == "NoneType"
    assert messages(folder).count("meanwhile") == 4
    assert numbers(log) == [9, 10, 11, 12, 13, 14, 15]


def test_verify_is_whole_while_the_beginning_leaves(
    log: SqlStore, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another process removes events that this one is about to read."""
    monkeypatch.setattr(sql_store, "_PAGE", 2)
    real, pages = sql_store.log.records, 0

    def records(connection: object, after: int | None, size: int) -> object:
        nonlocal pages
        pages += 1
        return real(connection, after, size)

    original = log._reading

    def reading() -> object:
        if pages == 1:
            monkeypatch.setattr(log, "_reading", original)
            assert archive_quietly(folder, minute(7)) == "NoneType"
        return original()

    monkeypatch.setattr(sql_store.log, "records", records)
    monkeypatch.setattr(log, "_reading", reading)
    assert log.verify() == 11
    assert numbers(log)[0] == 8


def test_what_is_in_archives_is_read_like_the_rest(log: SqlStore, folder: Path, tmp_path: Path, make: Make) -> None:
    assert archive(folder, minute(4), tmp_path / "elsewhere.jsonl")[0] == 0
    assert archive_quietly(folder, minute(7)) == "NoneType"
    assert messages(folder) == [f"n{number}" for number in range(4, 10)]
    given = ("--archive", str(tmp_path / "elsewhere.jsonl"))
    assert messages(folder, *given) == [f"n{number}" for number in range(10)]
    assert messages(folder, *given, "--until", minute(2)) == ["n0", "n1"]
    lines = cli_out(folder, "log", "-n", "5", "-o", "json", *given, "--type", "object.*").splitlines()
    assert [json.loads(line)["error"] for line in lines] == [f"n{number}" for number in range(5, 10)]
    first = json.loads(cli_out(folder, "export", *given).splitlines()[0])
    assert json.loads(cli_out(folder, "show", first["id"], *given))["seq"] == 1
    assert verify(folder, tmp_path / "elsewhere.jsonl")[1].startswith("12 events, the chain is whole, 7 of them in ")


def test_blame_knows_the_last_write_of_archived_objects(sql: SqlStore, folder: Path, make: Make) -> None:
    keys = [ObjectKey("networking.istio.io", "VirtualService", "shop", name) for name in ("old", "both", "both")]
    sql.append(
        [make(minute=n, type="object.updated", object=key, result="changed", error="") for n, key in enumerate(keys)]
    )
    before = cli_out(folder, "blame")
    assert archive_quietly(folder, minute(2)) == "NoneType"
    assert cli_out(folder, "blame") == before
    assert "shop/old" in before


def test_a_broken_archive_in_the_folder_is_told(log: SqlStore, folder: Path) -> None:
    assert archive_quietly(folder, minute(4)) == "NoneType"
    (file,) = (folder / "archives").glob("*.jsonl")
    file.write_text(file.read_text().replace("n2", "n9"))
    assert verify(folder)[0] == 1
    done = CliRunner().invoke(cli, ["--state", str(folder), "audit", "log"], standalone_mode=False)
    assert "is broken" in str(done.exception)
