"""Writes the generated pages of docs/ from the code; with --check only says whether they are up to date."""

from __future__ import annotations

import inspect
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import yaml

from reconciler.model import codes

DOCS = Path(__file__).parent.parent / "docs"
WRITTEN = "<!-- Written by `make docs`; change the code instead. -->\n"


def findings_page() -> str:
    """Every finding code with its meaning, in the sections of ``reconciler/model/codes.py``."""
    lines = ["# Findings", "", WRITTEN, "What a mistake or a remark is called, and what it means."]
    place = re.compile(r"^ {4}(?:# (?P<section>.+)|\"(?P<code>[^\"]+)\":)", re.MULTILINE)
    for found in place.finditer(inspect.getsource(codes)):
        if section := found["section"]:
            lines += ["", f"## {section[0].upper()}{section[1:]}", "", "| code | meaning |", "|---|---|"]
        else:
            meaning = codes.CODES[found["code"]].replace("|", "\\|")
            lines.append(f"| `{found['code']}` | {meaning} |")
    return "\n".join(lines) + "\n"


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if (inner := command.get_command(context, name)) is not None and not inner.hidden:
                yield from commands(inner, f"{path} {name}")


def cli_page(group: click.Group) -> str:
    """Every command with what ``--help`` prints."""
    lines = ["# Commands", "", WRITTEN, "Exit codes and the state folder: [operations.md](operations.md)."]
    for path, command in commands(group, "reconciler"):
        context = click.Context(command, info_name=path, max_content_width=100, terminal_width=100)
        lines += ["", f"{'##' if ' ' not in path else '###'} {path}", "", "```", command.get_help(context), "```"]
    return "\n".join(lines) + "\n"


#: meshes that people still ask for; nothing of theirs can be read or written
NO_ADAPTER = (
    "",
    "## Meshes without an adapter",
    "",
    "Nothing of these can be read, imported or written.",
    "",
    "| mesh | why |",
    "|---|---|",
    "| Linkerd 1 | it ended; dtabs in namerd and files of its proxies told it what to do, not objects of a cluster, and"
    " there is no live interface to test against. Its dtabs have to be written anew as TrafficPolicy documents |",
    "| Azure Service Fabric Mesh | its preview ended on 28 April 2021: no endpoint answers any more |",
    "| Hamlet | it was a protocol by which meshes tell each other of their services, without policies; it is archived,"
    " and no mesh above serves it. There is no federation in this version for any mesh |",
)


def capabilities_page() -> str:
    """What every installed mesh claims, from the capability files of the adapters."""
    from reconciler.pipeline.claims import claim_table
    from reconciler.pipeline.meshes import installed
    from reconciler.report.claims_text import claims_page

    table = claim_table(installed())
    lines = [
        "# Capabilities",
        "",
        WRITTEN,
        "What each mesh can do of the neutral API ([api.md](api.md)), path by path, and by what. A path without a row",
        "has the row of the nearest path above it. *emulated*: by more than one field of the mesh; *partly*: with",
        "the loss that is named. `reconciler capabilities --policy FILE` says what becomes of one policy; on a real",
        "cluster its versions and definitions count too.",
        *NO_ADAPTER,
        *claims_page(table),
    ]
    return "\n".join(lines) + "\n"


def semantics_page() -> str:
    """What each capability means, from the cases of tests/behaviour, which real proxies are held to."""
    lines = [
        "# Semantics",
        "",
        WRITTEN,
        "What each thing that a policy can ask means, measured on real proxies: every line is a case of",
        "[tests/behaviour](../tests/behaviour/README.md), which runs with all of it between Git and traffic.",
        "The same policies on every other mesh lie beside each case; where one differs by nature, the line says how.",
    ]
    found: dict[str, list[str]] = {}
    for path in sorted((DOCS.parent / "tests/behaviour/cases").glob("*/case.yaml")):
        case = yaml.safe_load(path.read_text())
        differs = "".join(f" On {mesh}: {words}." for mesh, words in sorted((case.get("differs") or {}).items()))
        place = path.parent.relative_to(DOCS.parent).as_posix()
        for capability in case["capabilities"]:
            words = " ".join(case["meaning"].split()).replace("|", "\\|")
            found.setdefault(capability, []).append(f"{words}{differs} ([{path.parent.name}](../{place}/case.yaml))")
    section = ""
    for capability in sorted(found):
        if (kind := capability.partition(".")[0]) != section:
            section = kind
            lines += ["", f"## {kind}", "", "| capability | meaning |", "|---|---|"]
        lines += [f"| `{capability}` | {'<br>'.join(found[capability])} |"]
    return "\n".join(lines) + "\n"


