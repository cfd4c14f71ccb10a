"""ProxyConfig of the whole mesh: what pods are given when a proxy is put into them."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.built import Built, built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.kinds import PROXY_CONFIG
from reconciler.adapters.istio.objects import build, root_namespace
from reconciler.model.intents import MeshIntent

_NAME = "mesh-wide"
_DNS_CAPTURE = "ISTIO_META_DNS_CAPTURE"


def emit(intent: MeshIntent) -> Iterable[Built]:
    asked = intent.proxies
    if asked is None or asked.dns_capture is None:
        return
    spec = {"environmentVariables": {_DNS_CAPTURE: str(asked.dns_capture).lower()}}
    made = build(intent, PROXY_CONFIG, root_namespace(intent), _NAME, spec, asked.origins)
    yield built([made], Gaps(), asked.origins, intent)
