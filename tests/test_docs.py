"""The pages and samples are true: links lead somewhere, examples load without a finding, editors find their schemas."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*/README.md")])
SHOP = ROOT / "examples/three-clusters"
REPOSITORIES = {"local": ROOT, **{path.parent.name: path.parent for path in ROOT.glob("examples/*/desired-state")}}
FOLDERS = ("desired-state", "policies")
SAMPLES = sorted(path for home in REPOSITORIES.values() for name in FOLDERS for path in (home / name).rglob("*.yaml"))
NO_SCHEMA = re.compile(r"(^|/)(inventory\.yaml|group_vars/.*|host_vars/.*)$")
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def documents(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if document]


def repository(home: Path) -> dict[str, bytes]:
    """The files of a repository as a source hands them in."""
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for name in FOLDERS
        for path in sorted((home / name).rglob("*.yaml"))
    }


def findings(files: Mapping[str, bytes]) -> list[str]:
    """What loading says about these files; imported here, so that a broken loader fails its own tests only."""
    from reconciler.adapters.registry import names
    from reconciler.load import load
    from reconciler.model.commits import Commit, SourceTree

    _state, found = load(SourceTree(Commit("worktree"), files), names())
    return [str(finding) for finding in found]


def blocks(page: Path) -> Iterator[tuple[int, str]]:
    """The YAML blocks of a page with the line that each starts at."""
    text = page.read_text()
    for found in re.finditer(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, found.start()) + 2, found.group(1)


EXAMPLES = [pytest.param(block, id=f"{named(page)}:{line}") for page in PAGES for line, block in blocks(page)]


def with_example(block: str) -> dict[str, bytes]:
    """The desired state of the shop on three clusters, with what the example holds in the place of what it replaces."""
    files = {path: text for path, text in repository(SHOP).items() if path.startswith("desired-state/")}
    if "all" in (written := documents(block))[0]:
        return {"desired-state/inventory.yaml": block.encode()}
    names = [(document["kind"], document["metadata"]["name"]) for document in written]
    for path in [path for path in files if not NO_SCHEMA.search(path)]:
        here = documents(files[path].decode())
        if any((d["kind"], d["metadata"]["name"]) in names or d["kind"] == "Reconciler" for d in here):
            del files[path]
    return {**files, "policies/example.yaml": block.encode()}


@pytest.mark.parametrize("block", EXAMPLES)
def test_an_example_loads_without_a_finding(block: str) -> None:
    # an example may put a mesh in the place of the shop's that is on fewer clusters
    assert [text for text in findings(with_example(block)) if " empty-group " not in text] == []


def test_a_wrong_example_would_be_found() -> None:
    block = next(parameter.values[0] for parameter in EXAMPLES if "rule:" in str(parameter.values[0]))
    assert findings(with_example(str(block).replace("rule:", "rules:")))


@pytest.mark.parametrize("home", REPOSITORIES.values(), ids=REPOSITORIES)
def test_a_sample_repository_loads_without_a_finding(home: Path) -> None:
    assert findings(repository(home)) == []


def test_every_kind_has_an_example() -> None:
    schemas = {path.stem for path in (ROOT / "reconciler/load/schemas").glob("[A-Z]*.json")}
    shown = {document.get("kind") for _line, block in blocks(ROOT / "docs/api.md") for document in documents(block)}
    assert schemas
    assert schemas <= shown


@pytest.mark.parametrize("path", SAMPLES, ids=named)
def test_editors_find_the_schema_of_a_sample(path: Path) -> None:
    if NO_SCHEMA.search(named(path)):
        return
    modeline = MODELINE.match(path.read_text())
    assert modeline, "the first line names no schema"
    schema = json.loads((path.parent / modeline.group(1)).read_text())
    assert {document["kind"] for document in documents(path.read_text())} == {schema["title"]}


def test_the_first_policy_of_the_readme_is_the_quickstart_and_has_five_lines() -> None:
    _line, block = next(blocks(ROOT / "README.md"))
    assert block == (ROOT / "examples/quickstart/policies/reviews.yaml").read_text()
    assert len(block.splitlines()) == 5


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> list[str]:
    found = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    missing = []
    for link in [link for link in found if "://" not in link]:
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            missing.append(link)
    return missing


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_a_broken_link_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# One thing\n[x](a.md#one-thing) [y](b.md) [z](#another)")
    assert broken_links(tmp_path / "a.md") == ["b.md", "#another"]


def commands_named() -> set[str]:
    """First words after ``reconciler`` in the code of the pages."""
    text = "\n".join(page.read_text() for page in PAGES)
    code = [*re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL), *re.findall(r"`([^`\n]+)`", text)]
    return set(re.findall(r"^ *reconciler ([a-z]+)\b", "\n".join(code), re.MULTILINE))


def test_the_pages_name_real_commands() -> None:
    from reconciler.cli.main import COMMANDS

    assert commands_named()
    assert commands_named() <= set(COMMANDS)


def test_the_generated_pages_are_up_to_date() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts/docs.py", "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
