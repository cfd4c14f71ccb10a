"""What the token may do, as far as a server tells: it is asked for names that no rule can be about by itself, so that
an answer holds for whatever is covered by the rules for all names.

An old server does not say when a list is not whole because the token sees only a part of it; so that is asked, too.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.io.consul.client import Client
from reconciler.io.consul.kinds import GROUP, INTENTIONS
from reconciler.model.rights import Right
from reconciler.ports import Absent, ClusterError, Forbidden, Rejected

_PATH = "internal/acl/authorize"
_ANY_NAME = "reconciler-asks-for-any-name"
#: what is the operator's, by its plural
_OF_OPERATOR = ("proxydefaults", "meshes", "jwtproviders", "exportedservices", "ingressgateways", "terminatinggateways")
_READING = ("get", "list", "watch")
#: as they are written in the rules of a policy
_RULES = {"service": 'service_prefix ""', "intention": 'intentions in service_prefix ""', "operator": "operator"}

Need = tuple[str, str]  # resource, access


def needed(right: Right) -> Need | None:
    """What a right on objects is for a token; None where nothing is asked of it."""
    if right.group != GROUP:
        return None
    access = "read" if right.verb in _READING else "write"
    if right.resource == INTENTIONS.lower():
        return ("intention", access)
    return ("operator" if right.resource in _OF_OPERATOR else "service", access)


async def lacking(client: Client, needs: Iterable[Need]) -> frozenset[Need]:
    """Those that the token does not have. None of them where the server has no access control or does not tell."""
    asked = sorted(set(needs))
    if not asked:
        return frozenset()
    question = [
        {"Resource": resource, "Access": access} | ({} if resource == "operator" else {"Segment": _ANY_NAME})
        for resource, access in asked
    ]
    try:
        answers = await client.ask(_PATH, question)
    except (Absent, Rejected):
        return frozenset()
    except Forbidden as problem:
        if "acl support disabled" in str(problem).lower():
            return frozenset()
        raise
    return frozenset(need for need, answer in zip(asked, answers or (), strict=False) if not answer.get("Allow"))


def worded(needs: Iterable[Need]) -> str:
    """``service_prefix "": write, operator: write``."""
    return ", ".join(f"{_RULES[resource]}: {access}" for resource, access in sorted(needs))


def refusal(needs: Iterable[Need]) -> ClusterError:
    return Forbidden(f"the token lacks rules: {worded(needs)}", 403)
