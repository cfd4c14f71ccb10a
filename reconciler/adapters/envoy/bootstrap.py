"""What a proxy is started with: who it is, where its administration listens, and which files it reads."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.adapters.built import Built
from reconciler.adapters.envoy.kinds import BOOTSTRAP, files, resource
from reconciler.adapters.envoy.proxies import proxies_of
from reconciler.model.intents import MeshIntent

ADMIN_PORT = 15000
#: the proxy refuses expressions that are larger than this, and by itself takes very small ones only
_RUNTIME = {"re2.max_program_size.error_level": 32768}


def emit(intent: MeshIntent) -> Iterator[Built]:
    for proxy in proxies_of(intent):
        identity = {
            "trust_domain": intent.mesh.trust_domain,
            "namespace": proxy.namespace,
            "service_account": proxy.account,
        }
        spec = {
            "node": {
                "id": f"{proxy.namespace}/{proxy.name}",
                "cluster": intent.target.cluster,
                "metadata": {"identity": identity},
            },
            "admin": {"address": socket(proxy.local, ADMIN_PORT)},
            "layered_runtime": {"layers": [{"name": "static", "static_layer": _RUNTIME}]},
            "dynamic_resources": {"lds_config": files("listeners.json"), "cds_config": files("clusters.json")},
        }
        yield Built((resource(intent, proxy, BOOTSTRAP, "bootstrap", spec, proxy.origins),))


def socket(address: str, port: int) -> dict[str, object]:
    return {"socket_address": {"address": address, "port_value": port}}
