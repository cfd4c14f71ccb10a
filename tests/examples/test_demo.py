"""What README.md shows of ``make run`` is what the demo prints, and the whole of it takes less than a minute."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.examples.console import fits

ROOT = Path(__file__).parent.parent.parent
LONGEST = 40  # lines


def test_the_readme_shows_what_the_demo_prints(tmp_path: Path) -> None:
    found = re.search(r"^<!-- output -->\n```\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert found
    assert len(found[1].splitlines()) < LONGEST
    shown = f"…\n{found[1]}…"
    surroundings = {**os.environ, "TMPDIR": str(tmp_path), "NO_COLOR": "1", "COLUMNS": "120"}
    done = subprocess.run(
        [ROOT / "examples/demo.sh"],
        env=surroundings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert fits(shown, done.stdout), done.stdout
    assert not fits(shown.replace("90 → 50", "90 → 40"), done.stdout)
