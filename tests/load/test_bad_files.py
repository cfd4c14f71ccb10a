"""Files that are no documents at all, and files that are made to hurt: findings, quickly, in bounded memory."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.load import expand, explain, load
from reconciler.load.files import MAX_BYTES
from reconciler.model.codes import CODES
from tests.load.trees import MESH, TYPES, fleet, inventory, lines, loaded, policy, tree

BASE = {"desired-state/inventory.yaml": inventory("eu-1"), "desired-state/mesh.yaml": MESH}
HEADER = "apiVersion: reconciler.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {name: a}\n"
HOSTILE = {
    "open lists": "[" * 2_000_000,
    "open maps": "{a: " * 900_000,
    "open keys": "? " * 2_000_000,
    "dashes": "- " * 2_000_000,
    "many values": "[" + "1," * 2_000_000 + "1]",
    "many keys": "\n".join(f"k{number}: 1" for number in range(400_000)),
    "many unknown fields": HEADER + "spec:\n" + "\n".join(f"  k{number}: 1" for number in range(20_000)),
    "long key": f"{'k' * 1_000_000}: 1",
    "long number": "9" * 1_000_000,
    "long name": HEADER.replace("name: a", f"name: {'a' * 100_000}") + "spec: {to: [reviews.shop]}",
    "long target": HEADER + f"spec: {{to: [{'a' * 1_000_000}]}}",
    "long expression": HEADER
    + f"spec: {{to: [a.b], match: [{{path: {{regex: '{'(' * 100_000}'}}}}], rule: {{timeout: 1s}}}}",
    "many documents": "---\n- a\n" * 20_000,
    "open quote": "'" + "a" * 4_000_000,
    "long tag": f"!{'a' * 100_000} a",
    "variables": HEADER + "spec: {to: ['" + "${" * 500_000 + "']}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_a_finding_in_bounded_memory(text: str) -> None:
    source = tree({**BASE, "policies/bad.yaml": text, "policies/ok.yaml": policy("fine")})
    tracemalloc.start()
    desired, findings = load(source, TYPES)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert any(finding.position.path == "policies/bad.yaml" for finding in findings)
    assert all(len(str(finding)) < 2000 for finding in findings)
    assert peak < 400 * 1024 * 1024
    assert desired is None or [item.ref.name for item in next(iter(desired.views.values())).traffic] == ["fine"]


def test_a_file_that_is_too_large_is_not_read() -> None:
    source = tree({**BASE, "policies/bad.yaml": b"#" * (50 * 1024 * 1024), "desired-state/r.yaml": _reconciler()})
    desired, findings = loaded(source)
    assert lines(findings) == (
        f"policies/bad.yaml:0:0 error file-too-large {50 * 1024 * 1024} bytes, "
        f"more than the {MAX_BYTES} that are read (split the file)\n"
    )
    assert [(item.path, item.ref) for item in desired.broken] == [("policies/bad.yaml", None)]


def _reconciler() -> str:
    return "apiVersion: reconciler.dev/v1alpha1\nkind: Reconciler\nmetadata: {name: main}\n"


def test_what_the_source_refused_is_a_finding() -> None:
    source = tree(
        {**BASE, "desired-state/r.yaml": _reconciler()},
        {"policies/link.yaml": "a link to /etc/passwd", "policies/dir": "a link out of the tree"},
    )
    desired, findings = loaded(source)
    assert lines(findings) == (
        "policies/dir:0:0 error file-refused not read: a link out of the tree\n"
        "policies/link.yaml:0:0 error file-refused not read: a link to /etc/passwd\n"
    )
    assert len(desired.broken) == 2


@pytest.mark.parametrize("path", ["policies/../../etc/a.yaml", "policies/a/..\\b.yaml"])
def test_a_path_that_leads_out_is_not_read(path: str) -> None:
    _, findings = load(tree({**BASE, path: policy()}), TYPES)
    assert [finding.code for finding in findings] == ["file-refused"]


@pytest.mark.parametrize("name", ["inventory.yaml", "reconciler.yaml"])
def test_without_inventory_or_reconciler_nothing_is_known(name: str) -> None:
    """Defaults in their place would own, prune and apply something else than was meant."""
    desired, findings = load(tree({**BASE, f"desired-state/{name}": "a: ["}), TYPES)
    assert desired is None
    assert [finding.code for finding in findings] == ["yaml-syntax"]


def test_no_desired_state_folder() -> None:
    desired, findings = load(tree({"policies/p.yaml": policy()}), TYPES)
    assert desired is None
    assert [finding.code for finding in findings] == ["no-desired-state"]


MARKS = [
    "[",
    "]",
    "{",
    "}",
    ":",
    ": ",
    "- ",
    "\n",
    "\n  ",
    ",",
    "'",
    '"',
    "&a ",
    "*a",
    "!!str ",
    "!x ",
    "? ",
    "|\n",
    "> ",
]
MARKS += ["---\n", "...\n", "#", "${a}", "$${", "${", "%", "\t", "\x00", "é"]
PLAIN = ["a", "1", "-1", "1.5", "0755", "true", "null", "~", "all:", "hosts:", "children:", "vars:", "reviews.shop"]
FORMS = ["apiVersion: reconciler.dev/v1alpha1\n", "kind: TrafficPolicy\n", "metadata: {name: a}\n", "spec:\n  "]
FORMS += ["to: ", "rule: ", "route: ", "headers: "]
WORDS = st.sampled_from([*MARKS, *PLAIN, *FORMS])


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.lists(WORDS, max_size=40).map(lambda words: "".join(words).encode())))
def test_no_bytes_crash(data: bytes) -> None:
    for path in ("policies/x.yaml", "desired-state/inventory.yaml", "desired-state/group_vars/all.yaml"):
        source = tree({**BASE, path: data})
        desired, findings = load(source, TYPES)
        assert desired is not None or findings
        assert all(finding.code in CODES for finding in findings)
        explain(source, "eu-1", "istio")
        expand(source)


VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-5, 70000), st.sampled_from(["a", "reviews.shop", "${v}", "*", "1s", ""])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "to", "name"]), inner)),
    max_leaves=5,
)
FIELDS = ["priority", "from", "to", "match", "rule", "unmatched", "disabled", "expires", "action", "meshes", "clusters"]
FIELDS += ["type", "service", "subsets", "objects", "workloads", "mode", "ignore", "limits", "connection", "defaults"]
KIND = st.sampled_from(["TrafficPolicy", "AccessPolicy", "Mesh", "VirtualMesh", "Destination", "Extension", "Cluster"])


@settings(max_examples=300, deadline=None)
@given(KIND, st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=5), VALUES)
def test_no_shape_of_document_crashes(kind: str, spec: dict[str, object], variable: object) -> None:
    import json

    body = {"apiVersion": "reconciler.dev/v1alpha1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    source = fleet(json.dumps(body), **{"group_vars/all": json.dumps({"v": variable})})
    desired, findings = load(source, TYPES)
    assert desired is not None
    wrong = [finding for finding in findings if finding.severity == "error"]
    assert bool(wrong) == bool(desired.broken) or all(finding.code == "unknown-variable" for finding in wrong)
