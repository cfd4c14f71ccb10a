"""Children: started and waited for, started again, and never left behind, whatever becomes of us."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.io.local import leash
from reconciler.io.local.children import ProcessError, Program, find_program
from reconciler.io.local.processes import Ended, Pace, Processes

ROOT = Path(__file__).parents[3]
BOUND = 60.0
#: starts a child of its own, tells both pids, and ignores what it is asked
STUBBORN = "trap '' TERM; sleep 600 & echo $$ $!; echo $$ $! >pids.new; mv pids.new pids; wait; wait; sleep 600"
GENTLE = "echo started; echo $$ >pid; exec sleep 600"
PARENT = """
import asyncio, sys
from pathlib import Path
from reconciler.io.local.children import Program
from reconciler.io.local.processes import Processes

async def main():
    folder = Path(sys.argv[1])
    async with Processes(print) as processes:
        for number in range(3):
            program = Program(f"p{number}", ("sleep", "600"), folder, folder / f"{number}.log")
            await processes.start(program)
        print(*processes.pids().values(), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""

Wait = Callable[[int], bool]


def shell(name: str, script: str, folder: Path, file: str = "") -> Program:
    async def ready() -> bool:
        return not file or ((folder / file).exists() and bool((folder / file).read_text()))

    return Program(name, ("sh", "-c", script), folder, folder / "logs" / f"{name}.log", ready)


def nobody_told(ended: Ended) -> None:
    raise AssertionError(ended)


async def test_a_program_runs_when_it_is_ready_and_its_words_are_in_its_log(tmp_path: Path) -> None:
    async with Processes(nobody_told) as processes:
        await processes.start(shell("web", GENTLE, tmp_path, "pid"))
        assert processes.pids() == {"web": int((tmp_path / "pid").read_text())}
    assert (tmp_path / "logs/web.log").read_text() == "started\n"


async def test_leaving_ends_all_and_what_they_started(tmp_path: Path, ended: Wait) -> None:
    async with Processes(nobody_told, Pace(patience=0.1)) as processes:
        await processes.start(shell("stubborn", STUBBORN, tmp_path, "pids"))
        pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 2
    for pid in pids:
        assert await asyncio.to_thread(ended, pid)


async def test_one_is_stopped_and_may_be_started_again(tmp_path: Path, ended: Wait) -> None:
    async with Processes(nobody_told) as processes:
        await processes.start(shell("a", GENTLE, tmp_path))
        await processes.start(shell("b", "exec sleep 600", tmp_path))
        first = processes.pids()["a"]
        await processes.stop("a")
        await processes.stop("a")
        assert await asyncio.to_thread(ended, first)
        assert list(processes.pids()) == ["b"]
        await processes.start(shell("a", "exec sleep 600", tmp_path))
        assert sorted(processes.pids()) == ["a", "b"]
        with pytest.raises(ProcessError, match="a runs already"):
            await processes.start(shell("a", "exec sleep 600", tmp_path))


async def test_what_dies_is_told_and_started_again_ever_later(tmp_path: Path) -> None:
    told: asyncio.Queue[Ended] = asyncio.Queue()
    async with Processes(told.put_nowait, Pace(first=0.01, longest=0.04)) as processes:
        await processes.start(
            shell("web", "[ -e pid ] && echo no luck && exit 3; echo $$ >pid; exec sleep 600", tmp_path, "pid")
        )
        os.kill(processes.pids()["web"], signal.SIGKILL)
        ends = [await asyncio.wait_for(told.get(), BOUND) for _ in range(4)]
    assert [one.code for one in ends] == [-signal.SIGKILL, 3, 3, 3]
    assert [one.again_in for one in ends] == [0.01, 0.02, 0.04, 0.04]
    assert ends[1].name == "web"
    assert "no luck" in ends[1].why


async def test_what_was_started_again_runs(tmp_path: Path, ended: Wait) -> None:
    told: asyncio.Queue[Ended] = asyncio.Queue()
    async with Processes(told.put_nowait, Pace(first=0.01)) as processes:
        await processes.start(shell("web", "echo $$ >>pids; exec sleep 600", tmp_path, "pids"))
        first = processes.pids()["web"]
        os.kill(first, signal.SIGTERM)
        await asyncio.wait_for(told.get(), BOUND)
        async with asyncio.timeout(BOUND):
            while len((tmp_path / "pids").read_text().split()) < 2:  # noqa: ASYNC110  (another process writes it)
                await asyncio.sleep(0.01)
        second = processes.pids()["web"]
        assert (tmp_path / "pids").read_text().split() == [str(first), str(second)]
    assert await asyncio.to_thread(ended, second)


async def test_one_that_is_about_to_be_started_again_is_stopped(tmp_path: Path) -> None:
    told: asyncio.Queue[Ended] = asyncio.Queue()
    async with Processes(told.put_nowait, Pace(first=3600.0)) as processes:
        await processes.start(shell("web", "echo $$ >pid; exec sleep 600", tmp_path, "pid"))
        (tmp_path / "logs/web.log").unlink()
        os.kill(processes.pids()["web"], signal.SIGKILL)
        assert await asyncio.wait_for(told.get(), BOUND) == Ended("web", -signal.SIGKILL, "", 3600.0)
        assert (processes.pids(), processes.names()) == ({}, {"web"})
        await processes.stop("web")
        assert not processes.names()


async def test_one_that_is_not_ready_yet_is_stopped(tmp_path: Path, ended: Wait) -> None:
    async with Processes(nobody_told) as processes:
        starting = asyncio.create_task(processes.start(shell("web", "exec sleep 600", tmp_path, "never")))
        async with asyncio.timeout(BOUND):
            while not processes.pids():  # noqa: ASYNC110  (it is there before anything is told)
                await asyncio.sleep(0)
        child = processes.pids()["web"]
        with pytest.raises(ProcessError, match="web runs already"):
            await processes.start(shell("web", "exec sleep 600", tmp_path))
        await processes.stop("web")
        with pytest.raises(ProcessError, match="web"):
            await starting
        assert not processes.names()
    assert await asyncio.to_thread(ended, child)


async def test_one_that_ends_before_it_is_ready_is_told_with_its_last_words(tmp_path: Path, ended: Wait) -> None:
    async with Processes(nobody_told) as processes:
        taken = "echo the port is taken >&2; exit 7"
        with pytest.raises(ProcessError, match=r"web ended before it was ready \(7\): the port is taken"):
            await processes.start(shell("web", f"sleep 600 & echo $! >pid; {taken}", tmp_path, "never"))
        assert not processes.pids()
    assert await asyncio.to_thread(ended, int((tmp_path / "pid").read_text()))


async def test_one_that_is_never_ready_is_ended(tmp_path: Path, ended: Wait) -> None:
    async with Processes(nobody_told) as processes:
        with pytest.raises(ProcessError, match=r"web was not ready within 0\.5 s"):
            await processes.start(shell("web", "echo $$; exec sleep 600", tmp_path, "never"), within=0.5)
        assert not processes.pids()
    for word in (tmp_path / "logs/web.log").read_text().split():
        assert await asyncio.to_thread(ended, int(word))


async def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with Processes(nobody_told) as processes:
        with pytest.raises(ProcessError, match="there is no program /nowhere/envoy"):
            await processes.start(Program("web", ("/nowhere/envoy",), tmp_path, tmp_path / "log"))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_child_outlives_its_parent(number: int, tmp_path: Path, ended: Wait) -> None:
    argv = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        children = [int(word) for word in parent.stdout.readline().split()]
        assert len(children) == 3
        parent.send_signal(number)
    assert all(ended(pid) for pid in children)


def test_elsewhere_a_guard_ends_program_and_children_when_the_parent_is_gone(tmp_path: Path, ended: Wait) -> None:
    argv = [sys.executable, "-I", "-S", leash.__file__, "guard", str(os.getpid()), "sh", "-c", STUBBORN]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path, process_group=0
    ) as guard:
        assert guard.stdout is not None
        pids = [int(word) for word in guard.stdout.readline().split()]
        assert guard.stdin is not None
        guard.stdin.close()  # what the kernel does when the parent is gone
        assert len(pids) == 2
        assert all(ended(pid) for pid in pids)


def test_elsewhere_a_guard_ends_with_the_program(tmp_path: Path) -> None:
    for script, code in (("exit 3", 3), ("kill -9 $$", 137)):
        argv = [sys.executable, "-I", "-S", leash.__file__, "guard", str(os.getpid()), "sh", "-c", script]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, process_group=0) as guard:
            assert guard.wait(BOUND) == code


def test_a_child_whose_parent_is_gone_already_does_not_begin(tmp_path: Path) -> None:
    argv = [sys.executable, "-I", "-S", leash.__file__, "exec", "1", "touch", str(tmp_path / "ran")]
    assert subprocess.run(argv, timeout=BOUND, check=False).returncode == leash.CANNOT_RUN
    assert not (tmp_path / "ran").exists()


def test_programs_are_found_beside_this_python_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pytest", "only-here"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_program("pytest") == Path(sys.executable).parent / "pytest"
    assert find_program("only-here") == tmp_path / "only-here"
    assert find_program("nowhere") is None
