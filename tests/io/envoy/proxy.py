"""A real proxy with mutual TLS from files: ``inbound`` asks for one certificate, ``outbound`` shows it."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from cryptography import x509

from reconciler.io.envoy.secrets import IDENTITY, TRUST, path_of
from reconciler.io.identity import Issued
from reconciler.io.local.children import Program
from reconciler.io.local.processes import Processes

_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
_HTTP = "type.googleapis.com/envoy.extensions.filters"


@dataclass(frozen=True, slots=True)
class Proxy:
    admin: str
    inbound: int
    outbound: int


@asynccontextmanager
async def running(envoy: Path, folder: Path, secrets: Path, upstream: int = 0) -> AsyncIterator[Proxy]:
    """``outbound`` goes to the port ``upstream``; both ports are the kernel's choice."""
    address_file, config = folder / "admin", json.dumps(bootstrap(secrets, upstream))
    argv = (str(envoy), "--config-yaml", config, "--admin-address-path", str(address_file), "--concurrency", "1")
    more = ("--use-dynamic-base-id", "-l", "warning", "--service-node", "n", "--service-cluster", "c")

    async def ready() -> bool:
        return address_file.exists() and bool(address_file.read_text()) and await _answers(address_file.read_text())

    async with Processes(print) as processes:
        await processes.start(Program("envoy", argv + more, secrets, folder / "log", ready), within=60.0)
        admin = address_file.read_text()
        ports = await _ports(admin)
        yield Proxy(admin, ports["inbound"], ports["outbound"])


def bootstrap(secrets: Path, upstream: int) -> dict[str, Any]:
    tls = _tls(secrets)
    down = {"@type": f"{_TLS}.DownstreamTlsContext", "common_tls_context": tls, "require_client_certificate": True}
    up = {"@type": f"{_TLS}.UpstreamTlsContext", "common_tls_context": tls}
    answer = {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "hello"}}}
    onward = {"match": {"prefix": "/"}, "route": {"cluster": "peer"}}
    endpoint = {"endpoint": {"address": _address(upstream or 9)}}
    peer = {
        "name": "peer",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "peer", "endpoints": [{"lb_endpoints": [endpoint]}]},
        "transport_socket": {"name": "tls", "typed_config": up},
    }
    inbound = _listener("inbound", answer)
    inbound["filter_chains"][0]["transport_socket"] = {"name": "tls", "typed_config": down}
    return {
        "admin": {"address": _address(0)},
        "static_resources": {"listeners": [inbound, _listener("outbound", onward)], "clusters": [peer]},
    }


def context_of(issued: Issued, folder: Path) -> ssl.SSLContext:
    """Of a client that shows this certificate and accepts its root."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.load_verify_locations(cadata=issued.root_pem)
    file = folder / f"{issued.serial}.pem"
    file.write_text(issued.certificate_chain_pem + issued.key_pem)
    made.load_cert_chain(file)
    return made


def serial_of(certificate: bytes | None) -> int:
    assert certificate is not None
    return x509.load_der_x509_certificate(certificate).serial_number


def _tls(secrets: Path) -> Mapping[str, Any]:
    def secret(name: str) -> Mapping[str, Any]:
        return {"name": name, "sds_config": {"path_config_source": {"path": str(path_of(secrets, name))}}}

    return {
        "tls_certificate_sds_secret_configs": [secret(IDENTITY)],
        "validation_context_sds_secret_config": secret(TRUST),
    }


def _listener(name: str, route: Mapping[str, Any]) -> dict[str, Any]:
    manager = {
        "@type": f"{_HTTP}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "route_config": {"virtual_hosts": [{"name": name, "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{_HTTP}.http.router.v3.Router"}}],
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    return {"name": name, "address": _address(0), "filter_chains": [chain]}


def _address(port: int) -> Mapping[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


async def _answers(admin: str) -> bool:
    async with aiohttp.ClientSession() as http, http.get(f"http://{admin}/ready") as answer:
        return answer.status == 200


async def _ports(admin: str) -> dict[str, int]:
    async with aiohttp.ClientSession() as http, http.get(f"http://{admin}/listeners?format=json") as answer:
        found = (await answer.json(content_type=None))["listener_statuses"]
    return {one["name"]: one["local_address"]["socket_address"]["port_value"] for one in found}
