"""Run as a script before each child: it ends with the process that started it, whatever ends that.

``leash.py exec PARENT PROGRAM …`` (Linux): the kernel is asked to kill us when the thread that started us is gone, then
the program takes our place. ``leash.py guard PARENT PROGRAM …`` (elsewhere): we stay beside the program, and kill the
process group when our standard input, whose other end only the parent holds, is closed. Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1
CANNOT_RUN = 126


def main(mode: str, parent: int, argv: list[str]) -> int:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and programs would inherit that
    return _guard(argv) if mode == "guard" else _exec(parent, argv)


def _exec(parent: int, argv: list[str]) -> int:
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        return _refuse(f"cannot be tied to its parent: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:  # it was gone before the kernel was asked
        return CANNOT_RUN
    try:
        os.execvp(argv[0], argv)
    except OSError as problem:
        return _refuse(f"cannot run {argv[0]}: {problem.strerror}")


def _guard(argv: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: None)  # it is for the program, which is in the same group
    try:
        program = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    except OSError as problem:
        return _refuse(f"cannot run {argv[0]}: {problem.strerror}")
    threading.Thread(target=_kill_with_parent, daemon=True).start()
    code = program.wait()
    return code if code >= 0 else 128 - code


def _kill_with_parent() -> None:
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)


def _refuse(words: str) -> int:
    print(words, file=sys.stderr, flush=True)
    return CANNOT_RUN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
