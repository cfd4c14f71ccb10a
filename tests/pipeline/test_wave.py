"""One wave of writes by itself: what is under way, what is announced, what is recorded, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from reconciler.model.native import NativeKind
from reconciler.model.plans import Action, ApplyResult, Change, Outcome
from reconciler.model.refs import KindId, ObjectKey, TargetId
from reconciler.pipeline.steps import Step
from reconciler.pipeline.wave import AHEAD, FIRST, WRITES_AT_ONCE, Ended, Wave
from reconciler.ports import StoreError

KIND = NativeKind(KindId("", "ConfigMap"), ("v1",), "configmaps")


def steps(count: int, action: Action = Action.CREATE) -> list[Step]:
    return [Step(change(f"s{number:04}", action), {}, 0) for number in range(count)]


def change(name: str, action: Action) -> Change:
    return Change(TargetId("eu", "mesh"), action, ObjectKey("", "ConfigMap", "shop", name), KIND)


@dataclass
class Books:
    """A hand that keeps in memory what a store would."""

    pause: float = 0.0
    announced: list[str] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    closed: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    under_way: int = 0
    most: int = 0
    most_waiting: int = 0
    reason: Callable[[], str] = lambda: ""
    before_write: Callable[[str], None] = lambda _name: None
    before_record: Callable[[int], None] = lambda _turn: None
    turns: int = 0

    def why_not(self) -> str:
        return self.reason()

    def give_up(self, step: Step, reason: str) -> ApplyResult:
        return ApplyResult(step.change, Outcome.SKIPPED, reason)

    def unknown(self, step: Step) -> ApplyResult:
        return ApplyResult(step.change, Outcome.UNREACHABLE, "cut off")

    async def write(self, step: Step) -> ApplyResult | None:
        name = step.change.key.name
        assert name in self.announced, "a write without its intent"
        self.begun.append(name)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        self.most_waiting = max(self.most_waiting, len(self.announced) - len(self.begun))
        try:
            self.before_write(name)
            await asyncio.sleep(self.pause)
        finally:
            self.under_way -= 1
        return ApplyResult(step.change, Outcome.CHANGED)

    async def record(self, ended: Sequence[Ended], opening: Sequence[Step]) -> str:
        self.turns += 1
        await asyncio.sleep(0)
        self.before_record(self.turns)
        for each in ended:
            if each.announced:
                assert each.step.change.key.name not in self.closed, "recorded twice"
                self.closed[each.step.change.key.name] = "written" if each.begun else "nothing"
        self.announced += [step.change.key.name for step in opening]
        return ""

    def report(self, result: ApplyResult) -> None:
        self.told.append(result.change.key.name)


def run(
    books: Books, count: int, action: Action = Action.CREATE, stop: Callable[[], bool] = lambda: False
) -> list[str]:
    results = asyncio.run(asyncio.wait_for(Wave(steps(count, action), books, stop).run(), 240))
    return [f"{result.change.key.name} {result.outcome}" for result in results]


def test_every_write_is_announced_before_and_recorded_after() -> None:
    books = Books()
    results = run(books, 500)
    assert results == [f"s{number:04} changed" for number in range(500)]
    assert sorted(books.closed) == sorted(books.begun) == sorted(books.told) == sorted(books.announced)
    assert set(books.closed.values()) == {"written"}
    assert books.most == WRITES_AT_ONCE
    assert books.most_waiting < AHEAD
    assert books.turns < 500 // 16, "fewer transactions than lots of sixteen would take"


@pytest.mark.parametrize("action", [Action.PRUNE, Action.REPLACE])
def test_of_removals_no_more_are_announced_than_are_about_to_begin(action: Action) -> None:
    books = Books()
    assert len(run(books, 200, action)) == 200
    assert books.most_waiting < WRITES_AT_ONCE


def test_stop_begins_nothing_more_and_what_had_not_begun_is_recorded_as_nothing() -> None:
    books = Books(pause=0.001)
    books.reason = lambda: "the run was asked to stop" if len(books.begun) >= 20 else ""
    results = run(books, 300)
    assert len(results) == 300
    assert len(books.begun) == 20
    assert {name for name, what in books.closed.items() if what == "written"} == set(books.begun)
    assert set(books.closed) == set(books.announced)
    assert len(books.announced) < 20 + FIRST + AHEAD
    assert sum(result.endswith("skipped") for result in results) == 280


def test_stop_cuts_off_a_write_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.pipeline.patience.SECONDS", 0.1)
    books = Books(pause=60)
    books.reason = lambda: "stop" if books.begun else ""
    results = run(books, 40, stop=lambda: bool(books.begun))
    assert results[0] == "s0000 unreachable"
    assert sum(result.endswith("skipped") for result in results) == 40 - len(books.begun)
    assert set(books.announced) == set(books.closed)


def test_store_that_fails_ends_it_and_what_was_written_is_told() -> None:
    def full(turn: int) -> None:
        if turn == 2:
            raise StoreError("the disk is full")

    books = Books(before_record=full)
    with pytest.raises(StoreError, match="full"):
        run(books, 300)
    assert 0 < len(books.begun) <= FIRST
    assert set(books.begun) <= set(books.told) <= set(books.announced)
    assert books.closed == {}


def test_bug_in_one_write_ends_the_run_after_the_others_are_recorded() -> None:
    def bug(name: str) -> None:
        if name == "s0010":
            raise ZeroDivisionError

    books = Books(before_write=bug)
    with pytest.raises(ZeroDivisionError):
        run(books, 300)
    assert len(books.begun) < 300
    assert set(books.closed) == set(books.announced)


def test_end_of_the_process_is_not_waited_for() -> None:
    class Dies(BaseException):
        pass

    def die(name: str) -> None:
        if name == "s0003":
            raise Dies

    with pytest.raises(Dies):
        run(Books(before_write=die), 3 * AHEAD)


def test_one_change_with_others_fields_keeps_the_whole_wave_close() -> None:
    books = Books()
    wave = steps(200)
    wave[150] = replace(wave[150], change=replace(wave[150].change, foreign_paths=("/spec/x",)))
    asyncio.run(Wave(wave, books, lambda: False).run())
    assert books.most_waiting < WRITES_AT_ONCE
