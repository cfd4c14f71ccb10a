"""From a push to its report: Git over HTTP, a webhook, the daemon, and the forge's interface as it publishes it.

python -m tests.bench.reporting [POLICIES] [CLUSTERS] [PUSHES]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.ways import directories
from tests.daemon.hooked import Forged

FIRST_ROUND = 900.0  # seconds for all that is written before the first push


def reporting(folder: Path, policies: int, clusters: int, pushes: int) -> dict[str, Any]:
    """Seconds from the beginning of ``git push`` until comment and statuses are there, on directory clusters."""
    place = directories(folder, clusters, policies)
    forged = Forged(place, patience=FIRST_ROUND)
    taken = []
    with forged.running() as process:
        for number in range(pushes):
            place.git("checkout", "-q", "-B", f"change-{number}", "main")
            spec = f"{{to: [svc-{number:05}.bench], rule: {{timeout: 9s}}}}"
            place.write(f"svc-{number:05}", "TrafficPolicy", spec, "policies")
            place.commit(f"change {number}")
            began = time.perf_counter()
            pull = forged.open_pull(f"change-{number}")
            head = place.git("rev-parse", "HEAD")
            forged.until(
                lambda pull=pull, head=head: forged.comments(pull) and len(forged.statuses(head)) == 2, process
            )
            taken.append(time.perf_counter() - began)
    return {
        "policies": policies,
        "clusters": clusters,
        "pushes": pushes,
        "median": median(taken),
        "slowest": max(taken),
    }


def main(policies: int = 1000, clusters: int = 10, pushes: int = 5) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = reporting(Path(folder), policies, clusters, pushes)
    sys.stdout.write(f"{found}\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
