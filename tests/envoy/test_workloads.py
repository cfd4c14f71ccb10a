"""What is asked of workloads and cannot be done: it is told, and the proxies stay as they are without it."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
import yaml

from tests.behaviour.topology import CLUSTER, Addresses, declared, document
from tests.cases.whole import compiled_files, told


def _compiled(*documents: dict[str, Any]) -> dict[str, Any]:
    with closing(Addresses()) as addresses:
        mesh = yaml.safe_dump_all(declared(addresses, "envoy", ".mesh", {}))
    files = {"desired-state/mesh.yaml": mesh.encode(), "policies/given.yaml": yaml.safe_dump_all(documents).encode()}
    return dict(told(*compiled_files(files, {CLUSTER: []})))


def _listeners(found: dict[str, Any]) -> str:
    return str([body["spec"] for body in found["objects"]["eu/local"] if body["kind"] == "Listener"])


def _traced(address: str, kind: str) -> dict[str, Any]:
    tracing = {"percent": 50, "provider": {kind: {"address": address}}}
    return document("TelemetryPolicy", "traced", {"workloads": ["ns/shop"], "tracing": tracing})


def _module(**wasm: Any) -> dict[str, Any]:
    return document("Extension", "module", {"workloads": ["ns/shop"], "wasm": wasm})


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        (_traced("daemon.example.org:2000", "xray"), "IP address"),
        (_traced("backend.shop:8080", "otlp"), "HTTP/2"),
        (_traced("backend.shop:9", "zipkin"), "has no port 9"),
        (_module(url="http://modules.example.org/a.wasm"), "checksum"),
        (_module(path="/a.wasm", insertBefore="no.such.filter"), "is named no.such.filter"),
    ],
)
def test_what_cannot_be_done_is_told_and_left_out(asked: dict[str, Any], word: str) -> None:
    found = _compiled(asked)
    assert any(one.startswith("error") and word in one for one in found["findings"]), found["findings"]
    assert "tracing" not in _listeners(found)
    assert "wasm" not in _listeners(found)


def test_an_image_is_refused() -> None:
    found = _compiled(_module(image="registry.example.org/module:1"))
    assert any("the proxy fetches no images" in one for one in found["findings"])
    assert "wasm" not in _listeners(found)


def test_a_module_is_fetched_by_its_checksum() -> None:
    found = _compiled(_module(url="https://modules.example.org/a.wasm", sha256="a" * 64))
    (cluster, *_) = (
        body["spec"]
        for body in found["objects"]["eu/local"]
        if body["metadata"]["name"] == "caller~reconciler.wasm.default.module.source"
    )
    assert cluster["type"] == "STRICT_DNS"
    assert cluster["transport_socket"]["typed_config"]["sni"] == "modules.example.org"
    assert f"'sha256': '{'a' * 64}'" in _listeners(found)


def test_a_share_without_a_provider_is_told() -> None:
    found = _compiled(document("TelemetryPolicy", "traced", {"tracing": {"percent": 50}}))
    assert [one for one in found["findings"] if "leaf-cancelled" in one] == [
        "warning leaf-cancelled nothing is traced: no provider says where spans go"
    ]
