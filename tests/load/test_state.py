"""What is shared, what is broken, and what a mistake reaches."""

import pytest

from reconciler.model.documents import View
from reconciler.model.refs import DocRef, TargetId
from tests.load.trees import API, MESH, fleet, inventory, lines, loaded, policy, tree

EU, US = TargetId("eu-1", "istio"), TargetId("us-1", "istio")


def _names(view: View) -> list[str]:
    return [item.ref.name for item in view.traffic]


def test_a_thousand_policies_are_decoded_once_for_three_hundred_targets() -> None:
    policies = "---\n".join(
        policy(f"p{number:04}", f"to: [s{number}.shop], rule: {{timeout: 1s}}") for number in range(1000)
    )
    files = {"desired-state/inventory.yaml": inventory(*(f"c{number:03}" for number in range(300)))}
    desired, findings = loaded(tree({**files, "desired-state/mesh.yaml": MESH, "policies/p.yaml": policies}))
    assert findings == ()
    assert len(desired.views) == 300
    assert len({id(view.traffic) for view in desired.views.values()}) == 1
    assert len(next(iter(desired.views.values())).traffic) == 1000


def test_a_document_with_variables_is_decoded_once_per_value() -> None:
    spec = 'to: [reviews.shop], rule: {timeout: "${t}"}'
    files = {"group_vars/all": "t: 1s\n", "host_vars/us-1": "t: 1s\n"}
    desired, _ = loaded(fleet(policy("a", spec) + "---\n" + policy("b"), **files))
    assert desired.views[EU].traffic[0] is desired.views[US].traffic[0]
    desired, _ = loaded(fleet(policy("a", spec) + "---\n" + policy("b"), **{**files, "host_vars/us-1": "t: 2s\n"}))
    assert [view.traffic[0].leaves[0].value for view in desired.views.values()] == ["1s", "2s"]
    assert desired.views[EU].traffic[1] is desired.views[US].traffic[1]


def test_a_broken_document_is_listed_and_the_rest_goes_on() -> None:
    desired, findings = loaded(
        fleet(policy("bad", "to: [reviews.shop], rule: {timout: 1s}") + "---\n" + policy("fine"))
    )
    assert [finding.code for finding in findings] == ["unknown-field"]
    assert findings[0].documents == (DocRef("TrafficPolicy", "default", "bad"),)
    assert [(item.path, item.ref) for item in desired.broken] == [("policies/p.yaml", findings[0].documents[0])]
    assert "no field `timout`" in desired.broken[0].finding
    assert _names(desired.views[EU]) == ["fine"]
    assert DocRef("TrafficPolicy", "default", "bad") not in desired.documents
    assert desired.documents[DocRef("TrafficPolicy", "default", "fine")].line == 6


def test_a_policy_that_lacks_a_variable_on_one_target_is_broken_there_only() -> None:
    spec = 'to: [reviews.shop], rule: {timeout: "${t}"}'
    desired, findings = loaded(fleet(policy("a", spec), **{"host_vars/eu-1": "t: 1s\n"}))
    assert [(finding.code, finding.target) for finding in findings] == [("unknown-variable", US)]
    assert _names(desired.views[EU]) == ["a"]
    assert _names(desired.views[US]) == []
    assert [item.ref for item in desired.broken] == [DocRef("TrafficPolicy", "default", "a")]
    assert DocRef("TrafficPolicy", "default", "a") not in desired.documents


@pytest.mark.parametrize("scope", ["meshes: eu", "clusters: [eu-1]"])
def test_a_policy_needs_its_variables_only_where_it_is(scope: str) -> None:
    group = f"{API}kind: VirtualMesh\nmetadata: {{name: eu}}\nspec: {{meshes: {{clusters: [eu-1]}}}}\n"
    spec = f'to: [{{services: [reviews.shop], {scope}}}], rule: {{timeout: "${{t}}"}}'
    desired, findings = loaded(fleet(policy("a", spec), **{"host_vars/eu-1": "t: 1s\n", "group": group}))
    assert findings == ()
    assert _names(desired.views[EU]) == ["a"]
    assert _names(desired.views[US]) == []


