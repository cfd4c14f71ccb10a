"""``reconciler`` and ``python -m reconciler``."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from contextlib import suppress
from typing import NoReturn

#: as many new values as one cluster's objects are made of, before they are searched for cycles: searching what lives
#: for long over and over would be a fifth of the time of a compilation
COLLECT_AFTER = (50_000, 20, 50)


def main() -> None:
    from reconciler.cli.main import run

    gc.set_threshold(*COLLECT_AFTER)
    leave(run(sys.argv[1:]))


def leave(code: int) -> NoReturn:
    """End the process with all that lives in it: freeing a run's values one by one takes a tenth of a short run."""
    with suppress(OSError, ValueError):
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(code)
    sys.exit(code)  # what could not be written is said in the usual way


if __name__ == "__main__":
    main()
