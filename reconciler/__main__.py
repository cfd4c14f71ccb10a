"""``reconciler`` and ``python -m reconciler``."""

from __future__ import annotations

import gc
import sys

#: as many new values as one cluster's objects are made of, before they are searched for cycles: searching what lives
#: for long over and over would be a fifth of the time of a compilation
COLLECT_AFTER = (50_000, 20, 50)


def main() -> None:
    from reconciler.cli.main import run

    gc.set_threshold(*COLLECT_AFTER)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
