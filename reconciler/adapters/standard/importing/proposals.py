"""All objects of a set: which become neutral documents, and why the others do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.adapters.importing import (
    OTHER_KIND,
    Body,
    Draft,
    Imported,
    Scene,
    Unsayable,
    contested,
    key_of,
    named,
    only,
    proposed,
)
from reconciler.adapters.standard.importing.gateways import ingresses
from reconciler.adapters.standard.importing.policies import EVERY, Asked, policies
from reconciler.adapters.standard.importing.requests import calls, matches
from reconciler.adapters.standard.importing.rules import rule, session
from reconciler.adapters.standard.live import claims
from reconciler.adapters.standard.meaning.parents import Bound, bound

Rule = Mapping[str, Any]


def importer(bodies: Sequence[Body], scene: Scene) -> Imported:
    double, done = contested(bodies, claims), Imported()
    for one in ingresses(bodies, scene):
        done |= one
    said = {draft.key for draft in done.drafts} | done.kept.keys()
    rest = [body for body in bodies if key_of(body) not in said]
    return done | proposed(rest, lambda body, scene: _draft(body, double(body), scene), scene)


def _draft(body: Body, double: str, scene: Scene) -> Draft:
    """``double``: what another route is about, too."""
    if key_of(body).kind not in ("HTTPRoute", "GRPCRoute"):
        raise Unsayable(OTHER_KIND)
    if double:
        raise Unsayable(f"another route is about {double}, too; which of the two counts depends on their age")
    spec = body.get("spec") or {}
    only(spec, ("parentRefs", "hostnames", "rules"), "spec")
    to = bound(body, scene)
    if to is None:
        raise Unsayable("it is not bound to HTTP ports of one known Service")
    if len(to.ports) > 1 and not scene.rename:
        raise Unsayable("it is about several ports, and would come back as an object for each")
    return Draft(key_of(body), _documents(body, spec.get("rules") or [{}], to, scene))


def _documents(body: Body, rules: Sequence[Rule], to: Bound, scene: Scene) -> tuple[Mapping[str, Any], ...]:
    grpc = key_of(body).kind == "GRPCRoute"
    found = [calls(one.get("matches") or [{}]) if grpc else matches(one.get("matches") or EVERY) for one in rules]
    asked = [Asked(one, match, rule(one, to, body, scene)) for one, match in zip(rules, found, strict=True)]
    documents = policies(asked, key_of(body).name, to, scene)
    closed = all(found)
    if closed and to.callers:
        raise Unsayable("requests that no rule takes would be refused for all callers, not for those of its namespace")
    if closed:  # where no rule takes a request, the API answers 404
        documents[-1]["spec"]["unmatched"] = "Reject"
    if len(to.ports) == 1:
        documents[-1]["spec"] |= named(scene.mesh.type, body, to.usual, scene)
    return (*documents, *session(rules, to.target(scene), key_of(body).name))
