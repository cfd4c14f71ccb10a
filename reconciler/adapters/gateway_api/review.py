"""All findings about an intent: errors, where nothing is written for that thing, and warnings about what will be
written but not do what was asked. The objects are built once more, so that review and emitters cannot disagree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.gateway_api import ingress
from reconciler.adapters.gateway_api.hosts import objects_of
from reconciler.adapters.served import is_served
from reconciler.model.findings import Finding
from reconciler.model.intents import MeshIntent, Origin
from reconciler.model.native import NativeObject


def review(intent: MeshIntent) -> Iterable[Finding]:
    """Findings of every service and gateway, in the order of the intent."""
    found: dict[Finding, None] = {}
    for made, gaps, origins in _things(intent):
        for native in made:
            if native.kind.kind.group and not is_served(native.kind, intent.cluster.crds):
                message = f"the cluster serves no version of {native.kind.kind.kind} that is known"
                gaps.warning("kind-not-served", message, hint="install its CustomResourceDefinition")
        found |= dict.fromkeys(gaps.findings(intent.target, origins))
    return tuple(found)


def _things(intent: MeshIntent) -> Iterator[tuple[list[NativeObject], Gaps, tuple[Origin, ...]]]:
    for host in intent.hosts:
        gaps = Gaps()
        yield objects_of(host, intent, gaps), gaps, host.origins
    for asked in intent.ingress:
        gaps = Gaps()
        yield ingress.objects_of(asked, intent, gaps), gaps, asked.origins
