"""What several kinds have in common: hosts, selectors, expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import re2

Body = Mapping[str, Any]
#: begins what the webhook says without refusing
WARNING = "warning: "
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
HTTP, TLS = frozenset({"HTTP", "HTTP2", "GRPC", "GRPC-WEB"}), frozenset({"HTTPS", "TLS"})


def percent(value: float, least: float = 0.0001) -> Iterator[str]:
    if value and not least <= value <= 100:
        yield f"{value} is no percentage"


def attached(spec: Body) -> Iterator[str]:
    if sum(name in spec for name in ("selector", "targetRef", "targetRefs")) > 1:
        yield "a selector and targets"
    yield from selector(spec.get("selector", {}).get("matchLabels", {}), "selector" in spec)
    for ref in [*spec.get("targetRefs", ()), *([spec["targetRef"]] if "targetRef" in spec else [])]:
        of = (ref.get("group", ""), ref.get("kind"))
        known = {("", "Service"), ("core", "Service"), ("networking.istio.io", "ServiceEntry"),
                 ("gateway.networking.k8s.io", "Gateway"), ("gateway.networking.k8s.io", "GatewayClass")}  # fmt: skip
        if not ref.get("name") or ref.get("namespace") or of not in known:
            yield f"the target {ref}"


def selector(labels: Mapping[str, str], written: bool = False) -> Iterator[str]:
    if written and not labels:
        yield "a selector without labels"
    yield from (f"a selector {key}={value}" for key, value in labels.items() if not key or "*" in key + value)


def exported(spec: Body, meta: Body) -> Iterator[str]:
    names = [meta["namespace"] if name == "." else name for name in spec.get("exportTo", ())]
    if len(set(names)) < len(names) or ({"*", "~"} & set(names) and len(names) > 1):
        yield f"exportTo {names}"
    if "workloadSelector" in spec and "host" in spec and names not in ([], [meta["namespace"]]):
        yield "a rule for some workloads is exported"


def gateways(names: Iterable[str]) -> Iterator[str]:
    yield from (f"the gateway {name}" for name in names if not all(map(LABEL.fullmatch, name.split("/"))))


def hostname(host: str, wildcard: bool = False, everything: bool = False) -> Iterator[str]:
    if everything and host == "*":
        return
    name = host[2:] if wildcard and host.startswith("*.") else host
    if len(name) > 255 or not name or not all(map(LABEL.fullmatch, name.removesuffix(".").lower().split("."))):
        yield f"{host!r} is no host"


def within(name: str, host: str) -> bool:
    return name == host or host == "*" or (host.startswith("*.") and name.endswith(host[1:]))


def expression(text: str) -> Iterator[str]:
    try:
        re2.compile(text)
    except re2.error as problem:
        yield f"{text}: {problem}"
    if not text or len(text) > 1024:
        yield f"a regex of {len(text)} characters"
