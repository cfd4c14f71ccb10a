"""A control plane out of the repository: broken files keep what is there, roles know its kinds, links lead nowhere."""

from __future__ import annotations

import pytest

from reconciler.io.worktree import WORKTREE, WorktreeSource
from reconciler.pipeline.meshes import installed
from reconciler.pipeline.roles import Scope, role_for_repository
from tests.pipeline.control_plane import OBJECTS, manifests, mesh, present
from tests.pipeline.fleet import Fleet, rows

POLICIES = 3  # objects that the policies of the fleet become
MADE = OBJECTS - 2 + POLICIES


@pytest.fixture
def plane(fleet: Fleet) -> Fleet:
    """Without a definition: a folder that has one serves nothing else."""
    documents = manifests("a")["manifests/plane/all.yaml"].split("---\n")
    fleet.file("manifests/plane/all.yaml", "---\n".join(one for one in documents if "kind: Thing" not in one))
    fleet.change("desired-state/mesh.yaml", mesh(present("a")))
    assert rows(fleet.apply()) == {"eu/mesh": {"changed": MADE}}
    return fleet


def test_the_second_run_writes_nothing(plane: Fleet) -> None:
    before = plane.live()
    assert rows(plane.apply()) == {"eu/mesh": {"ok": MADE}}
    assert plane.live() == before


def test_a_broken_file_keeps_the_control_plane_and_stops_nothing_else(plane: Fleet) -> None:
    before = plane.live()
    plane.file("manifests/plane/more.yaml", "kind: {{ .Kind }}\n")
    plane.policy("cart", "{to: [cart.shop], rule: {timeout: 9s}}")
    plane.commit("a template among the manifests")
    run = plane.apply()
    assert any(finding.position.path == "manifests/plane/more.yaml" for finding in run.planned.prepared.findings)
    after = plane.live()
    assert after.keys() == before.keys()
    assert [name for name in before if after[name] != before[name]] == ["VirtualService cart"]


def test_what_one_file_no_longer_has_is_pruned(plane: Fleet) -> None:
    text = (plane.repo / "manifests/plane/all.yaml").read_text()
    plane.change(
        "manifests/plane/all.yaml", "".join(line for line in text.splitlines(True) if "kind: ServiceA" not in line)
    )
    assert rows(plane.apply()) == {"eu/mesh": {"ok": MADE - 1, "pruned": 1}}
    assert "ServiceAccount plane" not in plane.live()


def test_the_role_has_the_kinds_of_the_control_plane(plane: Fleet) -> None:
    desired = plane.plan().planned.prepared.desired
    assert desired is not None
    role = role_for_repository(Scope(desired, frozenset(desired.targets), installed()), read_only=False)
    rules = [rule for section in role.sections for rule in section.rules]
    writable = {name for rule in rules if "patch" in rule.verbs for name in rule.resources}
    assert {"clusterroles", "deployments", "namespaces", "validatingwebhookconfigurations"} <= writable


def test_a_link_out_of_the_tree_is_not_followed(fleet: Fleet) -> None:
    outside = fleet.folder / "outside.yaml"
    outside.write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: a}}\n")
    link = fleet.repo / "manifests/plane/linked.yaml"
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    fleet.change("desired-state/mesh.yaml", mesh(present("a")))
    for revision in (WORKTREE, "HEAD"):
        tree = WorktreeSource(fleet.repo).tree(revision)
        assert "manifests/plane/linked.yaml" not in tree.files
        assert "out of the tree" in tree.refused["manifests/plane/linked.yaml"]
    run = fleet.apply()
    assert [one.code for one in run.planned.prepared.findings if one.position.path.startswith("manifests")] == [
        "file-refused"
    ]
    assert rows(run) == {"eu/mesh": {"changed": POLICIES}}
