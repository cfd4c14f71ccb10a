"""All findings about an intent: errors, where nothing is written for that thing, and warnings about what will be
written but not do what was asked. The objects are built once more, so that review and emitters cannot disagree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio import (
    access,
    default_deny,
    entries,
    filters,
    hosts,
    ingress,
    mtls,
    reach,
    telemetry,
    tokens,
)
from reconciler.adapters.served import is_served
from reconciler.model.findings import Finding
from reconciler.model.intents import MeshIntent, Origin
from reconciler.model.native import NativeObject

#: what was built of one thing, the gaps in it, and where the thing comes from
Built = tuple[Iterable[NativeObject | None], Gaps, Iterable[Origin]]


def review(intent: MeshIntent) -> Iterable[Finding]:
    """Findings of every host, access policy, mode and default deny, in the order of the intent."""
    found: dict[Finding, None] = {}
    for made, gaps, origins in _things(intent):
        for native in made:
            if native is not None and not is_served(native.kind, intent.cluster.crds):
                kind = native.kind.kind
                message = f"the cluster serves no version of {kind} that is known"
                gaps.warning("kind-not-served", message, hint="install its CustomResourceDefinition")
        found |= dict.fromkeys(gaps.findings(intent.target, origins))
    return tuple(found)


def _things(intent: MeshIntent) -> Iterator[Built]:
    for entry in intent.ingress:
        gaps = Gaps()
        yield ingress.objects(entry, intent, gaps), gaps, entry.origins
    for destination in intent.destinations:
        gaps = Gaps()
        yield [entries.service_entry(destination, intent, gaps)], gaps, destination.origins
    for host in intent.hosts:
        gaps = Gaps()
        yield hosts.objects(host, intent, gaps), gaps, host.origins
    for group in access.groups(intent):
        gaps = Gaps()
        origins = [origin for item in group for origin in item.origins]
        yield [access.authorization_policy(group, intent, gaps)], gaps, origins
    for several in tokens.groups(intent):
        gaps = Gaps()
        origins = [origin for item in several for origin in item.origins]
        yield [tokens.request_authentication(several, intent, gaps)], gaps, origins
    for narrowed in intent.reaches:
        gaps = Gaps()
        yield [reach.sidecar(narrowed, intent, gaps)], gaps, narrowed.origins
    for asked in intent.mtls:
        gaps = Gaps()
        yield [mtls.peer_authentication(asked, intent, gaps)], gaps, asked.origins
    for measured in intent.telemetry:
        gaps = Gaps()
        yield [telemetry.telemetry(measured, intent, gaps)], gaps, measured.origins
    for given in intent.filters:
        gaps = Gaps()
        yield [filters.proxy_filter(given, intent, gaps)], gaps, given.origins
    if intent.default_deny is not None:
        gaps = Gaps()
        yield list(default_deny.policies(intent, gaps)), gaps, intent.default_deny.origins
