"""The port against a server after the model of the API: reading over pages, writes, order, marks, refusals, trouble."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from reconciler.io.permit import WRITE_PERMIT
from reconciler.model.clusters import SecretPlace
from reconciler.model.facts import PortFacts
from reconciler.model.native import MANAGED_BY_LABEL, OWNER_LABEL
from reconciler.ports import Absent, Conflict, Forbidden, LeaseLost, Rejected, Throttled, Unreachable
from tests.aws.fixtures import KEYS, named, shop
from tests.aws.server import ACCOUNT, AppMesh
from tests.io.appmesh.port import KINDS, PORT, body, key, opened, route

ALL = list(KINDS.values())
DNS = {"dns": {"hostname": "a.shop.local"}}


def keys(mesh: AppMesh) -> list[str]:
    return ["/".join(place[-2:]) for place in mesh.resources]


async def test_everything_is_read_over_all_pages_and_in_the_form_of_the_definitions(app_mesh: AppMesh) -> None:
    api = shop(app_mesh.address)
    named(api)
    for number in range(7):
        spec = {"listeners": [PORT], "serviceDiscovery": DNS}
        api.create_virtual_node(meshName="shop", virtualNodeName=f"more-{number}", spec=spec)
    listening = {"portMapping": {"port": 80, "protocol": "http"}}
    api.create_virtual_gateway(meshName="shop", virtualGatewayName="in", spec={"listeners": [listening]})
    aim = {"target": {"virtualService": {"virtualServiceName": "cart.shop.local"}}}
    gateway_route = {"httpRoute": {"match": {"prefix": "/"}, "action": aim}}
    at = {"meshName": "shop", "virtualGatewayName": "in", "gatewayRouteName": "all"}
    api.create_gateway_route(**at, spec=gateway_route)
    async with opened(app_mesh.address) as cluster:
        listing = await cluster.list_objects(ALL)
    found = {f"{one.key.kind} {one.key.name}": one for one in listing.objects}
    assert len([name for name in found if name.startswith("VirtualNode ")]) == 10
    assert not listing.unread
    assert {kind.kind for kind in listing.absent} == {"BackendGroup"}
    body_of_route = found["GatewayRoute in.all"].body()
    assert body_of_route["spec"]["virtualGatewayRef"] == {"name": "in"}
    target = body_of_route["spec"]["httpRoute"]["action"]["target"]
    assert target == {"virtualService": {"virtualServiceRef": {"name": "cart.shop.local"}}}
    assert found["Mesh shop"].key.namespace == ""
    assert found["VirtualNode reviews-v1"].labels == {"version": "v1"}
    assert found["VirtualService cart.shop.local"].body()["spec"]["provider"] == {
        "virtualNode": {"virtualNodeRef": {"name": "cart"}}
    }


async def test_a_description_is_asked_for_once_for_each_version(app_mesh: AppMesh) -> None:
    api = shop(app_mesh.address)
    async with opened(app_mesh.address) as cluster:
        await cluster.list_objects(ALL)
        app_mesh.calls.clear()
        again = await cluster.list_objects(ALL)
        assert not [name for name in app_mesh.calls if name.startswith("Describe")]
        spec = {"listeners": [PORT], "serviceDiscovery": DNS}
        api.update_virtual_node(meshName="shop", virtualNodeName="cart", spec=spec)
        api.tag_resource(resourceArn=_arn("virtualNode", "reviews-v1"), tags=[{"key": "team", "value": "x"}])
        app_mesh.calls.clear()
        after = {str(one.key): one for one in (await cluster.list_objects(ALL)).objects}
        assert app_mesh.calls.count("DescribeVirtualNode") == 1
    assert after["VirtualNode shop/cart"].body()["spec"]["serviceDiscovery"] == DNS
    assert after["VirtualNode shop/reviews-v1"].labels == {"version": "v1", "team": "x"}
    before = {str(one.key): one.resource_version for one in again.objects}
    moved = {name for name, one in after.items() if one.resource_version != before[name]}
    assert moved == {"VirtualNode shop/cart", "VirtualNode shop/reviews-v1"}


def _arn(kind: str, name: str) -> str:
    return f"arn:aws:appmesh:eu-west-1:{ACCOUNT}:mesh/shop/{kind}/{name}"


async def test_virtual_services_are_services_and_nodes_what_serves_them(app_mesh: AppMesh) -> None:
    api = shop(app_mesh.address)
    named(api)
    tags = [{"key": "service", "value": "reviews"}, {"key": "version", "value": "v3"}]
    spec = {"listeners": [PORT], "serviceDiscovery": DNS}
    api.create_virtual_node(meshName="shop", virtualNodeName="canary", spec=spec, tags=tags)
    alone = {"provider": {"virtualNode": {"virtualNodeName": "cart"}}}
    api.create_virtual_service(meshName="shop", virtualServiceName="reviews.other.local", spec=alone)
    async with opened(app_mesh.address) as cluster:
        found = await cluster.inspect(ALL)
    services = {one.ref.name: one for one in found.facts.services}
    assert sorted(services) == ["cart", "reviews", "reviews.other.local"]
    assert services["reviews"].ports == (PortFacts(9080, app_protocol="http"),)
    served = {
        name: [one.name for one in found.facts.workloads_with("shop", service.selector)]
        for name, service in services.items()
    }
    assert served == {
        "cart": ["cart"],
        "reviews": ["canary", "reviews-v1", "reviews-v2"],
        "reviews.other.local": ["cart"],
    }
    assert found.facts.namespaces == {"shop": {}}


async def test_a_mesh_is_made_changed_and_removed_in_order(app_mesh: AppMesh) -> None:
    led = {"provider": {"virtualRouter": {"virtualRouterRef": {"name": "a"}}}}
    routes = [route("beta", 0, ("v2", 1), prefix="/beta"), route("all", 1, ("v1", 9), ("v2", 1))]
    objects = [
        body("Mesh", "shop", {"egressFilter": {"type": "ALLOW_ALL"}}),
        body("VirtualNode", "v1", {"listeners": [PORT], "serviceDiscovery": DNS}),
        body("VirtualNode", "v2", {"listeners": [PORT], "serviceDiscovery": DNS}),
        body("VirtualRouter", "a", {"listeners": [PORT], "routes": routes}),
        body("VirtualService", "a.shop.local", {"awsName": "a.shop.local", **led}),
    ]
    async with opened(app_mesh.address) as cluster:
        for one in objects:
            written = await cluster.apply(one, KINDS[one["kind"]], force=False)
            assert written.created
            assert written.body["spec"] == one["spec"]
        assert app_mesh.tags_of("shop")[OWNER_LABEL] == "shop"
        assert app_mesh.tags_of("shop", "virtualRouter", "a", "route", "all")[OWNER_LABEL] == "shop"
        listing = await cluster.list_objects(ALL)
        assert {one.owner for one in listing.objects} == {"shop"}
        found = {one.key: one for one in listing.objects}
        for one in objects:
            app_mesh.calls.clear()
            live = found[key(one["kind"], one["metadata"]["name"])]
            meta = {**one["metadata"], "resourceVersion": live.resource_version}
            again = await cluster.apply({**one, "metadata": meta}, KINDS[one["kind"]], force=True)
            assert app_mesh.writes == []
            assert again.resource_version == live.resource_version
        for one in reversed(objects):
            at = key(one["kind"], one["metadata"]["name"])
            await cluster.delete(at, KINDS[one["kind"]], found[at].uid, found[at].resource_version)
    assert app_mesh.resources == {}


async def test_a_router_that_is_led_to_keeps_its_routes(app_mesh: AppMesh) -> None:
    named(shop(app_mesh.address))
    async with opened(app_mesh.address) as cluster:
        live = await cluster.read(key("VirtualRouter", "reviews-router"), KINDS["VirtualRouter"])
        assert live is not None
        app_mesh.calls.clear()
        with pytest.raises(Rejected, match=r"reviews\.shop\.local leads to it"):
            await cluster.delete(live.key, KINDS["VirtualRouter"], live.uid, live.resource_version)
        assert app_mesh.writes == []


async def test_what_is_in_use_is_refused_in_the_words_of_aws(app_mesh: AppMesh) -> None:
    named(shop(app_mesh.address))
    async with opened(app_mesh.address) as cluster:
        with pytest.raises(Rejected, match="in use"):
            await cluster.delete(key("VirtualNode", "cart"), KINDS["VirtualNode"], "", "")
        with pytest.raises(Rejected, match="in use"):
            await cluster.delete(key("Mesh", "shop"), KINDS["Mesh"], "", "")
        await cluster.delete(key("VirtualNode", "nobody"), KINDS["VirtualNode"], "", "")


async def test_routes_and_ports_change_so_that_no_route_is_without_its_port(app_mesh: AppMesh) -> None:
    shop(app_mesh.address)
    at = key("VirtualRouter", "reviews-router")
    other = {"portMapping": {"port": 8080, "protocol": "http"}}
    wanted = {"listeners": [other], "routes": [route("new", 0, ("reviews-v1", 1), prefix="/", port=8080)]}
    async with opened(app_mesh.address) as cluster:
        app_mesh.calls.clear()
        written = await cluster.apply(body(at.kind, at.name, wanted), KINDS[at.kind], force=True)
    assert written.body["spec"] == wanted
    assert app_mesh.writes == [
        "TagResource",
        "UpdateVirtualRouter",
        "CreateRoute",
        "DeleteRoute",
        "UpdateVirtualRouter",
    ]


async def test_marks_come_before_what_they_are_about_and_those_of_others_stay(app_mesh: AppMesh) -> None:
    api = shop(app_mesh.address)
    at = key("VirtualNode", "reviews-v1")
    wanted = body(at.kind, at.name, {"listeners": [PORT], "serviceDiscovery": DNS})
    async with opened(app_mesh.address) as cluster:
        app_mesh.calls.clear()
        await cluster.apply(wanted, KINDS[at.kind], force=True)
        assert app_mesh.writes == ["TagResource", "UpdateVirtualNode"]
        api.tag_resource(resourceArn=_arn("virtualNode", at.name), tags=[{"key": "reconciler.dev/old", "value": "x"}])
        await cluster.apply(wanted, KINDS[at.kind], force=True)
    tags = app_mesh.tags_of("shop", "virtualNode", at.name)
    assert tags["version"] == "v1"
    assert tags[OWNER_LABEL] == "shop"
    assert "reconciler.dev/old" not in tags


async def test_what_changed_since_it_was_read_is_not_overwritten(app_mesh: AppMesh) -> None:
    api = shop(app_mesh.address)
    at = key("VirtualNode", "cart")
    spec: dict[str, Any] = {"listeners": [PORT], "serviceDiscovery": DNS}
    async with opened(app_mesh.address) as cluster:
        live = await cluster.read(at, KINDS[at.kind])
        assert live is not None
        with pytest.raises(Conflict, match="there already"):
            await cluster.apply(body(at.kind, at.name, spec), KINDS[at.kind], force=False)
        api.update_virtual_node(meshName="shop", virtualNodeName="cart", spec={"listeners": [PORT]})
        stale = body(at.kind, at.name, spec)
        stale["metadata"]["resourceVersion"] = live.resource_version
        for tried in (
            cluster.apply(stale, KINDS[at.kind], force=True),
            cluster.delete(at, KINDS[at.kind], live.uid, live.resource_version),
            cluster.delete(at, KINDS[at.kind], "another", ""),
        ):
            with pytest.raises(Conflict):
                await tried
        api.delete_virtual_node(meshName="shop", virtualNodeName="cart")
        with pytest.raises(Conflict, match="not there any more"):
            await cluster.apply(stale, KINDS[at.kind], force=True)
    assert "virtualNode/cart" not in keys(app_mesh)


async def test_a_mesh_that_is_not_there_is_told(app_mesh: AppMesh) -> None:
    async with opened(app_mesh.address) as cluster:
        with pytest.raises(Absent, match="there is no mesh shop"):
            await cluster.apply(body("VirtualNode", "a", {"listeners": [PORT]}), KINDS["VirtualNode"], force=False)


async def test_what_the_api_does_not_know_is_refused_before_it_is_sent(app_mesh: AppMesh) -> None:
    shop(app_mesh.address)
    async with opened(app_mesh.address) as cluster:
        app_mesh.calls.clear()
        misspelt = {"serviceDiscovery": {"dns": {"hostName": "a"}}}
        with pytest.raises(Rejected, match="hostName"):
            await cluster.apply(body("VirtualNode", "a", misspelt), KINDS["VirtualNode"], force=False)
        assert app_mesh.writes == []


async def test_a_few_throttled_requests_are_waited_for_and_many_are_told(app_mesh: AppMesh) -> None:
    shop(app_mesh.address)
    async with opened(app_mesh.address) as cluster:
        app_mesh.throttled = 2
        assert len((await cluster.list_objects(ALL)).objects) == 5
        app_mesh.throttled = 1
        await cluster.apply(body("VirtualNode", "a", {"listeners": [PORT]}), KINDS["VirtualNode"], force=False)
        app_mesh.throttled = 1000
        with pytest.raises(Throttled, match="Rate exceeded") as caught:
            await cluster.list_objects(ALL)
    assert caught.value.retryable


async def test_what_may_not_be_seen_counts_as_not_read(app_mesh: AppMesh) -> None:
    shop(app_mesh.address)
    app_mesh.denied = ("ListVirtualGateways", "ListGatewayRoutes")
    async with opened(app_mesh.address) as cluster:
        listing = await cluster.list_objects(ALL)
        assert {kind.kind for kind in listing.unread} == {"VirtualGateway", "GatewayRoute"}
        assert "appmesh:ListVirtualGateways" in " ".join(listing.unread.values())
        app_mesh.denied = ("ListVirtualRouters",)
        with pytest.raises(Forbidden, match="appmesh:ListVirtualRouters"):
            await cluster.inspect(ALL)
        app_mesh.denied = ("ListMeshes",)
        await cluster.probe()


async def test_the_last_question_is_asked_before_each_write(app_mesh: AppMesh) -> None:
    shop(app_mesh.address)

    def lost() -> None:
        raise LeaseLost("another one writes")

    async with opened(app_mesh.address) as cluster:
        app_mesh.calls.clear()
        token = WRITE_PERMIT.set(lost)
        try:
            with pytest.raises(LeaseLost):
                await cluster.apply(body("VirtualNode", "a", {"listeners": [PORT]}), KINDS["VirtualNode"], force=False)
        finally:
            WRITE_PERMIT.reset(token)
        assert app_mesh.writes == []


async def test_nobody_there_is_told_with_the_end_of_the_service(aws_keys: None) -> None:
    async with opened("http://127.0.0.1:1") as cluster:
        with pytest.raises(Unreachable, match="AWS ended the service on 30 September 2026"):
            await cluster.probe()


async def test_without_the_library_it_is_said_what_to_install(
    app_mesh: AppMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("boto3", "botocore", "botocore.exceptions", "botocore.config"):
        monkeypatch.setitem(sys.modules, name, None)
    async with opened(app_mesh.address) as cluster:
        with pytest.raises(Unreachable, match=r"pip install 'mesh-reconciler\[aws\]'") as caught:
            await cluster.probe()
    assert not caught.value.retryable


async def test_a_profile_that_is_not_there_is_told(app_mesh: AppMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    async with opened(app_mesh.address) as cluster:
        with pytest.raises(Unreachable, match=r"no access to AWS: .*nobody") as caught:
            await cluster.probe()
    assert not caught.value.retryable


async def test_without_credentials_it_is_not_tried_again(app_mesh: AppMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.delenv(name)
    async with opened(app_mesh.address) as cluster:
        with pytest.raises(Unreachable, match="no access to AWS") as caught:
            await cluster.probe()
    assert not caught.value.retryable
    assert app_mesh.calls == []


async def test_credentials_of_a_file_are_used_and_read_anew_and_never_told(
    app_mesh: AppMesh, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in KEYS:
        monkeypatch.delenv(name)
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = AKIDFILE\naws_secret_access_key = very-secret-indeed\n")
    shop_keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}
    for name, value in shop_keys.items():
        monkeypatch.setenv(name, value)
    shop(app_mesh.address)
    for name in shop_keys:
        monkeypatch.delenv(name)
    with caplog.at_level(logging.INFO):
        async with opened(app_mesh.address, secret=SecretPlace(file=str(file))) as cluster:
            assert len((await cluster.list_objects(ALL)).objects) == 5
            file.write_text("aws_secret_access_key = very-secret-indeed\n")
            with pytest.raises(Unreachable, match="not of the form") as caught:
                await cluster.probe()
            file.write_text("[default]\naws_secret_access_key = very-secret-indeed\n")
            with pytest.raises(Unreachable, match="have no aws_access_key_id"):
                await cluster.probe()
    told = f"{caught.value} {caught.value.__cause__} {caplog.text}"
    assert "very-secret-indeed" not in told
    assert MANAGED_BY_LABEL not in told


async def test_a_refusal_half_way_says_what_was_written_before_it(app_mesh: AppMesh) -> None:
    shop(app_mesh.address)
    before = body("VirtualRouter", "late", {"listeners": [PORT], "routes": [route("a", 5, ("v1", 1))]})
    changed = [route("a", 1, ("v1", 1)), route("b", 2, ("v1", 1))]
    after = body("VirtualRouter", "late", {"listeners": [PORT], "routes": changed}, "TrafficPolicy/default/other")
    async with opened(app_mesh.address) as cluster:
        await cluster.apply(before, KINDS["VirtualRouter"], force=False)
        app_mesh.denied = ("UpdateRoute",)
        with pytest.raises(Forbidden, match="done before it: tag_resource late, create_route b") as told:
            await cluster.apply(after, KINDS["VirtualRouter"], force=True)
        assert told.value.status == 403
        app_mesh.denied = ("DeleteVirtualRouter",)
        with pytest.raises(Forbidden, match="done before it: delete_route a, delete_route b"):
            await cluster.delete(key("VirtualRouter", "late"), KINDS["VirtualRouter"], "", "")
        app_mesh.denied = ("TagResource",)
        with pytest.raises(Forbidden) as first:
            await cluster.apply(before, KINDS["VirtualRouter"], force=True)
        assert "done before it" not in str(first.value)
