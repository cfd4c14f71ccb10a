"""Default deny: intentions for every service that refuse everybody but the gateways. What is said of a service itself
is more exact, and holds in their place."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.built import Built, built
from reconciler.adapters.consul import names
from reconciler.adapters.consul.kinds import SERVICE_INTENTIONS
from reconciler.adapters.envelopes import build
from reconciler.adapters.gaps import Gaps
from reconciler.model.intents import MeshIntent


def emit(intent: MeshIntent) -> Iterable[Built]:
    deny = intent.default_deny
    if deny is None:
        return
    gateways = sorted({gateway.name for gateway in deny.gateways})
    sources = [*({"name": name, "action": "allow"} for name in gateways), {"name": names.ANY, "action": "deny"}]
    spec = {"destination": {"name": names.ANY}, "sources": sources}
    made = build(intent, SERVICE_INTENTIONS, names.for_all_in(intent.mesh), names.ANY_NAME, spec, deny.origins)
    yield built([made], Gaps(), deny.origins, intent)
