"""AuthorizationPolicy, RequestAuthentication and PeerAuthentication."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from tests.adapters.webhook.shared import (
    WARNING,
    Body,
    attached,
    selector,
)

IDENTITIES = frozenset(
    {"namespaces", "notNamespaces", "principals", "notPrincipals", "requestPrincipals", "notRequestPrincipals"}
)
#: what a connection shows without HTTP
CALLERS = frozenset(
    name
    for one in ("principals", "namespaces", "serviceAccounts", "ipBlocks", "remoteIpBlocks")
    for name in (one, f"not{one[0].upper()}{one[1:]}")
)


def authorization_policy(spec: Body, _meta: Body) -> Iterator[str]:
    action = spec.get("action", "ALLOW")
    yield from attached(spec)
    if action in ("DENY", "CUSTOM") and not spec.get("rules"):
        yield f"{action} without rules"
    if (action == "CUSTOM") is not bool(spec.get("provider", {}).get("name")):
        yield f"{action} with provider {spec.get('provider')}"
    for rule in spec.get("rules", ()):
        yield from _rule(rule, action)


def _rule(rule: Body, action: str) -> Iterator[str]:
    yield from (f"an empty {part}" for part in ("from", "to") if part in rule and not rule[part])
    parts = [one.get("source", {}) for one in rule.get("from", ())]
    operations = [one.get("operation", {}) for one in rule.get("to", ())]
    for part in (*parts, *operations):
        if not part or not all(isinstance(values, list) and values and all(values) for values in part.values()):
            yield f"an empty source or operation: {part}"
    for operation in operations:
        for path in (*operation.get("paths", ()), *operation.get("notPaths", ())):
            yield from _path(path)
    for condition in rule.get("when", ()):
        if not condition.get("values") and not condition.get("notValues"):
            yield f"no values of {condition.get('key')}"
    if action == "CUSTOM" and any(IDENTITIES & set(part) for part in parts):
        yield "CUSTOM by identity"
    callers, ports = (
        any(CALLERS & set(part) for part in parts),
        any({"ports", "notPorts"} & set(op) for op in operations),
    )
    if action == "DENY" and ((parts and not operations and not callers) or (operations and not ports)):
        yield f"{WARNING}a DENY by HTTP alone denies all of TCP"


def _path(path: str) -> Iterator[str]:
    inner = path.strip("*")
    if "*" in inner and not re.search(r"\{\*\*?\}", path):
        yield f"a * within {path}"


def request_authentication(spec: Body, _meta: Body) -> Iterator[str]:
    yield from attached(spec)
    for rule in spec.get("jwtRules", ()):
        if not rule.get("issuer") or not all(rule.get("audiences", ["a"])):
            yield "a rule without an issuer or audience"
        if "jwks" in rule and not isinstance(json.loads(rule["jwks"]).get("keys"), list):
            yield "jwks without keys"
        places = [one.get("name") for one in rule.get("fromHeaders", ())]
        if not all([*places, *rule.get("fromParams", ()), *rule.get("fromCookies", ())]):
            yield "a place without a name"


def peer_authentication(spec: Body, _meta: Body) -> Iterator[str]:
    labels = spec.get("selector", {}).get("matchLabels", {})
    yield from selector(labels, "selector" in spec)
    if "portLevelMtls" in spec and (not labels or not spec["portLevelMtls"]):
        yield "modes of ports without a selector"
