"""``reconciler rbac`` as somebody uses it: what is in the role for which repository, and what is said instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.cli.main import run
from reconciler.model.rights import Right
from reconciler.pipeline.meshes import installed
from tests.pipeline.account import rights_of
from tests.pipeline.fleet import Fleet

ISTIO = "networking.istio.io"
#: command-line arguments to exit code, standard output and standard error
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Cluster ``eu`` is in mode Report, ``us`` in mode Apply; both are API servers that nobody reaches."""
    made = Fleet(tmp_path, {name: {"kubeconfig": {"path": f"{name}.kubeconfig"}} for name in ("eu", "us")})
    made.cluster("eu", made.connections["eu"], mode="Report")
    yield made
    made.store.close()


@pytest.fixture
def cli(fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(fleet.repo)
    monkeypatch.setenv("RECONCILER_STATE", str(fleet.folder / "none"))

    def command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(["rbac", *arguments])
        return code, *capsys.readouterr()

    return command


def rights(said: tuple[int, str, str]) -> set[Right]:
    code, out, err = said
    assert (code, err) == (0, "")
    role: dict[str, Any] = next(body for body in yaml.safe_load_all(out) if body["kind"] == "ClusterRole")
    return rights_of(role)


def writes(found: set[Right]) -> set[str]:
    return {right.resource for right in found if right.verb in ("create", "patch", "delete")}


def test_it_writes_where_mode_apply_may_write(cli: Command) -> None:
    adapter = installed()["istio"]
    raw = {kind.plural for kind in adapter.raw_kinds}
    emitted = {kind.plural for kind in adapter.kinds} - raw  # tests/adapters/test_raw_kinds.py shows which are raw
    assert {"authorizationpolicies", "virtualservices"} <= emitted
    assert raw
    assert writes(rights(cli())) == emitted
    assert writes(rights(cli("--limit", "us"))) == emitted
    assert writes(rights(cli("--limit", "eu"))) == set()
    assert writes(rights(cli("--read-only"))) == set()
    assert rights(cli("--limit", "eu")) == rights(cli("--read-only"))


def test_it_asks_for_no_right_to_write_where_the_access_is_read_only(cli: Command, fleet: Fleet) -> None:
    fleet.cluster("us", fleet.connections["us"], access="ReadOnly", mode="Apply")
    assert writes(rights(cli("--limit", "us"))) == writes(rights(cli())) == set()
    assert rights(cli("--limit", "us")) == rights(cli("--read-only"))


def test_it_reads_no_control_planes_where_none_is_looked_for(cli: Command, fleet: Fleet) -> None:
    shown = {kind.plural for kind in installed()["istio"].detect_kinds}
    reads = {right.resource for right in rights(cli()) if right.verb == "list"}
    assert shown <= reads
    for name in ("eu", "us"):
        fleet.cluster(name, fleet.connections[name], discovery={"enabled": False})
    assert not {"mutatingwebhookconfigurations"} & {right.resource for right in rights(cli())}
    assert "mutatingwebhookconfigurations" in shown


def test_only_what_a_run_asks_for_is_in_it(cli: Command) -> None:
    listed = {right for right in rights(cli()) if right.verb == "list"}
    adapter = installed()["istio"]
    kinds = {(kind.kind.group, kind.plural) for kind in (*adapter.kinds, *adapter.detect_kinds)}
    core = {("", "namespaces"), ("", "pods"), ("", "services"), ("apiextensions.k8s.io", "customresourcedefinitions")}
    apps = {("apps", f"{kind}s") for kind in ("deployment", "statefulset", "daemonset")}
    assert {(right.group, right.resource) for right in listed} == kinds | core | apps
    assert {right.verb for right in rights(cli())} == {"list", "watch", "get", "create", "patch", "delete"}
    assert not [right for right in rights(cli()) if "*" in (right.group, right.resource, right.verb)]


def test_without_prune_and_replace_nothing_is_deleted(cli: Command, fleet: Fleet) -> None:
    fleet.settings("{mode: Apply, prune: false}")
    assert "delete" not in {right.verb for right in rights(cli())}
    fleet.settings("{mode: Apply, prune: false, replace: Allow}")
    assert "delete" in {right.verb for right in rights(cli())}


def test_kinds_of_extensions_are_in_it_where_they_go_to(cli: Command, fleet: Fleet) -> None:
    secret = "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}}"
    filter_ = "{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, metadata: {name: f, namespace: shop}}"
    fleet.policy("own", f"{{workloads: [{{clusters: [us]}}], objects: [{secret}, {filter_}]}}", "Extension")
    everywhere = rights(cli())
    assert {"secrets", "envoyfilters"} <= writes(everywhere)
    assert Right("", "secrets", "list") in everywhere
    assert "secrets" not in {right.resource for right in rights(cli("--limit", "eu"))}
    fleet.policy("own", f"{{workloads: [{{clusters: [eu]}}], objects: [{secret}]}}", "Extension")
    reported = rights(cli())
    assert Right("", "secrets", "list") in reported
    assert "secrets" not in writes(reported)


def test_a_guessed_plural_is_told(cli: Command, fleet: Fleet) -> None:
    assert "CHECK" not in cli()[1]
    thing = "{apiVersion: things.example.com/v1, kind: Sheep, metadata: {name: s, namespace: shop}}"
    fleet.policy("own", f"{{objects: [{thing}]}}", "Extension")
    assert "# CHECK: the plurals of Sheep.things.example.com are guessed" in cli()[1]


def test_kinds_that_were_written_before_can_still_be_pruned(
    cli: Command, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reconciler.compile.kinds import BUILT_IN
    from reconciler.model.refs import KindId
    from reconciler.pipeline.state import remember_kinds

    remember_kinds(fleet.store, "us", [BUILT_IN[KindId("", "ConfigMap")]])
    fleet.store.close()
    assert "configmaps" not in writes(rights(cli()))
    monkeypatch.setenv("RECONCILER_STATE", str(fleet.folder / "state"))
    assert Right("", "configmaps", "delete") in rights(cli())


def test_a_type_needs_no_repository(cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert "virtualservices" in writes(rights(cli("--adapter", "istio")))
    assert writes(rights(cli("--adapter", "istio", "--read-only"))) == set()
    code, out, err = cli("--adapter", "isito")
    assert (code, out) == (1, "")
    assert f"there is no adapter 'isito'; known: {', '.join(sorted(installed()))}" in err
    code, _out, err = cli("--adapter", "envoy")
    assert (code, "no Kubernetes cluster" in err) == (1, True)


def test_the_same_repository_gives_the_same_bytes_and_leaves_no_state(cli: Command, fleet: Fleet) -> None:
    assert cli("--binding", "mesh/runner") == cli("--binding", "mesh:runner")
    assert not (fleet.folder / "none").exists()


def test_names(cli: Command) -> None:
    named = {body["kind"]: body["metadata"] for body in yaml.safe_load_all(cli("--binding", "mesh/runner")[1])}
    assert named == {
        "ClusterRole": {"name": "mesh-reconciler"},
        "ServiceAccount": {"name": "runner", "namespace": "mesh"},
        "ClusterRoleBinding": {"name": "mesh-reconciler"},
    }
    assert next(yaml.safe_load_all(cli("--read-only")[1]))["metadata"] == {"name": "mesh-reconciler-read-only"}
    assert next(yaml.safe_load_all(cli("--name", "mine")[1]))["metadata"] == {"name": "mine"}


@pytest.mark.parametrize("account", ["runner", "mesh/", "Mesh/runner", "a/b/c", "mesh/runner\nkind: x"])
def test_what_is_no_service_account_is_refused(cli: Command, account: str) -> None:
    code, out, err = cli("--binding", account)
    assert (code, out) == (1, "")
    assert "write NAMESPACE/NAME" in err


def test_mistakes_of_the_repository_are_told_beside_the_role(cli: Command, fleet: Fleet) -> None:
    fleet.file("policies/bad.yaml", "a: [")
    code, out, err = cli()
    assert code == 1
    assert "policies/bad.yaml" in err
    assert yaml.safe_load(out)["kind"] == "ClusterRole"
    fleet.file("desired-state/inventory.yaml", "a: [")
    assert cli()[:2] == (1, "")


def test_folders_ask_for_no_rights_and_count_only_alone(cli: Command, fleet: Fleet) -> None:
    fleet.cluster("us", {"directory": {"path": "live/us"}})
    assert writes(rights(cli())) == set()
    fleet.remove("desired-state/clusters/eu.yaml")
    assert "virtualservices" in writes(rights(cli()))
