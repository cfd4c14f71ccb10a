"""The command line as somebody uses it: exit codes, what is printed, and what machines read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import COMMANDS, run
from tests.pipeline.fleet import Fleet


@dataclass
class Said:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Said]


@pytest.fixture
def cli(fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command in the repository, with the state beside it."""
    fleet.store.close()
    monkeypatch.chdir(fleet.repo)
    monkeypatch.setenv("RECONCILER_STATE", str(fleet.folder / "state"))

    def command(*arguments: str) -> Said:
        capsys.readouterr()
        code = run(arguments)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return command


@pytest.mark.parametrize(
    "command", [*COMMANDS, "audit log", "audit show", "audit blame", "audit verify", "audit export"]
)
def test_every_command_has_help(cli: Command, command: str) -> None:
    said = cli(*command.split(), "--help")
    assert said.code == 0
    assert len(said.out.split("\n\n")) > 1, "usage alone teaches nothing"


def test_wrong_usage_is_1_and_says_what_to_do(cli: Command) -> None:
    for arguments, hint in (
        (["plna"], "Did you mean plan?"),
        (["plan", "--nope"], "No such option"),
        (["accept"], "REVISION"),
    ):
        said = cli(*arguments)
        assert said.code == 1
        assert hint in said.err


def test_validate_tells_all_mistakes_with_their_places(cli: Command, fleet: Fleet) -> None:
    assert cli("validate").code == 0
    fleet.policy("bad", "{to: [reviews.shop], rule: {timout: 3s}}")
    fleet.file("policies/worse.yaml", "a: [")
    said = cli("validate")
    assert said.code == 1
    assert "policies/bad.yaml:4:" in said.err
    assert "timeout" in said.err
    assert "policies/worse.yaml:2:" in said.err
    found = cli("validate", "-o", "json").json()["findings"]
    assert {finding["path"] for finding in found} == {"policies/bad.yaml", "policies/worse.yaml"}


def test_validate_expands_short_forms(cli: Command) -> None:
    said = cli("validate", "--expand")
    assert said.code == 0
    assert "request: 3s" in said.out


def test_from_plan_to_audit(cli: Command, fleet: Fleet) -> None:
    planned = cli("plan")
    assert planned.code == 2
    assert "+ VirtualService shop/reviews" in planned.out
    assert "from policies/reviews.yaml:5 TrafficPolicy default/reviews" in planned.out
    assert fleet.live() == {}

    applied = cli("apply")
    assert applied.code == 0
    assert "eu/mesh : ok=0 changed=3" in applied.out
    assert cli("plan").code == 0
    assert cli("drift").code == 0

    fleet.edit("VirtualService", "reviews", "timeout: 3s", "timeout: 30s")
    drift = cli("drift")
    assert drift.code == 2
    assert "spec.http[0].timeout: 30s → 3s" in drift.out
    healed = cli("apply", "-o", "json").json()
    assert healed["recap"][0]["drifted"] == 1
    assert healed["exitCode"] == 0

    status = cli("status")
    assert status.code == 0
    assert "changed=1" in status.out
    assert "object.updated" in cli("audit", "log", "--type", "object.*").out
    blame = cli("audit", "blame", "VirtualService shop/reviews")
    assert "policies/reviews.yaml:5  TrafficPolicy default/reviews" in blame.out
    assert "Ada <ada@example.org>" in blame.out
    exported = [json.loads(line) for line in cli("audit", "export").out.splitlines()]
    assert all(event["specversion"] == "1.0" for event in exported)
    shown = json.loads(cli("audit", "show", exported[0]["id"]).out)
    assert shown["commit"]["author"] == "Ada <ada@example.org>"
    assert cli("audit", "verify").code == 0


def test_audit_verify_finds_a_changed_row(cli: Command, fleet: Fleet) -> None:
    import sqlite3

    cli("apply")
    database = sqlite3.connect(fleet.folder / "state/reconciler.db")
    database.execute("UPDATE events SET body = replace(body, 'Ada', 'Eve') WHERE seq = 2")
    database.commit()
    database.close()
    said = cli("audit", "verify")
    assert said.code == 1
    assert "2" in said.out


