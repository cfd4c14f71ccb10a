"""Gateway, ServiceEntry and Sidecar."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from tests.adapters.webhook.shared import (
    HTTP,
    LABEL,
    TLS,
    Body,
    exported,
    hostname,
    selector,
)


def gateway(spec: Body, meta: Body) -> Iterator[str]:
    servers = spec.get("servers", [])
    names = [server["port"].get("name") for server in servers]
    if not servers or not all(names) or len(set(names)) < len(names) or not LABEL.fullmatch(meta["name"]):
        yield f"servers, port names or the name {meta['name']}: {names}"
    for server in servers:
        yield from [] if server.get("hosts") else ["a server without hosts"]
        for host in server.get("hosts", ()):
            yield from hostname(host.rpartition("/")[2], wildcard=True, everything=True)
        yield from _server_tls(server["port"]["protocol"], server.get("tls"))


def _server_tls(protocol: str, tls: Body | None) -> Iterator[str]:
    if (protocol in TLS) is (tls is None) and not (tls and set(tls) == {"httpsRedirect"} and protocol in HTTP):
        yield f"{protocol} with tls {tls}"
    mode, tls = (tls or {}).get("mode", ""), tls or {}
    files = {name for name in ("serverCertificate", "privateKey", "caCertificates", "credentialName") if tls.get(name)}
    if mode in ("PASSTHROUGH", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL") and files:
        yield f"{mode} with {sorted(files)}"
    if mode in ("SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL") and not files & {"credentialName", "serverCertificate"}:
        yield f"{mode} without a certificate"
    if tls.get("httpsRedirect") and protocol not in HTTP:
        yield "httpsRedirect of what is not HTTP"


def service_entry(spec: Body, meta: Body) -> Iterator[str]:
    hosts, ports, endpoints = spec.get("hosts", []), spec.get("ports", []), spec.get("endpoints", [])
    resolution = spec.get("resolution", "NONE")
    if not hosts or "*" in hosts:
        yield f"hosts {hosts}"
    for host in hosts:
        yield from hostname(host, wildcard=resolution == "NONE" or bool(endpoints) or resolution == "DYNAMIC_DNS")
    for key in ("name", "number"):
        values = [port.get(key) for port in ports]
        yield from [] if len(set(values)) == len(values) else [f"two ports of one {key}: {values}"]
    yield from (f"{port['name']} is no name of a port" for port in ports if not LABEL.fullmatch(port["name"]))
    if "workloadSelector" in spec and (endpoints or resolution != "STATIC"):
        yield "a workloadSelector beside endpoints or with a resolution that ignores it"
    if resolution == "NONE" and (endpoints or any("targetPort" in port for port in ports)):
        yield "endpoints or target ports without resolution"
    if resolution == "DNS_ROUND_ROBIN" and len(endpoints) > 1:
        yield "several endpoints, and one is used"
    for endpoint in endpoints:
        yield from _endpoint(endpoint, resolution, {port["name"] for port in ports})
    tcp = [port for port in ports if port.get("protocol", "TCP") not in HTTP | TLS]
    if resolution != "NONE" and len(hosts) > 1 and tcp:
        yield "several hosts on a port that tells none from the other"
    if any("/" in address for address in spec.get("addresses", ())) and resolution not in ("NONE", "STATIC"):
        yield "a network as an address"
    yield from exported(spec, meta)
    yield from selector(spec.get("workloadSelector", {}).get("labels", {}), "workloadSelector" in spec)


def _endpoint(endpoint: Body, resolution: str, ports: set[str]) -> Iterator[str]:
    address = endpoint.get("address", "")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        yield from [f"{address} is no address"] if resolution == "STATIC" else hostname(address)
    yield from (f"the endpoint's port {name} is none" for name in endpoint.get("ports", {}) if name not in ports)


def sidecar(spec: Body, meta: Body) -> Iterator[str]:
    yield from [] if spec.get("egress") or spec.get("ingress") else ["a sidecar without content"]
    for number, egress in enumerate(spec.get("egress", ())):
        hosts = egress.get("hosts", [])
        if not hosts or ("port" not in egress and number != len(spec["egress"]) - 1):
            yield "an egress without hosts, or without a port before the last"
        pairs = [tuple((meta["namespace"] if host.startswith("./") else "") + host.lstrip(".")) for host in hosts]
        if len(set(pairs)) < len(pairs) or ("*/*" in hosts and len(hosts) > 1):
            yield f"hosts twice: {hosts}"
        for host in hosts:
            yield from [] if "/" in host else [f"{host} without a namespace"]
            yield from hostname(host.partition("/")[2], wildcard=True, everything=True)
    yield from selector(spec.get("workloadSelector", {}).get("labels", {}), "workloadSelector" in spec)
