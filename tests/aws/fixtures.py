"""Fixtures around App Mesh, for every test below ``tests/``: a server after the model of the API, and moto's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.aws.server import ACCOUNT, REGION, AppMesh, running

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"}


@pytest.fixture
def aws_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials by the environment, and nothing of this machine's own."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture
def app_mesh(aws_keys: None) -> Iterator[AppMesh]:
    with running() as mesh:
        yield mesh


@pytest.fixture
def moto_address(aws_keys: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """moto as a server. It is empty."""
    import logging

    from moto.moto_api._internal import moto_api_backend
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    moto_api_backend.reset()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://{host}:{port}")
    yield f"http://{host}:{port}"
    server.stop()


def client(address: str) -> Any:
    """As somebody beside us would write."""
    import boto3

    return boto3.client("appmesh", region_name=REGION, endpoint_url=address)


def connection(address: str, **more: Any) -> dict[str, Any]:
    """As a Cluster document has it."""
    return {"aws": {"regions": [REGION], "endpoint": address, **more}}


def shop(address: str) -> Any:
    """A mesh as people make it by hand: two versions of reviews behind a router, and cart, which is one node."""
    api = client(address)
    api.create_mesh(meshName="shop")
    for name, tags in (("reviews-v1", {"version": "v1"}), ("reviews-v2", {"version": "v2"}), ("cart", {})):
        api.create_virtual_node(
            meshName="shop",
            virtualNodeName=name,
            spec={
                "listeners": [{"portMapping": {"port": 9080, "protocol": "http"}}],
                "serviceDiscovery": {"dns": {"hostname": f"{name}.shop.local"}},
            },
            tags=[{"key": key, "value": value} for key, value in tags.items()],
        )
    listening = {"listeners": [{"portMapping": {"port": 9080, "protocol": "http"}}]}
    api.create_virtual_router(meshName="shop", virtualRouterName="reviews-router", spec=listening)
    targets = [{"virtualNode": "reviews-v1", "weight": 80}, {"virtualNode": "reviews-v2", "weight": 20}]
    route = {
        "priority": 1,
        "httpRoute": {
            "match": {"prefix": "/"},
            "action": {"weightedTargets": targets},
            "timeout": {"perRequest": {"unit": "s", "value": 3}},
        },
    }
    api.create_route(meshName="shop", virtualRouterName="reviews-router", routeName="all", spec=route)
    return api


def named(api: Any) -> None:
    """The names under which the two are called."""
    led = {"virtualRouter": {"virtualRouterName": "reviews-router"}}
    api.create_virtual_service(meshName="shop", virtualServiceName="reviews.shop.local", spec={"provider": led})
    alone = {"virtualNode": {"virtualNodeName": "cart"}}
    api.create_virtual_service(meshName="shop", virtualServiceName="cart.shop.local", spec={"provider": alone})


__all__ = ["ACCOUNT", "app_mesh", "aws_keys", "client", "connection", "moto_address", "named", "shop"]