def test_saved_plan_is_applied_or_refused(cli: Command, fleet: Fleet) -> None:
    saved = str(fleet.folder / "plan.json")
    assert cli("plan", "--rev", "HEAD", "--save", saved).code == 2
    fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 2s}}")
    fleet.commit("moved")
    refused = cli("apply", saved)
    assert refused.code == 1
    assert "no longer the one that was approved" in refused.err
    assert "VirtualService shop/cart" in refused.err
    assert "RECAP" not in refused.out
    assert fleet.live() == {}
    assert cli("plan", "--rev", "HEAD", "--save", saved).code == 2
    assert cli("apply", saved).code == 0
    assert cli("apply", str(fleet.repo / "policies/cart.yaml")).code == 1


def test_plan_between_two_revisions_needs_no_cluster(cli: Command, fleet: Fleet) -> None:
    cli("apply")
    fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 2s}}")
    fleet.commit("slower")
    fleet.edit("VirtualService", "cart", "timeout: 1s", "timeout: 9s")
    (fleet.repo / "facts/eu/objects.yaml").unlink()
    said = cli("plan", "--rev", "HEAD", "--against", "HEAD~1")
    assert said.code == 2
    assert "spec.http[0].timeout: 1s → 2s" in said.out
    assert "9s" not in said.out
    assert cli("plan", "--rev", "HEAD", "--against", "HEAD").code == 0


def test_facts_are_recorded_and_replayed(cli: Command, fleet: Fleet) -> None:
    recorded = str(fleet.folder / "facts.json")
    first = cli("plan", "--record-facts", recorded, "-o", "json").json()
    fleet.facts("eu", [])
    replayed = cli("plan", "--facts", recorded, "-o", "json").json()
    assert replayed["fingerprint"] == first["fingerprint"]
    assert cli("plan", "--facts", str(fleet.repo / ".gitignore")).code == 1


def test_markdown_is_for_pull_requests(cli: Command) -> None:
    said = cli("plan", "-o", "markdown")
    assert said.out.startswith("## Mesh plan for")
    assert "| eu | mesh | 3 | 0 | 0 | 0 | 0 |" in said.out


def test_guard_and_confirmation(cli: Command, fleet: Fleet) -> None:
    cli("apply")
    for name in ("reviews", "cart"):
        fleet.remove(f"policies/{name}.yaml")
    fleet.commit("all gone")
    said = cli("apply")
    assert said.code == 3
    fingerprint = said.out.split("--confirm ")[1].split()[0]
    assert cli("apply", "--confirm", fingerprint).code == 0
    assert fleet.live() == {}


def test_pause_and_resume(cli: Command, fleet: Fleet) -> None:
    assert cli("pause", "--limit", "eu", "--for", "2h", "--reason", "incident 42").out == "paused eu/mesh\n"
    said = cli("apply")
    assert "incident 42" in said.out
    assert (said.code, fleet.live()) == (2, {})
    assert cli("resume").out == "resumed eu/mesh\n"
    assert cli("apply").code == 0
    types = [json.loads(line)["type"] for line in cli("audit", "export", "--type", "target.*").out.splitlines()]
    assert types == ["dev.reconciler.target.paused", "dev.reconciler.target.resumed"]
    assert cli("pause", "--limit", "nowhere", "--reason", "x").code == 1
    assert cli("pause", "--limit", "eu", "--for", "soon", "--reason", "x").code == 1


def test_a_pause_is_told_where_nothing_is_to_be_written_too(cli: Command) -> None:
    cli("apply")
    assert cli("pause", "--limit", "eu", "--for", "2h", "--reason", "maintenance").code == 0
    said = cli("apply")
    assert said.code == 0
    assert "suspended   eu/mesh  paused by " in said.out
    assert "maintenance" in cli("status").out
    cli("resume")
    assert "paused" not in cli("apply").out
    assert "paused" not in cli("status").out


