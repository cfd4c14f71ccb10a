"""``reconciler init`` as a newcomer uses it: what is written, that the other commands accept it, what it refuses."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.cli.main import run

Command = Callable[..., tuple[int, str, str]]
FILES = {
    ".gitignore",
    "README.md",
    "desired-state/inventory.yaml",
    "desired-state/mesh.yaml",
    "desired-state/reconciler.yaml",
    "desired-state/virtual-mesh.yaml",
    "facts/demo.yaml",
    "policies/first.yaml",
}


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run commands in an empty folder; git knows Ada and nothing else."""
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    for name, value in {
        "HOME": tmp_path,
        "GIT_CONFIG_GLOBAL": config,
        "GIT_CONFIG_NOSYSTEM": 1,
        "RECONCILER_STATE": tmp_path / "state",
    }.items():
        monkeypatch.setenv(name, str(value))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(arguments)
        return code, *capsys.readouterr()

    return command


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def written(folder: Path) -> set[str]:
    paths = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts)
    return {path.relative_to(folder).as_posix() for path in paths}


def connection(folder: Path, cluster: str) -> Any:
    inventory = yaml.safe_load((folder / "desired-state/inventory.yaml").read_text())
    return inventory["all"]["hosts"][cluster]["connection"]


def test_what_is_written_is_a_repository_with_one_commit(cli: Command) -> None:
    code, out, err = cli("init", "fleet")
    assert (code, err) == (0, "")
    fleet = Path("fleet")
    assert written(fleet) == FILES
    assert git(fleet, "status", "--porcelain") == ""
    assert git(fleet, "log", "--format=%an <%ae>") == "Ada <ada@example.org>"
    assert f"commit  {git(fleet, 'rev-parse', '--short', 'HEAD')}" in out
    assert "cd fleet" in out
    assert len((fleet / "policies/first.yaml").read_text().splitlines()) == 5
    assert "$" not in "".join((fleet / name).read_text() for name in FILES)


