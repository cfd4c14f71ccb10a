"""The table of metrics in docs/operations.md is what the daemon serves."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.daemon.metrics import Metrics

PAGE = Path(__file__).parents[2] / "docs/operations.md"


def test_the_page_names_every_metric_and_no_other() -> None:
    served = set()
    for family in Metrics().registry.collect():
        served.add(family.name + ("_total" if family.type == "counter" else ""))
    assert set(re.findall(r"^\| `(reconciler_\w+)", PAGE.read_text(), re.MULTILINE)) == served