def test_a_group_that_cannot_be_read_on_one_target_takes_along_the_policies_that_name_it() -> None:
    """Else they would read as applying to nothing there, and what they made would be removed."""
    group = f'{API}kind: VirtualMesh\nmetadata: {{name: prod}}\nspec: {{meshes: {{names: ["${{m}}"]}}}}\n'
    spec = "to: [{services: [reviews.shop], meshes: prod}], rule: {timeout: 1s}"
    desired, findings = loaded(fleet(policy("a", spec), group=group, **{"host_vars/eu-1": "m: istio\n"}))
    assert [finding.code for finding in findings] == ["unknown-variable", "broken-reference"]
    assert {item.ref.name for item in desired.broken if item.ref} == {"a", "prod"}
    assert all(not view.virtual_meshes and not view.traffic for view in desired.views.values())


def test_a_cluster_that_is_broken_takes_its_targets_only() -> None:
    files = {"desired-state/inventory.yaml": inventory("eu-1", "us-1") + "    bad: {connection: {}}\n"}
    desired, findings = loaded(tree({**files, "desired-state/mesh.yaml": MESH, "policies/p.yaml": policy()}))
    assert [finding.code for finding in findings] == ["missing-field"]
    assert desired.targets == (EU, US)
    assert [item.ref for item in desired.broken] == [DocRef("Cluster", "default", "bad")]


def test_broken_variables_of_a_cluster_stop_that_cluster() -> None:
    """Going on without them would apply the values of its groups."""
    spec = 'to: [reviews.shop], rule: {timeout: "${t}"}'
    desired, _ = loaded(fleet(policy("a", spec), **{"group_vars/all": "t: 1s\n", "host_vars/eu-1": "t: [\n"}))
    assert desired.targets == (US,)
    assert [item.ref for item in desired.broken] == [DocRef("Cluster", "default", "eu-1")]


def test_places_are_those_of_the_fields() -> None:
    text = policy("a", "to: [reviews.shop, ratings.shop],\n  rule: {timeout: 1s, headers: {request: {set: {x-a: b}}}}")
    (found,) = loaded(fleet(text))[0].views[EU].traffic
    assert [str(leaf.position) for leaf in found.leaves] == ["policies/p.yaml:5:10", "policies/p.yaml:5:49"]
    assert [str(item.position) for item in found.targets] == ["policies/p.yaml:4:13", "policies/p.yaml:4:27"]


def test_absent_everywhere_and_anyone_are_told_apart() -> None:
    absent, anyone = policy("a"), policy("b", 'from: ["*"], to: ["*"], rule: {timeout: 1s}')
    first, second = loaded(fleet(f"{absent}---\n{anyone}"))[0].views[EU].traffic
    assert first.sources is None
    assert second.sources is not None
    assert second.sources[0].authenticated is True
    assert second.targets[0].everything


def test_any_key_may_have_a_variable_in_its_value() -> None:
    body = (
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {self: '${cluster}', at: '${mesh}', values: b}}"
    )
    text = f"{API}kind: Extension\nmetadata: {{name: e}}\nspec: {{objects: [{body}]}}\n"
    (found,) = loaded(fleet(text))[0].views[EU].extensions
    assert found.objects[0].body["data"] == {"self": "eu-1", "at": "istio", "values": "b"}


@pytest.mark.parametrize("value", ["[" + "x, " * 5000 + "x]", "x" * 100_000])
def test_variables_do_not_blow_up_a_document(value: str) -> None:
    uses = ", ".join("'${big}'" if value[0] == "[" else "' ${big}'" for _ in range(100))
    body = f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a}}, data: [{uses}]}}"
    text = f"{API}kind: Extension\nmetadata: {{name: e}}\nspec: {{objects: [{body}]}}\n"
    desired, findings = loaded(fleet(text, **{"group_vars/all": f"big: {value}\n"}))
    assert [finding.code for finding in findings] == ["yaml-bounds"]
    assert [item.ref.name for item in desired.broken if item.ref] == ["e"]


def test_every_mistake_is_told_at_once_in_order() -> None:
    _, findings = loaded(
        fleet(
            "a: [",
            r=f"{API}kind: Reconciler\nmetadata: {{name: a}}\n",
            m=MESH.replace("istio}", "two}").replace("type", "typ"),
        )
    )
    assert lines(findings).splitlines() == sorted(lines(findings).splitlines())
    assert {finding.position.path for finding in findings} == {"policies/p.yaml", "desired-state/m.yaml"}
