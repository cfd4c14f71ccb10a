"""Native patches by which what policies make keeps the names that objects have, and what no neutral field covers.

References follow a name only where it is patched there, too, so it is kept where one policy makes one object of a kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.importing import Body, Scene, Unsayable, key_of
from reconciler.adapters.leaves import section
from reconciler.adapters.linkerd.detect import TYPE
from reconciler.adapters.linkerd.kinds import POLICY
from reconciler.adapters.linkerd.meaning.callers import Known, required
from reconciler.adapters.linkerd.meaning.servers import Served, is_policy
from reconciler.adapters.protocols import Speech, speech
from reconciler.model.facts import ServiceFacts

Patch = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Names:
    """``server``: what each document patches of Servers. ``name``: that of the one Server, "" where it is not kept.
    ``routed``: requests are told apart. ``own``: by policy the authentication that is about nobody else's callers."""

    server: Mapping[str, Any]
    name: str
    routed: bool
    own: Mapping[str, tuple[Body, ...]]

    @classmethod
    def of(cls, servers: Iterable[Served], service: ServiceFacts, known: Known, scene: Scene) -> Names:
        several = list(servers)
        spoken = {str(section(one.body, "spec").get("proxyProtocol") or "unknown") for one in several}
        if len(spoken) > 1:
            raise Unsayable("its Servers speak different protocols, which no policy for all of them says")
        usual = {"opaque" if speech(port) is Speech.OPAQUE else "unknown" for port in service.ports}
        spec: Patch = {} if spoken <= usual and len(usual) == 1 else {"proxyProtocol": spoken.pop()}
        first, routed = several[0], any(one.routes for one in several)
        single = len(several) == 1 and not (routed and first.policies) and not scene.rename
        if single and isinstance(section(first.body, "spec")["port"], str):
            spec["port"] = section(first.body, "spec")["port"]
        name = key_of(first.body).name if single else ""
        patch = ({"metadata": {"name": name}} if name else {}) | ({"spec": spec} if spec else {})
        return cls(patch, name, routed, _own(several, known))

    def patched(self, document: Patch, body: Body) -> Patch:
        """A document that an object says, with its patches."""
        found: dict[str, Patch] = {"Server": dict(self.server)} if self.server else {}
        if self.name and self.routed:
            parent = {"group": POLICY, "kind": "Server", "name": self.name}
            found["HTTPRoute"] = {"spec": {"parentRefs": [parent]}}
        elif self.name and is_policy(body):
            found |= self._policy(body)
        elif self.name and key_of(body).kind == "ServerAuthorization":  # comes back as a policy of another name
            found["AuthorizationPolicy"] = {"spec": {"targetRef": {"name": self.name}}}
        if self.name and key_of(body).kind == "HTTPLocalRateLimitPolicy":
            found["HTTPLocalRateLimitPolicy"] = _patch(key_of(body).name, {"targetRef": {"name": self.name}})
        return {**document, "spec": {**document["spec"], "native": {TYPE: found}}} if found else document

    def _policy(self, body: Body) -> dict[str, Patch]:
        spec: Patch = {"targetRef": {"name": self.name}}
        parts = self.own.get(key_of(body).name, ())
        if parts:
            spec["requiredAuthenticationRefs"] = section(body, "spec")["requiredAuthenticationRefs"]
        made = {"AuthorizationPolicy": _patch(key_of(body).name, spec)}
        return made | {key_of(one).kind: _patch(key_of(one).name, {}) for one in parts}


def _patch(name: str, spec: Patch) -> Patch:
    return {"metadata": {"name": name}} | ({"spec": spec} if spec else {})


def _own(servers: Iterable[Served], known: Known) -> dict[str, tuple[Body, ...]]:
    """Where it lies beside its policy, and one object says all of it."""
    users: dict[Any, list[Body]] = {}
    for body in known.of_kind("AuthorizationPolicy"):
        for one in required(body, known) or ():
            users.setdefault(key_of(one), []).append(body)
    policies = [one for server in servers for one in server.policies if is_policy(one)]
    found = {key_of(one).name: tuple(required(one, known) or ()) for one in policies}
    return {
        name: parts
        for name, parts in found.items()
        if all(len(users[key_of(one)]) == 1 and _is_one(one) for one in parts)
        and {key_of(one).namespace for one in parts} <= {key_of(policy).namespace for policy in policies}
    }


def _is_one(one: Body) -> bool:
    """Names and references become two objects, and an account that is named by the policy itself has none."""
    spec = section(one, "spec")
    return key_of(one).kind != "ServiceAccount" and not (spec.get("identities") and spec.get("identityRefs"))
