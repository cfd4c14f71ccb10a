"""Access policies as objects: which intents make one, and what it is called."""

from __future__ import annotations

from reconciler.adapters.envelopes import object_name
from reconciler.model.access import AccessAction
from reconciler.model.intents import AccessIntent, MeshIntent
from reconciler.model.refs import DocRef, ServiceRef

Group = tuple[ServiceRef, str, AccessAction, DocRef]


def groups(intent: MeshIntent) -> list[list[AccessIntent]]:
    """Access intents by the object that they make: what one policy says of one service is one object."""
    found: dict[Group, list[AccessIntent]] = {}
    for access in intent.access:
        found.setdefault((access.service, access.part, access.action, access.policy), []).append(access)
    return [found[group] for group in sorted(found, key=str)]


def policy_name(access: AccessIntent) -> str:
    """``reviews-allow-readers``; with the policy's namespace when that is not the default one. What neither allows nor
    denies has a dot, which no name of a service has."""
    action, policy = access.action.value.lower(), access.policy
    tail = policy.name if policy.namespace == "default" else f"{policy.namespace}.{policy.name}"
    joint = "-" if access.action in (AccessAction.ALLOW, AccessAction.DENY) else "."
    # two different triples must never read the same
    dashed = f"{access.service.name}-"
    ambiguous = "-allow-" in dashed or "-deny-" in dashed or (policy.namespace == "default" and "." in policy.name)
    identity = (access.service.name, action, policy.namespace, policy.name)
    if access.part:
        marked = f"{access.service.name}.{access.part}.{action}-{tail}"
        return object_name(marked, (*identity, access.part), ambiguous=True)
    return object_name(f"{access.service.name}{joint}{action}-{tail}", identity, ambiguous=ambiguous)
