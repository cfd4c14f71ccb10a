"""The port against moto, which has no VirtualServices and removes no tags; accounts and roles by its STS."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from reconciler.model.clusters import SecretPlace
from reconciler.model.native import OWNER_LABEL
from reconciler.ports import Forbidden
from tests.aws.fixtures import KEYS, shop
from tests.aws.server import ACCOUNT, REGION
from tests.io.appmesh.port import KINDS, PORT, body, key, opened, route

#: what moto serves
SERVED = [kind for name, kind in KINDS.items() if name not in ("VirtualService", "BackendGroup")]
DNS = {"dns": {"hostname": "a.shop.local"}}


async def test_what_lies_there_is_read(moto_address: str) -> None:
    shop(moto_address)
    async with opened(moto_address) as cluster:
        listing = await cluster.list_objects(SERVED)
    assert [str(one.key) for one in listing.objects] == [
        "Mesh shop",
        "VirtualNode shop/cart",
        "VirtualNode shop/reviews-v1",
        "VirtualNode shop/reviews-v2",
        "VirtualRouter shop/reviews-router",
    ]
    (router,) = (one.body() for one in listing.objects if one.key.kind == "VirtualRouter")
    (only,) = router["spec"]["routes"]
    assert [one["virtualNodeRef"]["name"] for one in only["httpRoute"]["action"]["weightedTargets"]] == [
        "reviews-v1",
        "reviews-v2",
    ]


async def test_objects_are_made_read_back_changed_and_removed(moto_address: str) -> None:
    routes = [route("all", 1, ("v1", 9), ("v2", 1))]
    objects = [
        body("Mesh", "shop", {"egressFilter": {"type": "ALLOW_ALL"}}),
        body("VirtualNode", "v1", {"listeners": [PORT], "serviceDiscovery": DNS}),
        body("VirtualNode", "v2", {"listeners": [PORT], "serviceDiscovery": DNS}),
        body("VirtualRouter", "a", {"listeners": [PORT], "routes": routes}),
    ]
    async with opened(moto_address) as cluster:
        for one in objects:
            written = await cluster.apply(one, KINDS[one["kind"]], force=False)
            assert written.body["spec"] == one["spec"]
            assert written.body["metadata"]["labels"][OWNER_LABEL] == "shop"
        changed = body("VirtualRouter", "a", {"listeners": [PORT], "routes": [route("all", 0, ("v2", 1))]})
        written = await cluster.apply(changed, KINDS["VirtualRouter"], force=True)
        assert written.body["spec"] == changed["spec"]
        for one in reversed(objects[1:3]):
            await cluster.delete(key(one["kind"], one["metadata"]["name"]), KINDS[one["kind"]], "", "")
        left = await cluster.list_objects(SERVED)
    assert [str(one.key) for one in left.objects] == ["Mesh shop", "VirtualRouter shop/a"]


async def test_credentials_of_another_account_are_refused(moto_address: str) -> None:
    shop(moto_address)
    async with opened(moto_address, account=ACCOUNT) as cluster:
        assert (await cluster.list_objects(SERVED)).objects
    async with opened(moto_address, account="999999999999") as cluster:
        with pytest.raises(Forbidden, match="of account 123456789012, not of 999999999999"):
            await cluster.list_objects(SERVED)


async def test_a_role_is_taken_first(moto_address: str) -> None:
    """moto knows whose the credentials of a role are by the account in its ARN."""
    role = "arn:aws:iam::111122223333:role/reconciler"
    async with opened(moto_address, role=role, account="111122223333") as cluster:
        assert (await cluster.list_objects(SERVED)).objects == ()
    async with opened(moto_address, role=role, account=ACCOUNT) as cluster:
        with pytest.raises(Forbidden, match="of account 111122223333"):
            await cluster.list_objects(SERVED)


async def test_a_gateway_and_its_routes_are_made_changed_and_removed_in_order(moto_address: str) -> None:
    shop(moto_address)
    port = {"portMapping": {"port": 80, "protocol": "http"}}
    ref = {"virtualServiceRef": {"name": "cart.shop.local"}}
    said = {"httpRoute": {"match": {"prefix": "/"}, "action": {"target": {"virtualService": ref}}}}
    objects = [
        body("VirtualGateway", "in", {"listeners": [port]}),
        body("GatewayRoute", "in.all", {"virtualGatewayRef": {"name": "in"}, **said, "priority": 3}),
    ]
    async with opened(moto_address) as cluster:
        for one in objects:
            written = await cluster.apply(one, KINDS[one["kind"]], force=False)
            assert written.body["spec"] == one["spec"]
        changed = body("GatewayRoute", "in.all", {"virtualGatewayRef": {"name": "in"}, **said, "priority": 4})
        written = await cluster.apply(changed, KINDS["GatewayRoute"], force=True)
        assert written.body["spec"]["priority"] == 4
        for one in reversed(objects):
            await cluster.delete(key(one["kind"], one["metadata"]["name"]), KINDS[one["kind"]], "", "")
        left = await cluster.list_objects(SERVED)
    assert not [one for one in left.objects if "Gateway" in one.key.kind]


async def test_credentials_that_become_those_of_another_account_write_nothing(
    moto_address: str, tmp_path: Path
) -> None:
    file, names = tmp_path / "credentials", ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    file.write_text(f"[default]\n{names[0]} = {KEYS['AWS_ACCESS_KEY_ID']}\n{names[1]} = x\n")
    sts = boto3.client("sts", region_name=REGION)
    role = "arn:aws:iam::111122223333:role/reconciler"
    other = sts.assume_role(RoleArn=role, RoleSessionName="other")["Credentials"]
    given = (other["AccessKeyId"], other["SecretAccessKey"], other["SessionToken"])
    async with opened(moto_address, account=ACCOUNT, secret=SecretPlace(file=str(file))) as cluster:
        assert await cluster.read(key("Mesh", "shop"), KINDS["Mesh"]) is None
        file.write_text(
            "[default]\n" + "".join(f"{name} = {value}\n" for name, value in zip(names, given, strict=True))
        )
        with pytest.raises(Forbidden, match="of account 111122223333, not of 123456789012"):
            await cluster.apply(body("Mesh", "shop", {}), KINDS["Mesh"], force=False)
    meshes = boto3.client(
        "appmesh", region_name=REGION, endpoint_url=moto_address,
        **dict(zip(names, given, strict=True)),
    ).list_meshes()["meshes"]  # fmt: skip
    assert meshes == []
