"""``reconciler`` and ``python -m reconciler``."""

from __future__ import annotations

import sys


def main() -> None:
    from reconciler.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
