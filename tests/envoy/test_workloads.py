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


def _measured(address: str, kind: str = "statsd", **more: str) -> dict[str, Any]:
    metrics = {"sinks": [{kind: {"address": address, **more}}]}
    return document("TelemetryPolicy", "measured", {"workloads": ["ns/shop"], "metrics": metrics})


def _bootstraps(found: dict[str, Any]) -> dict[str, Any]:
    """Their content by the name of the proxy."""
    bodies = [body for body in found["objects"]["eu/local"] if body["kind"] == "Bootstrap"]
    return {body["metadata"]["name"].partition("~")[0]: body["spec"] for body in bodies}


def _module(**wasm: Any) -> dict[str, Any]:
    return document("Extension", "module", {"workloads": ["ns/shop"], "wasm": wasm})


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        (_traced("daemon.example.org:2000", "xray"), "IP address"),
        (_traced("backend.shop:8080", "otlp"), "HTTP/2"),
        (_traced("backend.shop:9", "zipkin"), "has no port 9"),
        (_measured("numbers.example.org:8125"), "go to an IP address"),
        (_measured("backend.shop:9", protocol="Tcp"), "has no port 9"),
        (_measured("backend.shop:8080", protocol="Tcp"), "takes requests, and statsd sends none"),
        (_measured("backend.shop:8080", "otlp"), "HTTP/2"),
        (_module(url="http://modules.example.org/a.wasm"), "checksum"),
        (_module(path="/a.wasm", insertBefore="no.such.filter"), "is named no.such.filter"),
    ],
)
def test_what_cannot_be_done_is_told_and_left_out(asked: dict[str, Any], word: str) -> None:
    found = _compiled(asked)
    assert any(one.startswith("error") and word in one for one in found["findings"]), found["findings"]
    assert "tracing" not in _listeners(found)
    assert "wasm" not in _listeners(found)
    assert "stats_sinks" not in _bootstraps(found)["caller"]


def test_numbers_are_sent_from_the_start_of_a_proxy() -> None:
    found = _bootstraps(_compiled(_measured("numbers.example.org:8125", protocol="Tcp")))
    assert "stats_sinks" not in found["guest"]
    (sink,), (cluster,) = found["caller"]["stats_sinks"], found["caller"]["static_resources"]["clusters"]
    assert sink["typed_config"]["tcp_cluster_name"] == cluster["name"] == "sink.tcp.numbers.example.org.8125"
    assert sink["typed_config"]["prefix"] == "envoy.shop.caller"
    assert cluster["type"] == "STRICT_DNS"


def test_a_collector_of_the_mesh_that_moves_changes_nothing_that_a_proxy_is_started_with() -> None:
    policy = document(
        "TelemetryPolicy", "measured", {"metrics": {"sinks": [{"otlp": {"address": "watcher.tools:4317"}}]}}
    )
    found = _bootstraps(_compiled(policy))
    assert set(found) >= {"caller", "guest"}
    for spec in found.values():
        (cluster,) = spec["static_resources"]["clusters"]
        assert cluster["cluster_type"]["typed_config"]["clusters"] == ["watcher.tools.4317"]
        assert "load_assignment" not in cluster


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
