"""Whom default deny cuts off: callers that traffic policies name and no access policy allows. It only tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.compile.identities import who
from reconciler.compile.merge import Ask
from reconciler.compile.notes import Notes
from reconciler.compile.site import Site
from reconciler.model.access import AccessAction
from reconciler.model.findings import warning
from reconciler.model.intents import AccessIntent, Identity
from reconciler.model.refs import DocRef, ServiceRef
from reconciler.model.traffic import TrafficPolicy


def tell_cut_off(
    asks: Mapping[ServiceRef, Sequence[Ask]], access: Iterable[AccessIntent], site: Site, notes: Notes
) -> None:
    """Warn for each policy with callers that nothing allows, and each service with policies that nobody may call."""
    allowed: dict[ServiceRef, list[AccessIntent]] = {}
    for intent in access:
        if intent.action is AccessAction.ALLOW:
            allowed.setdefault(intent.service, []).append(intent)
    policies = {policy.ref: policy for policy in site.view.traffic}
    for service, several in sorted(asks.items()):
        name = f"{service.label}"
        own = [policies[ask.policy] for ask in several if ask.policy in policies]
        if own and service not in allowed:
            _tell_nobody(name, own, notes)
            continue
        for policy in own:
            cut = _cut(policy, allowed[service], site)
            if cut:
                message = f"{policy.ref} is about calls of {', '.join(cut)} to {name}, and no AccessPolicy allows them"
                hint = "add an AccessPolicy with action Allow"
                notes.find(warning("access-cut-off", message, policy.position, hint, policy.ref))


def _tell_nobody(name: str, policies: Sequence[TrafficPolicy], notes: Notes) -> None:
    first = min(policies, key=lambda policy: policy.ref)
    message = f"nobody may call {name}: access is denied by default and no AccessPolicy allows any call to it"
    refs: list[DocRef] = sorted({policy.ref for policy in policies})
    notes.find(warning("access-cut-off", message, first.position, "add an AccessPolicy with action Allow", *refs))


def _cut(policy: TrafficPolicy, allowing: Sequence[AccessIntent], site: Site) -> list[str]:
    """The callers that a policy names and none of the rules covers, worded."""
    callers = who(policy.ref, policy.sources, site).identities if policy.sources is not None else None
    return [_worded(caller) for caller in callers or () if not any(_lets(intent, caller) for intent in allowing)]


def _lets(intent: AccessIntent, caller: Identity) -> bool:
    return intent.identities is None or any(covers(allowed, caller) for allowed in intent.identities)


def covers(allowed: Identity, caller: Identity) -> bool:
    """Whether a rule may let some of these callers in, as far as names can tell; networks are taken for met."""
    if allowed.any_identity or not (_name(allowed) or allowed.raw):
        return True
    if allowed.raw:
        wanted = _spiffe(caller)
        raw = allowed.raw.removeprefix("spiffe://")
        return wanted.startswith(raw[:-1]) if raw.endswith("*") else wanted == raw or caller.raw == allowed.raw
    return all(mine in ("", other) or not other for mine, other in zip(_parts(allowed), _parts(caller), strict=True))


def _parts(identity: Identity) -> tuple[str, str, str]:
    return (identity.trust_domain, identity.namespace, identity.service_account)


def _name(identity: Identity) -> str:
    return "".join(_parts(identity))


def _spiffe(identity: Identity) -> str:
    return f"{identity.trust_domain}/ns/{identity.namespace}/sa/{identity.service_account}"


def _worded(identity: Identity) -> str:
    if identity.service_account:
        return f"service account {identity.namespace}/{identity.service_account}"
    return f"namespace {identity.namespace}" if identity.namespace else identity.raw or "anyone"
