"""``reconciler capabilities``: the table, and what becomes of a file."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from reconciler.cli.main import cli
from reconciler.pipeline.meshes import installed

POLICY = """
apiVersion: reconciler.dev/v1alpha1
kind: AccessPolicy
metadata: {name: readers}
spec: {action: Allow, to: [reviews.shop], match: [{query: [{name: debug, exact: "1"}]}]}
---
apiVersion: reconciler.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: reviews}
spec: {to: [reviews.shop], rule: {timeout: 3s, mirror: [{to: a.b, percent: 5}]}, onUnsupported: {allowDegrade: ["*"]}}
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["capabilities", *arguments], standalone_mode=False)


def test_table_has_a_column_for_each_mesh_and_profile() -> None:
    lines = run().output.splitlines()
    columns = [
        f"{name} ({profile})" if profile else name
        for name, adapter in sorted(installed().items())
        for profile in adapter.profiles
    ]
    assert lines[0].split() == ["capability", *" ".join(columns).split()]
    said = next(line for line in lines if line.startswith("traffic.fault ")).split()[1:]
    meshes = ("envoy", "gateway-api", "istio", "istio (ambient)", "istio (ambient-l4)", "kuma", "kuma (tags)")
    assert [said[columns.index(name)] for name in meshes] == ["yes", "no", "yes", "yes", "no", "partly", "partly"]


def test_json_says_how(tmp_path: Path) -> None:
    table = json.loads(run("--mesh", "istio", "-o", "json").output)
    assert table["traffic.route.subset"]["istio"] == {
        "level": "Native",
        "side": "client",
        "via": "DestinationRule.subsets",
    }


def test_unknown_mesh_is_told() -> None:
    assert "there is no mesh type 'ist'" in str(run("--mesh", "ist").exception)


def test_policy_is_refused_or_reduced_where_a_mesh_lacks_it(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(POLICY)
    result = run("--policy", str(file), "--mesh", "istio", "--version", "1.19", "-o", "json")
    verdicts = {one["capability"]: one for one in json.loads(result.output)["verdicts"]["istio"]}
    assert verdicts["access.allow"]["action"] == "Refused"
    assert verdicts["traffic.mirror.percent"]["action"] == "Degraded"
    assert verdicts["traffic.timeout.request"]["action"] == "Applied"
    assert result.return_value == 3


def test_an_extension_is_refused_where_another_version_would_run(tmp_path: Path) -> None:
    file = tmp_path / "e.yaml"
    head = "apiVersion: reconciler.dev/v1alpha1\nkind: Extension\nmetadata: {name: a}\n"
    file.write_text(f"{head}spec: {{lua: {{inline: x}}, meshVersions: <1.27}}\n")
    for version, action in (("1.26.3", "Applied"), ("1.27.0", "Refused")):
        result = run("--policy", str(file), "--mesh", "istio", "--version", version, "-o", "json")
        verdicts = {one["capability"]: one for one in json.loads(result.output)["verdicts"]["istio"]}
        assert verdicts["extension.meshVersions"]["action"] == action


def test_wrong_file_is_an_error_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(POLICY.replace("timeout", "timout"))
    result = run("--policy", str(file), "-o", "json")
    found = json.loads(result.output)["findings"]
    assert [(one["path"], one["line"], one["code"]) for one in found] == [("p.yaml", 10, "unknown-field")]
    assert result.return_value == 1