def eight_policies_page() -> str:
    """What eight policies that people ask of any mesh become on each, from the cases of tests/eight."""
    eight = DOCS.parent / "tests/eight"
    meshes = {path.stem: _told(path) for path in sorted((eight / "meshes").glob("*.yaml"))}
    outcomes = {mesh: yaml.safe_load((eight / f"expected/{mesh}.yaml").read_text()) for mesh in meshes}
    lines = [
        "# Eight policies on each mesh",
        "",
        WRITTEN,
        "What people ask of any mesh, written once, and what each mesh gets of it: the objects that are written, and",
        "verdicts that say more than that the mesh does it by itself. The policies, the objects field by field, and",
        "what all eight together become lie in [tests/eight](../tests/eight/policies); on a real API server these",
        "objects are accepted, found in sync, healed and pruned (`tests/pipeline/test_kube_eight.py`).",
    ]
    for policy in (name for name in next(iter(outcomes.values())) if name != "together"):
        path = eight / f"policies/{policy}.yaml"
        title = policy.replace("-", " ").replace("mtls", "mTLS")
        lines += ["", f"## {title[0].upper()}{title[1:]}", "", f"{_told(path)}.", ""]
        lines += ["| mesh | objects | verdict |", "|---|---|---|"]
        lines += [
            f"| {meshes[mesh]} | {_kinds(outcome[policy])} | {_verdicts(outcome[policy])} |"
            for mesh, outcome in outcomes.items()
        ]
    return "\n".join(lines) + "\n"


def _told(path: Path) -> str:
    """The comment that a file begins with."""
    return path.read_text().partition("\n")[0].removeprefix("# ").replace("|", "\\|")


def _kinds(outcome: Mapping[str, Any]) -> str:
    counted = Counter(body["kind"] for objects in outcome["objects"].values() for body in objects)
    return ", ".join(kind if count == 1 else f"{count} {kind}" for kind, count in counted.items())


_VERDICT = re.compile(r"\S+ \S+ .*?: (?P<path>\S+) (?P<level>\w+) (?P<action>\w+)(?: \((?P<note>.*)\))?", re.DOTALL)
#: what the cell says anyway: which policy asked for what on which mesh
_AROUND = re.compile(
    r"^(left out: )?(\S+ asks for \S+, and )?(\S+( \(\S+\))? cannot do it: )?|: nothing of the policy is applied here$"
)


def _verdicts(outcome: Mapping[str, Any]) -> str:
    """Capability paths by what is said of them: of a policy that is refused the reason alone."""
    told: dict[str, list[str]] = {}
    for text in outcome["verdicts"]:
        said = _VERDICT.fullmatch(text)
        assert said is not None, text
        note = _AROUND.sub("", said["note"] or "")
        if said["action"] == "Refused":
            told.setdefault(f"refused: {note}", [])
        elif said["action"] == "Degraded":
            told.setdefault(f"left out: {note}", []).append(said["path"])
        elif note or said["level"] != "Native":
            told.setdefault(": ".join(filter(None, (said["level"].lower(), note))), []).append(said["path"])
    cells = [f"{', '.join(f'`{path}`' for path in paths)} {words}".strip() for words, paths in told.items()]
    return "<br>".join(cells).replace("|", "\\|").replace("<key>", "KEY") or "native"


def pages() -> dict[str, str]:
    from reconciler.cli.main import cli

    return {
        "findings.md": findings_page(),
        "cli.md": cli_page(cli),
        "capabilities.md": capabilities_page(),
        "semantics.md": semantics_page(),
        "eight-policies.md": eight_policies_page(),
    }


def main() -> int:
    stale = [name for name, text in pages().items() if not (DOCS / name).exists() or (DOCS / name).read_text() != text]
    if "--check" in sys.argv[1:]:
        sys.stdout.write("".join(f"docs/{name} is not up to date: make docs\n" for name in stale))
        return 1 if stale else 0
    for name in stale:
        (DOCS / name).write_text(pages()[name])
        sys.stdout.write(f"docs/{name} written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
