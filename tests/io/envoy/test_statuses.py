"""What is said of a file by what its proxy answers."""

from __future__ import annotations

from pathlib import Path

from reconciler.io.envoy.admin import Answer
from reconciler.io.envoy.statuses import LOG, status_of

LDS, RDS = "listener_manager.lds", "http.out.rds.out"


def test_a_file_that_is_taken_and_prepared_for_is_on_its_way(tmp_path: Path) -> None:
    taken = Answer(accepted={LDS: "b"}, warming={LDS: 1})
    found = status_of("listeners.json", "b", "out", taken, tmp_path)
    assert found is not None
    assert (found["state"], "prepares" in found["message"]) == ("Progressing", True)
    assert status_of("listeners.json", "b", "out", Answer(accepted={LDS: "b"}, warming={LDS: 0}), tmp_path) is None
    assert status_of("routes/out.json", "b", "out", Answer(accepted={RDS: "b"}, warming={LDS: 1}), tmp_path) is None


def test_a_refusal_is_told_without_the_mark_before_a_printed_message(tmp_path: Path) -> None:
    words = "Invalid duration: Expected positive duration"
    (tmp_path / LOG).write_text(f"Filesystem config update rejected: {words}: goo.gle/debugproto    \nseconds: -3\n")
    found = status_of("routes/out.json", "b", "out", Answer(accepted={RDS: "a"}, rejected={RDS: 1}), tmp_path)
    assert found is not None
    assert (found["state"], found["message"]) == ("Degraded", f"the proxy refused routes/out.json: {words}")


def test_what_is_refused_as_a_whole_names_its_file_and_one_listener_does_not(tmp_path: Path) -> None:
    folder = tmp_path / "shop" / "web"
    refused = Answer(accepted={LDS: "a"}, rejected={LDS: 1, RDS: 1}, refusals={"out": "no such filter"})
    of_routes = status_of("routes/out.json", "b", "host", refused, folder)
    of_listener = status_of("listeners.json", "b", "out", refused, folder)
    assert of_routes is not None
    assert of_listener is not None
    assert of_routes["of"] == "shop/web/routes/out.json"
    assert "of" not in of_listener
