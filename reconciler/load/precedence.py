"""Which definition of a variable holds for a cluster and mesh, and which ones it beat.

Lowest first: built-in values, ``all``, groups by depth, priority and name, cluster, cluster and mesh; within one of
these a file of ``group_vars`` or ``host_vars`` beats what stands in the inventory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from reconciler.load.files import File
from reconciler.load.inventory import ALL, Inventory
from reconciler.load.names import nearest
from reconciler.load.nodes import Map, Place, position
from reconciler.load.variables import NAME
from reconciler.model.findings import NOWHERE, Finding, Position, error

BUILT_IN = ("cluster", "mesh")


@dataclass(frozen=True, slots=True)
class Definition:
    """One place that gives a variable a value; ``source`` is worded: ``group prod``, ``cluster eu-1``."""

    value: Any
    position: Position
    source: str


@dataclass(frozen=True, slots=True)
class VariableOrigin:
    """A variable as it reads on a cluster: what holds, and what it beat, the strongest of these first."""

    name: str
    value: Any
    position: Position
    source: str
    beaten: tuple[Definition, ...] = ()


@dataclass(slots=True)
class VariableFiles:
    """Variables from files by ("group", name), ("cluster", name) or ("mesh", "cluster/mesh"). ``unusable`` maps a
    group or cluster, named likewise, to the finding about its file."""

    vars: dict[tuple[str, str], Map] = field(default_factory=dict)
    places: dict[tuple[str, str], Position] = field(default_factory=dict)
    unusable: dict[tuple[str, str], Finding] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def read_variable_files(files: Iterable[File]) -> VariableFiles:
    """The files below group_vars and host_vars."""
    found = VariableFiles()
    for file in files:
        parts = PurePosixPath(file.path).with_suffix("").parts[1:]
        kinds = {("group_vars", 2): "group", ("host_vars", 2): "cluster", ("host_vars", 3): "mesh"}
        kind = kinds.get((parts[0], len(parts)))
        if kind is None:
            hint = "expected group_vars/GROUP.yaml, host_vars/CLUSTER.yaml or host_vars/CLUSTER/MESH.yaml"
            found.findings.append(error("variable-file", "nothing reads a file here", Position(file.path), hint))
            continue
        key = (kind, "/".join(parts[1:]))
        problems = list(_problems(file))
        if key in found.places:
            problems.append(error("variable-file", f"{found.places[key].path} is the same", Position(file.path)))
        found.places[key] = Position(file.path)
        if problems:
            found.findings += problems
            found.unusable.setdefault(key, problems[0])
        elif file.pages:
            found.vars[key] = file.pages[0].root
    return found


def _problems(file: File) -> Iterator[Finding]:
    yield from (*file.findings, *(mistake for page in file.pages for mistake in page.mistakes))
    for page in file.pages[1:]:
        yield error("variable-file", "a second document: a file of variables has one", position(page.at))
    for page in file.pages[:1]:
        if isinstance(page.root, Map):
            yield from name_problems(page.root)
        else:
            yield error("variable-file", "expected a mapping of variables", position(page.at))


def name_problems(variables: Map) -> Iterator[Finding]:
    """A finding for each key that cannot be a variable."""
    for name, at in variables.keys_at.items():
        if not NAME.match(name):
            hint = "letters, digits and _, not starting with a digit"
            yield error("variable-name", f"`{name[:80]}` cannot be the name of a variable", position(at), hint)
        elif name in BUILT_IN:
            yield error("variable-name", f"`{name}` is built in and cannot be set", position(at))


@dataclass(frozen=True, slots=True)
class Variables:
    """All definitions of a repository. ``groups`` maps each cluster to its groups, indirect ones too."""

    inventory: Inventory
    files: VariableFiles
    groups: dict[str, frozenset[str]]

    def layers(self, cluster: str, mesh: str = "") -> Iterator[tuple[str, Map]]:
        """(source, variables), lowest precedence first, built-in values left out."""
        known = self.inventory.groups
        chain = sorted(
            self.groups.get(cluster, frozenset()),
            key=lambda name: (known[name].depth, known[name].priority, name) if name in known else (1, 1, name),
        )
        for name in (ALL, *chain):
            for given in known[name].vars if name in known else ():
                yield f"group {name}", given
            yield from self._file("group", name)
        for given in self.inventory.hosts.get(cluster, (None, []))[1]:
            yield f"cluster {cluster}", given
        yield from self._file("cluster", cluster)
        if mesh:
            yield from self._file("mesh", f"{cluster}/{mesh}")

    def _file(self, kind: str, name: str) -> Iterator[tuple[str, Map]]:
        if (kind, name) in self.files.vars:
            yield f"{kind} {name}", self.files.vars[(kind, name)]

    def origins(self, cluster: str, mesh: str = "") -> tuple[VariableOrigin, ...]:
        """Every variable of a cluster, or of a mesh in it, by name."""
        found: dict[str, list[Definition]] = {"cluster": [Definition(cluster, NOWHERE, "built in")]}
        if mesh:
            found["mesh"] = [Definition(mesh, NOWHERE, "built in")]
        for source, given in self.layers(cluster, mesh):
            for name, value in given.items():
                found.setdefault(name, []).insert(0, Definition(value, position(given.values_at[name]), source))
        return tuple(
            VariableOrigin(name, defs[0].value, defs[0].position, defs[0].source, tuple(defs[1:]))
            for name, defs in sorted(found.items())
        )

    def values(self, cluster: str, mesh: str) -> dict[str, Any]:
        """Each variable's value on a target."""
        merged: dict[str, Any] = {}
        for _, given in self.layers(cluster, mesh):
            merged.update(given)
        return {**merged, "cluster": cluster, "mesh": mesh}

    def winners(self, cluster: str) -> dict[str, tuple[Any, Place, Place]]:
        """Each variable of a cluster with its value and the places of key and value."""
        merged: dict[str, tuple[Any, Place, Place]] = {}
        for _, given in self.layers(cluster):
            merged.update({name: (value, key_at, at) for name, value, key_at, at in given.entries()})
        return merged

    def unusable(self, cluster: str) -> Finding | None:
        """The finding about a file of variables that this cluster needs and that cannot be used."""
        keys = [
            ("group", ALL),
            *(("group", name) for name in sorted(self.groups.get(cluster, ()))),
            ("cluster", cluster),
        ]
        keys += [key for key in sorted(self.files.unusable) if key[0] == "mesh" and key[1].startswith(f"{cluster}/")]
        return next((self.files.unusable[key] for key in keys if key in self.files.unusable), None)


def unknown_owners(variables: Variables, clusters: Iterable[str], meshes: Iterable[str]) -> list[Finding]:
    """A finding for each file of variables whose group, cluster or mesh does not exist."""
    hosts = set(clusters)
    groups = {ALL, *variables.inventory.groups, *(name for chain in variables.groups.values() for name in chain)}
    meshes = set(meshes)
    known = {"group": groups, "cluster": hosts, "mesh": {f"{host}/{mesh}" for host in hosts for mesh in meshes}}
    return [
        error("unknown-reference", f"there is no {kind} `{name}`", place, nearest(name, known[kind]))
        for (kind, name), place in sorted(variables.files.places.items())
        if name not in known[kind]
    ]
