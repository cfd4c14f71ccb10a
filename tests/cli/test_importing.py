"""``reconciler import`` as somebody uses it: from files and from a cluster, into a repository that is then valid."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from reconciler.cli.main import run
from tests.pipeline.fleet import Fleet

#: command-line arguments to exit code, standard output and standard error
Command = Callable[..., tuple[int, str, str]]
MANIFEST = """
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: reviews}
  spec: {selector: {app: reviews}, ports: [{name: http, port: 9080}]}
- apiVersion: networking.istio.io/v1
  kind: VirtualService
  metadata: {name: reviews}
  spec: {hosts: [reviews], http: [{timeout: 3s, route: [{destination: {host: reviews}}]}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: several}
spec: {selector: {matchLabels: {app: reviews}}, rules: [{from: [{source: {namespaces: [a]}}]},
  {from: [{source: {namespaces: [b]}}], to: [{operation: {methods: [GET]}}]}]}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default}
spec: {egress: [{hosts: ["./*"]}]}
"""


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    monkeypatch.setenv("RECONCILER_STATE", str(tmp_path / "state-of-cli"))

    def command(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return command


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "all.yaml").write_text(MANIFEST)
    return folder


def test_documents_are_printed_and_what_was_done_is_told(cli: Command, manifests: Path) -> None:
    code, out, err = cli("import", manifests)
    assert code == 0
    kinds = [document["kind"] for document in yaml.safe_load_all(out)]
    assert kinds == ["Extension", "TrafficPolicy", "AccessPolicy", "AccessPolicy"]
    table = {line.split()[0]: line.split()[1:] for line in err.splitlines() if line[:1].isupper()}
    assert table["KIND"] == ["NEUTRAL", "NATIVE", "OBJECT", "SKIPPED"]
    assert table["VirtualService"] == ["1", "-", "-", "-"]
    assert table["Sidecar"] == ["-", "-", "1", "-"]
    assert table["Service"] == ["-", "-", "-", "1"]
    assert "Sidecar default/default  no neutral document is made of this kind" in err
    assert "VirtualService default/reviews" in err.partition("which adopting writes once (1)")[2]
    assert "reviews-allow-several-2" in err.partition("under another name")[2]


def test_a_repository_takes_them_and_is_valid(cli: Command, manifests: Path, tmp_path: Path) -> None:
    repository = tmp_path / "fleet"
    assert cli("init", repository)[0] == 0
    code, out, _ = cli("import", manifests, "--into", repository)
    assert code == 0
    written = sorted(path.relative_to(repository) for path in (repository / "policies/imported").rglob("*.yaml"))
    assert [str(path) for path in written] == [
        f"policies/imported/default/{name}.yaml" for name in ("default", "reviews", "several")
    ]
    assert f"wrote {repository}/policies/imported/default/reviews.yaml" in out
    assert (repository / written[1]).read_text().startswith("# from VirtualService default/reviews\n")
    code, out, err = cli("validate", "--repo", repository)
    assert (code, err) == (0, "")


def test_nothing_is_overwritten_unless_that_is_asked_for(cli: Command, manifests: Path, tmp_path: Path) -> None:
    into = tmp_path / "fleet"
    assert cli("import", manifests, "--into", into)[0] == 0
    edited = into / "policies/imported/default/reviews.yaml"
    edited.write_text("# mine\n")
    (into / "policies/imported/default/several.yaml").unlink()
    code, _, err = cli("import", manifests, "--into", into)
    assert code == 1
    assert "nothing was written" in err
    assert edited.read_text() == "# mine\n"
    assert not (into / "policies/imported/default/several.yaml").exists()
    assert cli("import", manifests, "--into", into, "--force")[0] == 0
    assert "TrafficPolicy" in edited.read_text()


def test_a_cluster_of_a_repository_is_looked_into(cli: Command, fleet: Fleet) -> None:
    live = fleet.repo / "live/eu"
    live.mkdir(parents=True)
    body = yaml.safe_load_all(MANIFEST)
    virtual_service = next(body)["items"][1]
    virtual_service["metadata"] = {"name": "checkout", "namespace": "shop"}
    virtual_service["spec"] = {"hosts": ["checkout"], "http": [{"route": [{"destination": {"host": "checkout"}}]}]}
    (live / "checkout.yaml").write_text(yaml.safe_dump(virtual_service))
    code, out, _ = cli("import", "--repo", fleet.repo, "--cluster", "eu", "-o", "json")
    assert code == 0
    made = json.loads(out)
    (one,) = made["objects"]
    assert (one["object"]["kind"], one["fate"], one["comesBack"]) == ("VirtualService", "neutral", "respelled")
    assert list(made["files"]) == ["policies/imported/shop/checkout.yaml"]
    assert one["documents"] == ["TrafficPolicy/shop/checkout"]
    assert sorted(path.name for path in live.iterdir()) == ["checkout.yaml"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "line 2"),
        ("a: b", "without apiVersion and kind is no object"),
        ("{apiVersion: v1, kind: Service, metadata: {name: a}}", "no object of a mesh"),
        ("{apiVersion: v1, kind: Service, metadata: {}}\n---\n" + MANIFEST, "malformed"),
    ],
)
def test_files_that_cannot_be_used_are_told(cli: Command, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "given.yaml"
    path.write_text(text)
    code, out, err = cli("import", path)
    assert (code, out) == (1, "")
    assert said in err


def test_something_must_be_named(cli: Command) -> None:
    code, _, err = cli("import")
    assert code == 1
    assert "files, --cluster NAME or --kubeconfig PATH" in err


def test_the_example_of_the_page_is_true(cli: Command, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/import.md").read_text().partition("## An example")[2]
    given, printed, told = re.findall(r"^```(?:yaml)?\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "reviews.yaml").write_text(given)
    assert cli("import", tmp_path / "reviews.yaml") == (0, printed, told)
