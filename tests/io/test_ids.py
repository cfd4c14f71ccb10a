"""Ids sort by their time, never repeat, and never go back within a process."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import reconciler
from reconciler.io.ids import IdMaker, new_id

ALPHABET = set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_ids_are_26_letters_and_grow() -> None:
    ids = [new_id() for _ in range(5000)]
    assert ids == sorted(set(ids))
    assert all(len(each) == 26 and set(each) <= ALPHABET for each in ids)


def test_an_id_begins_with_its_time() -> None:
    before, made, after = time.time_ns() // 1_000_000, new_id(), time.time_ns() // 1_000_000
    letters = sorted(ALPHABET)
    number = 0
    for letter in made[:10]:
        number = number * 32 + letters.index(letter)
    assert before <= number <= after


def test_ids_grow_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    maker, ids = IdMaker(), []
    for now in (5_000_000_000_000_000_000, 4_000_000_000_000_000_000, 4_000_000_000_000_000_000, 6 * 10**18):
        monkeypatch.setattr(time, "time_ns", lambda now=now: now)
        ids.append(maker.new())
    assert ids == sorted(set(ids))


def test_threads_never_share_an_id() -> None:
    made: list[list[str]] = [[] for _ in range(4)]
    threads = [threading.Thread(target=lambda to=to: to.extend(new_id() for _ in range(2000))) for to in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each for ids in made for each in ids}) == 8000
    assert all(ids == sorted(ids) for ids in made)


def test_a_forked_process_makes_its_own() -> None:
    worker = Path(__file__).parent / "store" / "worker.py"
    root = str(Path(reconciler.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))}
    command = [sys.executable, str(worker), "ids", "."]
    for _ in range(3):
        told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.split()
        assert len(told) == len(set(told)) == 3