def test_the_other_commands_accept_it(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("init", "fleet")
    monkeypatch.chdir("fleet")
    code, out, err = cli("validate")
    assert (code, err) == (0, "")
    assert "0 errors, 0 warnings" in out

    code, out, err = cli("plan")
    assert code == 2
    assert "local / mesh   mode Report" in out
    assert "from policies/first.yaml:5 TrafficPolicy default/backend-first" in out
    assert [line.split()[2] for line in err.splitlines() if not line.startswith(" ") and line] == ["mesh-not-found"]

    assert cli("apply")[0] == 2
    assert not Path(".clusters").exists(), "mode Report writes nothing"
    settings = Path("desired-state/reconciler.yaml")
    settings.write_text(settings.read_text().replace("mode: Report", "mode: Apply"))
    git(Path(), "commit", "-qam", "Apply")
    assert cli("apply")[0] == 0
    live = [path for path in Path(".clusters/local/demo").rglob("*.yaml") if "weight: 10" in path.read_text()]
    assert len(live) == 1
    assert cli("plan")[0] == 0
    assert git(Path(), "status", "--porcelain") == ""


def test_nothing_that_exists_is_overwritten(cli: Command) -> None:
    mine = Path("fleet/desired-state/mesh.yaml")
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    Path("fleet/README.md").symlink_to("nowhere")
    code, out, err = cli("init", "fleet")
    assert (code, out) == (1, "")
    assert "fleet already has README.md, desired-state/mesh.yaml; nothing was written" in err
    assert written(Path("fleet")) == {"desired-state/mesh.yaml"}
    assert mine.read_text() == "mine"
    assert not Path("fleet/.git").exists()


def test_a_folder_in_a_repository_is_not_committed(cli: Command) -> None:
    git(Path(), "init", "-q", "-b", "trunk")
    code, _out, err = cli("init", "mesh")
    assert code == 0
    assert "lies in a Git repository that was there before" in err
    assert written(Path("mesh")) == FILES
    assert not Path("mesh/.git").exists()
    assert git(Path(), "status", "--porcelain") == "?? mesh/"


def test_without_an_author_everything_but_the_commit_is_done(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text("[user]\n\tuseConfigOnly = true\n")
    for name in ("EMAIL", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name, raising=False)
    code, _out, err = cli("init", "fleet")
    assert code == 0
    assert "git does not know who you are" in err
    assert written(Path("fleet")) == FILES
    git(Path("fleet"), "-c", "user.name=Eve", "-c", "user.email=eve@example.org", "commit", "-qm", "by hand")
    assert git(Path("fleet"), "status", "--porcelain") == ""


def test_a_hook_that_refuses_is_told(cli: Command) -> None:
    hooks = Path("hooks").absolute()
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\necho 'sign the form first' >&2\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    with Path(os.environ["GIT_CONFIG_GLOBAL"]).open("a") as config:
        config.write(f"[core]\n\thooksPath = {hooks}\n")
    code, _out, err = cli("init", "fleet")
    assert code == 0
    assert "No commit was made: git commit refused: sign the form first." in err


def test_without_git_the_files_are_written(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path("empty").absolute()))
    code, _out, err = cli("init", "fleet")
    assert code == 0
    assert "there is no git here" in err
    assert written(Path("fleet")) == FILES


def test_a_real_cluster(cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / ".kube" / "config"
    config.parent.mkdir()
    config.write_text("apiVersion: v1\nkind: Config\n")
    code, _out, err = cli(
        "init", "fleet", "--kubeconfig", str(config), "--context", "EU 1: a", "--service", "cart.shop"
    )
    assert (code, err) == (0, "")
    assert written(Path("fleet")) == FILES - {"facts/demo.yaml"}
    assert connection(Path("fleet"), "eu-1-a") == {"kubeconfig": {"path": "~/.kube/config", "context": "EU 1: a"}}
    policy = yaml.safe_load(Path("fleet/policies/first.yaml").read_text())
    assert policy["spec"] == {"to": ["cart.shop"], "rule": {"timeout": "10s"}}
    assert len(Path("fleet/policies/first.yaml").read_text().splitlines()) == 5
    monkeypatch.chdir("fleet")
    assert cli("validate")[0] == 0


def test_the_current_context_of_a_kubeconfig(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    Path("my config").write_text("")
    assert cli("init", "fleet", "--kubeconfig", "my config")[0] == 0
    path = (Path.cwd() / "my config").relative_to(tmp_path)
    assert connection(Path("fleet"), "cluster-1") == {"kubeconfig": {"path": f"~/{path}"}}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--mesh", "nope"], "there is no adapter 'nope'; known: "),
        (["--service", "Reviews"], "'Reviews' names no service; write NAME.NAMESPACE"),
        (["--service", "a.b.c"], "'a.b.c' names no service"),
        (["--context", "eu-1"], "add --kubeconfig PATH"),
        (["--kubeconfig", "nowhere"], "there is no kubeconfig "),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_written(cli: Command, arguments: list[str], said: str) -> None:
    code, out, err = cli("init", "fleet", *arguments)
    assert (code, out) == (1, "")
    assert said in err
    assert not Path("fleet").exists()


def test_a_folder_that_cannot_be_written(cli: Command) -> None:
    Path("file").write_text("")
    code, _out, err = cli("init", "file/fleet")
    assert code == 1
    assert err == "Error: cannot write file/fleet: Not a directory\n"


def test_names_of_services_do_not_meet(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("init", "fleet", "--service", "frontend.web")[0] == 0
    monkeypatch.chdir("fleet")
    bodies = [body for body in yaml.safe_load_all(Path("facts/demo.yaml").read_text()) if body["kind"] == "Service"]
    assert [body["metadata"]["name"] for body in bodies] == ["caller", "frontend"]
    assert cli("plan")[0] == 2
