"""Objects as resources and back: fields against the model of the API and the definitions, tags, the order of routes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
import pytest
import yaml
from botocore.model import Shape

from reconciler.io.appmesh.bodies import Held, wanted
from reconciler.io.appmesh.fields import from_api, to_api
from reconciler.io.appmesh.kinds import RESOURCES
from reconciler.io.appmesh.routes import steps
from reconciler.io.appmesh.tags import from_tags, listed, to_tags
from reconciler.model.native import COMMIT_ANNOTATION, MANAGED_BY_LABEL, ORIGIN_ANNOTATION, OWNER_LABEL
from reconciler.ports import Rejected
from tests.adapters import crds
from tests.io.appmesh.port import OURS, PORT, body, key, route

MODEL = botocore.session.Session().get_service_model("appmesh")
#: of the definitions, what only the controller knows
_OF_KUBERNETES = {
    "awsName", "meshRef", "meshOwner", "podSelector", "namespaceSelector", "gatewayRouteSelector", "backendGroups",
    "virtualGatewayRef", "routes", "namespace", "virtualNodeARN", "virtualRouterARN", "virtualServiceARN",
}  # fmt: skip

#: what the definitions take and the API does not, which refuses it
_WIDER = {"VirtualGateway": [".listeners.tls.validation.trust.acm"]}


def _everything(schema: Mapping[str, Any]) -> Any:
    """A value with every field of a definition."""
    if "properties" in schema:
        fields = schema["properties"].items()
        return {name: _everything(one) for name, one in fields if name not in _OF_KUBERNETES}
    return [_everything(schema["items"])] if schema.get("type") == "array" else schema.get("type")


def _unknown(value: Any, shape: Shape, path: str = "") -> Iterator[str]:
    """Fields that the API does not have."""
    if isinstance(value, list):
        for item in value:
            yield from _unknown(item, shape.member, path)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if name not in shape.members:
                yield f"{path}.{name}"
            else:
                yield from _unknown(item, shape.members[name], f"{path}.{name}")


def _definitions() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path in sorted((crds.folder() / "appmesh").glob("*.yaml")):
        crd = yaml.safe_load(path.read_text())
        kind = crd["spec"]["names"]["kind"]
        spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
        if kind in RESOURCES:
            yield kind, spec


@pytest.mark.parametrize(("kind", "schema"), list(_definitions()), ids=[kind for kind, _ in _definitions()])
def test_every_field_of_the_definitions_is_one_of_the_api_and_comes_back(kind: str, schema: Mapping[str, Any]) -> None:
    given, name = _everything(schema), "a.b" if kind == "GatewayRoute" else "a"
    asked = wanted(body(kind, name, given), key(kind, name))
    assert list(_unknown(asked.spec, MODEL.shape_for(f"{kind}Spec"))) == _WIDER.get(kind, [])
    back = dict(given)
    if kind == "Mesh":
        back["serviceDiscovery"] = back.pop("meshServiceDiscovery")
    assert from_api(asked.spec) == back


@pytest.mark.skipif(not list(_definitions()), reason=crds.NONE)
def test_every_field_of_a_route_is_one_of_the_api_and_comes_back() -> None:
    schema = dict(_definitions())["VirtualRouter"]["properties"]["routes"]["items"]
    given = {name: value for name, value in _everything(schema).items() if name != "name"}
    asked = to_api(given, "shop")
    assert list(_unknown(asked, MODEL.shape_for("RouteSpec"))) == []
    assert from_api(asked) == given


def test_what_only_a_controller_can_do_is_refused_in_words() -> None:
    other = {"virtualNodeRef": {"name": "a", "namespace": "test"}, "weight": 1}
    for spec, word in (
        ({"podSelector": {"matchLabels": {"app": "a"}}}, "podSelector"),
        ({"awsName": "other"}, "awsName"),
        ({"meshRef": {"name": "other"}}, "meshRef"),
        ({"backends": [{"virtualService": {"virtualServiceARN": "arn:x"}}]}, "not by ARN"),
        ({"backends": [other]}, "another mesh"),
    ):
        with pytest.raises(Rejected, match=word):
            wanted(body("VirtualNode", "a", spec), key("VirtualNode", "a"))


def test_a_route_of_a_gateway_is_called_by_its_gateway_too() -> None:
    with pytest.raises(Rejected, match=r"gateway\.route"):
        wanted(body("GatewayRoute", "a", {}), key("GatewayRoute", "a"))
    spec = {"virtualGatewayRef": {"name": "other"}}
    with pytest.raises(Rejected, match="virtualGatewayRef"):
        wanted(body("GatewayRoute", "in.a", spec), key("GatewayRoute", "in.a"))


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "a, b; c=d",
        "größe ✓",
        "=2C",
        "x" * 1000,
        "a=" * 300,
        "",
        "TrafficPolicy/default/a,TrafficPolicy/shop/b",
    ],
)
def test_marks_of_ours_survive_what_aws_takes_in_tags(value: str) -> None:
    metadata = {"labels": OURS, "annotations": {ORIGIN_ANNOTATION: value, COMMIT_ANNOTATION: "0" * 40}}
    tags = to_tags(metadata)
    shape = MODEL.shape_for("TagRef")
    longest = {name: shape.members[name].metadata["max"] for name in ("key", "value")}
    for one in listed(tags):
        assert all(0 <= len(one[name]) <= longest[name] for name in one)
        assert re.fullmatch(r"[A-Za-z0-9 +\-=._:/@]*", one["value"])
    assert from_tags(tags) == metadata


def test_tags_of_others_are_labels_as_they_are_and_those_of_aws_are_left_to_it() -> None:
    tags = {"team": "a=2Cb", "aws:cloudformation:stack-name": "shop", MANAGED_BY_LABEL: "x", OWNER_LABEL: "y"}
    found = from_tags(tags)
    assert found == {"labels": tags}
    assert to_tags(found) == {name: value for name, value in tags.items() if not name.startswith("aws:")}


def test_too_many_or_too_long_tags_are_refused_before_anything_is_written() -> None:
    with pytest.raises(Rejected, match="50"):
        to_tags({"labels": {f"a{number}": "x" for number in range(51)}})
    with pytest.raises(Rejected, match="256"):
        to_tags({"labels": {"a": "x" * 257}})
    with pytest.raises(Rejected, match="note"):
        to_tags({"annotations": {"note": "x"}})


def test_the_version_moves_with_fields_routes_and_tags() -> None:
    meta = {"arn": "arn:a", "uid": "u", "version": 1}
    found = {"meshName": "shop", "virtualRouterName": "a", "spec": {"listeners": [PORT]}, "metadata": meta}
    one = {"routeName": "r", "spec": {}, "metadata": {"arn": "arn:r", "version": 1}}
    versions = {
        Held("VirtualRouter", found, {}).version,
        Held("VirtualRouter", {**found, "metadata": {**meta, "version": 2}}, {}).version,
        Held("VirtualRouter", found, {"a": "b"}).version,
        Held("VirtualRouter", found, {}, [one]).version,
        Held("VirtualRouter", found, {}, [{**one, "metadata": {"arn": "arn:r", "version": 2}}]).version,
        Held("VirtualRouter", {**found, "metadata": {**meta, "uid": "v"}}, {}).version,
    }
    assert len(versions) == 6


def test_routes_give_way_before_a_new_one_comes_before_them_and_the_old_ones_go_last() -> None:
    def at(*names: str) -> dict[str, Any]:
        return {name: {"priority": number, "httpRoute": {}} for number, name in enumerate(names)}

    def told(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
        return [f"{one.operation} {one.name}" for one in steps(before, after)]

    assert told(at("a", "all"), at("new", "a", "all")) == ["update all", "update a", "create new"]
    assert told(at("new", "a", "all"), at("a", "all")) == ["delete new", "update a", "update all"]
    assert told(at("old"), at("new")) == ["create new", "delete old"]
    assert told(at("a", "b"), at("a", "b")) == []


def test_routes_are_told_in_the_order_in_which_they_count() -> None:
    specs = [route("all", 5, ("a", 1)), route("first", 0, ("a", 1)), route("later", 2, ("a", 1))]
    fields = [{name: value for name, value in one.items() if name != "name"} for one in specs]
    told = [to_api(one, "shop") for one in fields]
    routes = [{"routeName": one["name"], "spec": spec, "metadata": {}} for one, spec in zip(specs, told, strict=True)]
    meta = {"arn": "arn:a", "uid": "u", "version": 1}
    found = {"meshName": "shop", "virtualRouterName": "a", "spec": {"listeners": [PORT]}, "metadata": meta}
    made = Held("VirtualRouter", found, {}, routes).body()
    assert [one["name"] for one in made["spec"]["routes"]] == ["first", "later", "all"]
    assert made["spec"]["routes"] == sorted(specs, key=lambda one: one["priority"])
