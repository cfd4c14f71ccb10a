"""All findings about an intent: what cannot be written (errors; nothing is written for that thing) and what will be
written but not do what was asked."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio import access, default_deny, hosts, mtls
from reconciler.adapters.istio.advice import advise_access, advise_host, advise_mtls
from reconciler.adapters.served import is_served
from reconciler.model.findings import Finding
from reconciler.model.intents import MeshIntent, Origin
from reconciler.model.native import NativeObject


def review(intent: MeshIntent) -> Iterable[Finding]:
    """Findings of every host, access policy, mode and default deny, in order of the intent."""
    found = [*_hosts(intent), *_access(intent), *_modes(intent), *_default_deny(intent)]
    return tuple(dict.fromkeys(found))


def _hosts(intent: MeshIntent) -> Iterable[Finding]:
    for host in intent.hosts:
        gaps = Gaps()
        made = hosts.objects(host, intent, gaps)
        advise_host(host, intent, gaps)
        yield from _closed(gaps, made, intent, host.origins)


def _access(intent: MeshIntent) -> Iterable[Finding]:
    for group in access.groups(intent):
        gaps = Gaps()
        made = [access.authorization_policy(group, intent, gaps)]
        advise_access(group, intent, gaps)
        yield from _closed(gaps, made, intent, [origin for item in group for origin in item.origins])


def _modes(intent: MeshIntent) -> Iterable[Finding]:
    for asked in intent.mtls:
        gaps = Gaps()
        made = [mtls.peer_authentication(asked, intent, gaps)]
        advise_mtls(asked, intent, gaps)
        yield from _closed(gaps, made, intent, asked.origins)


def _default_deny(intent: MeshIntent) -> Iterable[Finding]:
    if intent.default_deny is not None:
        gaps = Gaps()
        made = list(default_deny.policies(intent, gaps))
        yield from _closed(gaps, made, intent, intent.default_deny.origins)


def _closed(
    gaps: Gaps, made: Iterable[NativeObject | None], intent: MeshIntent, origins: Iterable[Origin]
) -> tuple[Finding, ...]:
    for native in made:
        if native is not None and not is_served(native.kind, intent.cluster.crds):
            kind = native.kind.kind
            gaps.error(
                "kind-not-served", f"the cluster serves no version of {kind} that is known", hint="install the CRD"
            )
    return gaps.findings(intent.target, origins)
