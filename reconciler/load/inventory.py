"""The Ansible-style inventory: clusters, groups, and where they define variables. ``precedence`` orders these."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from reconciler.load.files import File
from reconciler.load.names import nearest
from reconciler.load.nodes import Map, Place, position
from reconciler.model.findings import Finding, error

ALL = "all"
_PRIORITY = "ansible_group_priority"
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z")


@dataclass(slots=True)
class Group:
    """``vars`` in the order of the file; ``hosts`` are its own, without those of its children."""

    name: str
    at: Place
    parents: set[str] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)
    vars: list[Map] = field(default_factory=list)
    priority: int = 1
    depth: int = 0


@dataclass(slots=True)
class Inventory:
    """``hosts`` maps a cluster to its place and the maps of variables given there."""

    groups: dict[str, Group] = field(default_factory=dict)
    hosts: dict[str, tuple[Place, list[Map]]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def complain(self, code: str, message: str, at: Place, hint: str = "") -> None:
        self.findings.append(error(code, message, position(at), hint))

    def lineage(self, groups: Iterable[str]) -> set[str]:
        """These groups and everything above them."""
        found: set[str] = set()
        waiting = list(groups)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self.groups[name].parents if name in self.groups else ()
        return found

    def groups_of(self, host: str) -> set[str]:
        """The groups of a host, indirect ones too, without ``all``."""
        return self.lineage(name for name, group in self.groups.items() if host in group.hosts) - {ALL}


def read_inventory(files: list[File]) -> Inventory:
    """What the inventory file says; its findings make it unusable as a whole, since hosts may be missing."""
    found = Inventory()
    for file in files:
        found.findings += [*file.findings, *(mistake for page in file.pages for mistake in page.mistakes)]
    pages = [page for file in files for page in file.pages]
    for page in pages[1:]:
        found.complain("inventory-shape", "a second inventory: there is one document with `all`", page.at)
    if pages and not found.findings:
        root = pages[0].root
        if not isinstance(root, Map):
            found.complain("inventory-shape", "expected a mapping with `all`", pages[0].at)
        else:
            _expect_keys(found, root, (ALL,), "the inventory")
            if isinstance(root.get(ALL, Map(root.at)), Map) or root[ALL] is None:
                _read_group(found, ALL, root.get(ALL), root.values_at.get(ALL, root.at), None)
            else:
                found.complain("inventory-shape", "expected a mapping with hosts, vars, children", root.values_at[ALL])
            _find_depths(found)
    return found


def _expect_keys(found: Inventory, node: Map, known: tuple[str, ...], what: str) -> None:
    for key in node:
        if key not in known:
            told = f"there is no field `{key[:80]}` in {what}"
            found.complain("inventory-shape", told, node.keys_at[key], nearest(key, known))


def _part(found: Inventory, node: Map, name: str) -> Map:
    """A mapping of a group; empty when it is left out or empty."""
    value = node.get(name)
    if isinstance(value, Map):
        return value
    if value is not None:
        found.complain("inventory-shape", f"`{name}` must be a mapping", node.values_at[name])
    return Map(node.at)


def _read_group(found: Inventory, name: str, node: Map | None, at: Place, parent: str | None) -> None:
    group = found.groups.setdefault(name, Group(name, at))
    if parent is not None:
        group.parents.add(parent)
    if node is None:
        return
    _expect_keys(found, node, ("hosts", "vars", "children", "priority"), "a group")
    variables = _part(found, node, "vars")
    group.vars.append(variables)
    _read_priority(found, group, node, "priority")
    _read_priority(found, group, variables, _PRIORITY)
    hosts = _part(found, node, "hosts")
    for host in hosts:
        _read_host(found, group, host, hosts)
    children = _part(found, node, "children")
    for child, body, key_at, value_at in children.entries():
        if not _NAME.match(child) or child == ALL:
            found.complain("inventory-shape", f"`{child[:80]}` cannot be the name of a group", key_at)
        elif body is not None and not isinstance(body, Map):
            found.complain("inventory-shape", "a group is a mapping with hosts, vars, children", value_at)
        else:
            _read_group(found, child, body, key_at, name)


def _read_priority(found: Inventory, group: Group, node: Map, key: str) -> None:
    if key not in node:
        return
    if isinstance(node[key], int) and not isinstance(node[key], bool):
        group.priority = node[key]
    else:
        found.complain("inventory-shape", f"`{key}` must be a whole number", node.values_at[key])


def _read_host(found: Inventory, group: Group, host: str, hosts: Map) -> None:
    variables = hosts[host]
    if variables is not None and not isinstance(variables, Map):
        found.complain("inventory-shape", f"the variables of `{host[:80]}` must be a mapping", hosts.values_at[host])
        return
    group.hosts.add(host)
    _, given = found.hosts.setdefault(host, (hosts.keys_at[host], []))
    if variables:
        given.append(variables)


def _find_depths(found: Inventory) -> None:
    """The longest way from ``all`` to each group; groups that contain themselves are findings."""
    for _ in range(len(found.groups)):
        moved = False
        for group in found.groups.values():
            depth = max((found.groups[parent].depth + 1 for parent in group.parents), default=0)
            moved, group.depth = moved or depth != group.depth, depth
        if not moved:
            return
    for name, group in sorted(found.groups.items()):
        if any(name in found.lineage({parent}) for parent in group.parents):
            found.complain("group-cycle", f"the group `{name}` contains itself", group.at)