def test_a_prune_that_a_guard_holds_stays_the_commit_that_asked_for_it(cli: Command, fleet: Fleet) -> None:
    fleet.settings("{mode: Apply, protect: [networking.istio.io/v1/VirtualService]}")
    fleet.commit("protect")
    cli("apply")
    fleet.remove("policies/cart.yaml")
    fleet.commit("no cart")
    for message in ("one later", "two later"):
        assert cli("apply").code == 3
        fleet.commit(message)
        (change,) = [c for c in cli("plan", "-o", "json").json()["targets"][0]["changes"] if c["action"] == "prune"]
        assert change["causes"] == ["commit"]
    fingerprint = cli("plan", "-o", "json").json()["targets"][0]["confirm"]
    assert cli("apply", "--confirm", fingerprint).code == 0
    assert "from TrafficPolicy default/cart" in cli("audit", "log").out
    assert "from :0" not in cli("audit", "log").out


def test_accept_after_a_force_push(cli: Command, fleet: Fleet) -> None:
    cli("apply")
    first = fleet.git("rev-parse", "HEAD")
    fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 2s}}")
    fleet.commit("one way")
    cli("apply")
    fleet.git("reset", "-q", "--hard", first)
    fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 3s}}")
    fleet.commit("another way")
    halted = cli("apply")
    assert halted.code == 1
    assert "reconciler accept" in halted.err
    assert cli("accept", "HEAD", "--reason", "the first was a mistake").code == 0
    assert cli("apply").code == 0
    assert fleet.live()["VirtualService cart"]["spec"]["http"][0]["timeout"] == "3s"
    assert "source.accepted" in cli("audit", "log").out


def test_plan_of_a_work_tree_says_that_its_history_was_rewritten(cli: Command, fleet: Fleet) -> None:
    cli("apply")
    fleet.commit("one way")
    cli("apply")
    fleet.git("commit", "-q", "--amend", "--allow-empty", "-m", "another way")
    said = cli("plan")
    assert "history-rewritten" in said.err
    assert f"reconciler accept {fleet.git('rev-parse', 'HEAD')[:12]}" in said.err
    assert cli("accept", "HEAD").code == 0
    assert "history-rewritten" not in cli("plan").err


def test_after_a_new_root_is_accepted_the_next_commit_is_too(cli: Command, fleet: Fleet) -> None:
    cli("apply")
    fleet.git("commit", "-q", "--amend", "-m", "another root")
    assert cli("accept", "HEAD", "--new-root", "--reason", "rewritten").code == 0
    fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 9s}}")
    fleet.commit("before the next run")
    assert cli("apply").code == 0  # what it had written for the old root is its own
    assert fleet.live()["VirtualService cart"]["spec"]["http"][0]["timeout"] == "9s"
    fleet.remove("policies/cart.yaml")
    fleet.commit("no cart")
    assert cli("apply").code == 0
    assert "VirtualService cart" not in fleet.live()


def test_a_rule_that_no_longer_ignores_is_a_commit_that_changes(cli: Command, fleet: Fleet) -> None:
    ignore = "{gvk: networking.istio.io/v1/VirtualService, jsonPaths: ['.spec.http[0].timeout']}"
    fleet.settings(f"{{mode: Apply, ignore: [{ignore}]}}")
    fleet.commit("somebody else sets the timeout")
    cli("apply")
    fleet.edit("VirtualService", "cart", "timeout: 1s", "timeout: 8s")
    cli("apply")
    fleet.settings("{mode: Apply}")
    fleet.commit("we set it")
    (change,) = [c for t in cli("plan", "-o", "json").json()["targets"] for c in t["changes"] if c["action"] != "keep"]
    assert change["causes"] == ["commit"]
    assert [field.get("drift", False) for field in change["fields"]] == [False]


