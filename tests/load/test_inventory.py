"""Groups, precedence, explain, and patterns."""

import pytest

from reconciler.load import explain, select
from tests.load.trees import API, MESH, TYPES, fleet, loaded, tree

INVENTORY = """
all:
  vars: {v: all, only_all: 1}
  children:
    prod:
      vars: {v: prod}
      children:
        eu: {hosts: {eu-1: {connection: {directory: a}, v: host}, eu-2: {connection: {directory: b}}}, vars: {v: eu}}
        us: {hosts: {us-1: {connection: {directory: c}}}}
    canary: {hosts: {eu-2: {}}, vars: {v: canary}}
    late: {hosts: {eu-2: {}}, vars: {v: late, ansible_group_priority: 9}}
    zoo: {hosts: {eu-2: {}, us-1: {}}, vars: {v: zoo}}
"""
GROUP = f"{API}kind: VirtualMesh\nmetadata: {{name: fast}}\nspec: {{meshes: {{clusters: [us-1]}}}}\n"
SOURCE = {"desired-state/inventory.yaml": INVENTORY, "desired-state/mesh.yaml": MESH, "desired-state/v.yaml": GROUP}


def _sources(cluster: str, mesh: str = "", name: str = "v", **files: str) -> list[str]:
    more = {f"desired-state/{path}.yaml": text for path, text in files.items()}
    (origin,) = [row for row in explain(tree({**SOURCE, **more}), cluster, mesh) if row.name == name]
    return [origin.source, *(one.source for one in origin.beaten)]


def test_deeper_groups_beat_shallower_ones_then_priority_then_name() -> None:
    assert _sources("eu-2") == ["group eu", "group late", "group zoo", "group prod", "group canary", "group all"]
    assert _sources("us-1") == ["group zoo", "group prod", "group all"]


def test_cluster_beats_groups_and_files_beat_the_inventory() -> None:
    assert _sources("eu-1")[:2] == ["cluster eu-1", "group eu"]
    files = {
        "host_vars/eu-1": "v: 1\n",
        "host_vars/eu-1/istio": "v: 2\n",
        "group_vars/eu": "v: 3\n",
        "group_vars/all": "v: 4\n",
    }
    assert _sources("eu-1", "istio", **files) == [
        "mesh eu-1/istio", "cluster eu-1", "cluster eu-1", "group eu", "group eu", "group prod", "group all",
        "group all",
    ]  # fmt: skip


def test_explain_tells_value_and_place() -> None:
    (row,) = [row for row in explain(tree(SOURCE), "eu-1") if row.name == "v"]
    assert (row.value, str(row.position)) == ("host", "desired-state/inventory.yaml:8:60")
    assert [(one.value, one.position.line) for one in row.beaten] == [("eu", 8), ("prod", 6), ("all", 3)]
    assert explain(tree(SOURCE), "nowhere") == ()


def test_built_in_variables_are_the_target() -> None:
    rows = {row.name: (row.value, row.source) for row in explain(tree(SOURCE), "eu-1", "istio")}
    assert rows["cluster"] == ("eu-1", "built in")
    assert rows["mesh"] == ("istio", "built in")


def test_groups_become_labels() -> None:
    desired, _ = loaded(tree(SOURCE))
    assert desired.clusters["eu-2"].groups == ("canary", "eu", "late", "prod", "zoo")
    assert desired.clusters["us-1"].labels == {f"group.reconciler.dev/{name}": "" for name in ("prod", "us", "zoo")}


def test_group_variables_fill_the_spec_of_its_clusters() -> None:
    desired, _ = loaded(tree({**SOURCE, "desired-state/group_vars/us.yaml": "mode: Report\nlabels: {tier: slow}\n"}))
    assert (desired.clusters["us-1"].mode, desired.clusters["us-1"].labels["tier"]) == ("Report", "slow")
    assert desired.clusters["eu-1"].mode is None


@pytest.mark.parametrize(
    ("pattern", "clusters"),
    [
        ("all", {"eu-1", "eu-2", "us-1"}),
        ("*", {"eu-1", "eu-2", "us-1"}),
        ("eu", {"eu-1", "eu-2"}),
        ("prod:&eu:!canary", {"eu-1"}),
        ("!canary:prod:&eu", {"eu-1"}),
        ("prod,&eu,!canary", {"eu-1"}),
        ("eu-?", {"eu-1", "eu-2"}),
        ("*/istio:!us", {"eu-1", "eu-2"}),
        ("us-1/istio", {"us-1"}),
        ("istio", {"eu-1", "eu-2", "us-1"}),
        ("fast", {"us-1"}),
        ("!fast", {"eu-1", "eu-2"}),
        ("&eu", {"eu-1", "eu-2"}),
        ("eu-1 , us-1", {"eu-1", "us-1"}),
    ],
)
def test_patterns(pattern: str, clusters: set[str]) -> None:
    chosen, findings = select(pattern, loaded(tree(SOURCE))[0])
    assert findings == ()
    assert {target.cluster for target in chosen} == clusters


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("prdo", "did you mean `prod`?"),
        ("prod:!canarry", "did you mean `canary`?"),
        ("prod:&xyz*", ""),
        ("", "name a cluster"),
    ],
)
def test_unknown_items_choose_nothing(pattern: str, hint: str) -> None:
    chosen, findings = select(pattern, loaded(tree(SOURCE))[0])
    assert chosen == frozenset()
    assert [finding.code for finding in findings] == ["unknown-pattern"]
    assert findings[0].hint.startswith(hint)


def test_a_mesh_that_is_known_but_nowhere_is_no_mistake_in_a_pattern() -> None:
    idle = MESH.replace("name: istio", "name: idle").replace(
        "clusterSelector: {}", "clusterSelector: {matchLabels: {a: b}}"
    )
    desired, findings = loaded(fleet(idle=idle))
    assert [finding.code for finding in findings] == ["no-cluster"]
    assert select("idle", desired) == (frozenset(), ())


def test_mesh_types_are_those_of_the_adapters() -> None:
    assert set(TYPES) == {"envoy", "istio", "linkerd"}
    _, findings = loaded(fleet(m=MESH.replace("name: istio", "name: x").replace("type: istio", "type: linkrd")))
    assert [(finding.code, finding.hint) for finding in findings] == [("unknown-reference", "did you mean `linkerd`?")]
