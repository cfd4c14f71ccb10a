"""Who is let in by a policy: pairs of an identity ("" for none that is asked for) and a network ("" for every one).

Source: linkerd2, policy-controller/k8s/index/src/inbound/index.rs (policy_client_authz, client_authzs),
server_authorization.rs and defaults.rs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.importing import Body, key_of
from reconciler.adapters.leaves import section
from reconciler.adapters.linkerd.authentications import EVERYONE
from reconciler.adapters.linkerd.kinds import POLICY
from reconciler.model.canonical import encode
from reconciler.model.facts import MeshFacts
from reconciler.model.refs import ObjectKey

#: what a Server itself says of callers whom no rule names
DEFAULTS: Mapping[str, frozenset[tuple[str, str]]] = {
    "deny": frozenset(),
    "all-unauthenticated": frozenset({("", "")}),
    "all-authenticated": frozenset({("*", "")}),
    "cluster-unauthenticated": frozenset({("", "cluster")}),
    "cluster-authenticated": frozenset({("*", "cluster")}),
}
Part = Mapping[str, Any]
Callers = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Known:
    """All objects of a set by key, and the mesh that gives identities."""

    bodies: Mapping[ObjectKey, Body]
    mesh: MeshFacts

    def of(self, kind: str, namespace: str) -> list[Body]:
        return [
            body
            for key, body in sorted(self.bodies.items())
            if (key.kind, key.namespace, key.group) == (kind, namespace, POLICY)
        ]

    def of_kind(self, kind: str) -> list[Body]:
        return [body for key, body in sorted(self.bodies.items()) if (key.kind, key.group) == (kind, POLICY)]

    def one(self, kind: str, namespace: str, name: str) -> Body | None:
        return self.bodies.get(ObjectKey(POLICY, kind, namespace, name))

    def account(self, namespace: str, name: str) -> str:
        """The identity of a service account, or of all of a namespace (``*``)."""
        plane, domain = self.mesh.namespace or "linkerd", self.mesh.trust_domain
        return f"{name}.{namespace}.serviceaccount.identity.{plane}.{domain}"


def required(policy: Body, known: Known) -> list[Body] | None:
    """The objects that a policy refers to; None where one is missing, and the mesh ignores the policy."""
    found = [_referred(one, policy, known) for one in section(policy, "spec")["requiredAuthenticationRefs"]]
    kinds = [key_of(one).kind for one in found if one is not None]
    several = any(kinds.count(kind) > 1 for kind in kinds) or {"ServiceAccount", "MeshTLSAuthentication"} <= set(kinds)
    return None if None in found or several else [one for one in found if one is not None]


def _referred(given: Part, policy: Body, known: Known) -> Body | None:
    namespace = str(given.get("namespace") or key_of(policy).namespace)
    if given["kind"] == "ServiceAccount":
        return {"kind": "ServiceAccount", "metadata": {"name": given["name"], "namespace": namespace}}
    if given["kind"] not in ("MeshTLSAuthentication", "NetworkAuthentication"):
        return None
    return known.one(str(given["kind"]), namespace, str(given["name"]))


def let_in(policy: Body, known: Known) -> Callers:
    """By an AuthorizationPolicy."""
    found = required(policy, known)
    if found is None:
        return frozenset()
    names = [_identities(one, known) for one in found if key_of(one).kind != "NetworkAuthentication"]
    places = [networks(one["spec"]["networks"]) for one in found if key_of(one).kind == "NetworkAuthentication"]
    return fewest((name, place) for name in (names or [[""]])[0] for place in (places or [[""]])[0])


def _identities(one: Body, known: Known) -> list[str]:
    key, spec = key_of(one), section(one, "spec")
    if key.kind == "ServiceAccount":
        return [known.account(key.namespace, key.name)]
    found = [str(name) for name in spec.get("identities") or ()]
    return [*found, *(_reference(each, key.namespace, known) for each in spec.get("identityRefs") or ())]


def _reference(given: Part, namespace: str, known: Known) -> str:
    if given["kind"] == "Namespace":
        return known.account(str(given["name"]), "*")
    return known.account(str(given.get("namespace") or namespace), str(given["name"]))


def networks(given: Iterable[Part]) -> list[str]:
    """Addresses, and those left out of them; "" for all there are."""
    found = sorted({encode([one["cidr"], sorted(one.get("except") or ())]) for one in given})
    return [""] if {encode([cidr, []]) for cidr in EVERYONE} <= set(found) else found


def authorized(given: Body, known: Known) -> Callers:
    """By a ServerAuthorization: those of the networks of the cluster, where it names none."""
    client = section(section(given, "spec"), "client")
    tls = section(client, "meshTLS")
    places = networks(client["networks"]) if client.get("networks") else ["cluster"]
    namespace = key_of(given).namespace
    names = [str(one) for one in tls.get("identities") or ()]
    accounts = tls.get("serviceAccounts") or ()
    names += [known.account(str(one.get("namespace") or namespace), str(one["name"])) for one in accounts]
    names = [""] if client.get("unauthenticated") else ["tls"] if tls.get("unauthenticatedTLS") else names
    return fewest((name, place) for name in names for place in places)


def fewest(given: Iterable[tuple[str, str]]) -> Callers:
    """Without those whom another pair lets in anyway."""
    found = frozenset(given)
    return frozenset(one for one in found if not any(_covers(other, one) for other in found - {one}))


def _covers(wide: tuple[str, str], narrow: tuple[str, str]) -> bool:
    names = {"", narrow[0]} | ({"*"} if narrow[0] else set())
    return wide[0] in names and wide[1] in ("", narrow[1])