def test_a_foreign_object_with_our_host_is_taken_over_as_the_finding_says(cli: Command, fleet: Fleet) -> None:
    path = fleet.repo / "live/eu/theirs.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: theirs, namespace: shop}\n"
        "spec: {hosts: [cart.shop.svc.cluster.local], http: [{route: [{destination: {host: cart}}]}]}\n"
    )
    said = cli("apply").out
    assert "native.<mesh>.VirtualService: {metadata: {name: theirs}}" in said
    named = "{istio: {VirtualService: {metadata: {name: theirs}}}}"
    fleet.policy("cart", f"{{to: [cart.shop], rule: {{timeout: 1s}}, native: {named}}}")
    gvk = "networking.istio.io/v1/VirtualService"
    fleet.settings(f"{{mode: Apply, adopt: [{{gvk: {gvk}, namespace: shop, name: theirs}}]}}")
    fleet.commit("take it over")
    assert cli("apply").code == 0
    live = fleet.live()
    assert "VirtualService cart" not in live
    assert live["VirtualService theirs"]["spec"]["http"][0]["timeout"] == "1s"
    assert "object.adopted" in cli("audit", "log").out
    assert cli("apply").code == 0


def test_inventory_lists_and_explains(cli: Command, fleet: Fleet) -> None:
    assert "eu/mesh" in cli("inventory").out
    fleet.file("desired-state/group_vars/all.yaml", "patience: 3s\n")
    fleet.file("desired-state/host_vars/eu.yaml", "patience: 5s\n")
    said = cli("inventory", "--host", "eu", "--explain", "patience")
    assert "patience = 5s" in said.out
    assert "desired-state/host_vars/eu.yaml:1" in said.out
    assert "beat 3s" in said.out
    assert cli("inventory", "--host", "nowhere").code == 1
    assert cli("inventory", "--limit", "nowhere").code == 1


def test_schema_prints_kinds_and_schemas(cli: Command) -> None:
    assert "TrafficPolicy" in cli("schema").out.split()
    assert cli("schema", "trafficpolicy").json()["$id"]
    assert "TrafficPolicy" in cli("schema", "TraficPolicy").err


def test_a_url_is_mirrored_and_needs_no_work_tree(cli: Command, fleet: Fleet) -> None:
    fleet.cluster("eu", {"directory": {"path": str(fleet.repo / "live/eu"), "facts": str(fleet.repo / "facts/eu")}})
    fleet.commit("absolute paths")
    (fleet.repo / "live").mkdir()
    url = f"file://{fleet.repo}"
    assert cli("plan", "--repo", url).code == 2
    assert cli("apply", "--repo", url).code == 0
    assert len(fleet.live()) == 3
    assert cli("apply", "--repo", f"{url}-missing").code == 1


def test_relative_folders_of_a_repository_by_url_lie_in_the_state_folder(cli: Command, fleet: Fleet) -> None:
    fleet.cluster("eu", {"directory": {"path": "live/eu", "facts": str(fleet.repo / "facts/eu")}})
    fleet.commit("a relative path")
    assert cli("apply", "--repo", f"file://{fleet.repo}").code == 0
    assert len(list((fleet.folder / "state/clusters/live/eu").rglob("*.yaml"))) == 3
    assert not (fleet.repo / "live").exists()


def test_no_colour_in_a_pipe_and_colour_on_request(cli: Command) -> None:
    assert "\x1b[" not in cli("plan").out
    assert "\x1b[" in cli("--color", "plan").out


def test_state_of_one_repository_is_not_used_for_another(cli: Command, fleet: Fleet, tmp_path_factory: Any) -> None:
    assert cli("apply").code == 0
    other = Fleet(tmp_path_factory.mktemp("other"))
    other.store.close()
    other.git("commit", "-q", "--amend", "-m", "another beginning")
    said = cli("apply", "--repo", str(other.repo))
    assert said.code == 1
    assert "belongs to another repository" in said.err
    assert other.live() == {}


def test_each_repository_has_a_state_folder_of_its_own(
    cli: Command, fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RECONCILER_STATE")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr("reconciler.cli.folders.os.geteuid", lambda: 1000)
    assert cli("apply").code == 0
    (folder,) = (tmp_path / "xdg/reconciler").iterdir()
    assert folder.name.startswith("repo-")
    assert cli("status").code == 0
    assert "object.created" in cli("audit", "--repo", str(fleet.repo), "log").out
    assert "Nothing has run" in cli("status", "--repo", str(tmp_path)).err
