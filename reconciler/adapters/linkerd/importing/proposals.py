"""All objects of a set: which become neutral documents, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.adapters.importing import OTHER_KIND, Body, Draft, Imported, Scene, Unsayable, key_of, proposed
from reconciler.adapters.linkerd.importing.access import concerned, drafts, grouped
from reconciler.adapters.linkerd.importing.failures import endpoints
from reconciler.adapters.linkerd.importing.namespaces import reader as defaults
from reconciler.adapters.linkerd.importing.routes import reader
from reconciler.adapters.linkerd.kinds import POLICY
from reconciler.adapters.linkerd.meaning.callers import Known
from reconciler.adapters.linkerd.meaning.servers import is_about
from reconciler.model.refs import ObjectKey

_PROFILE = "no neutral field covers it: it retries within a budget, and switches off all other routes of its service"
_GRPC = "beside a GRPCRoute proxies refuse all that is no call of gRPC, which no neutral field says"
_WIDE = "it lets callers in on all Servers of its namespace, and goes on doing so"
_LOOSE = "no Server that becomes neutral documents refers to it"
_SHARED = ("MeshTLSAuthentication", "NetworkAuthentication")
_PARTS = (*_SHARED, "AuthorizationPolicy", "ServerAuthorization", "HTTPLocalRateLimitPolicy")


def importer(bodies: Sequence[Body], scene: Scene) -> Imported:
    known, done = Known({key_of(body): body for body in bodies}, scene.mesh), Imported()
    for servers in grouped(known):
        done |= _guards(servers, known, done, scene)
    said = {draft.key for draft in done.drafts} | done.kept.keys()
    rest = [body for body in bodies if key_of(body) not in said]
    routes, namespaces = reader(bodies, scene), defaults(bodies, scene)

    def read(body: Body, scene: Scene) -> Draft | Iterable[Draft]:
        if key_of(body).kind == "Namespace":
            return namespaces(body, scene)
        if key_of(body).kind == "Service":
            return endpoints(body, scene)
        if key_of(body).kind == "HTTPRoute":
            return routes(body, scene)
        raise Unsayable(_why_not(body))

    return done | proposed(rest, read, scene)


def _guards(servers: Sequence[Body], known: Known, done: Imported, scene: Scene) -> Imported:
    """What is said of the workloads behind one service. What others say, too, is theirs."""
    made = proposed(servers[:1], lambda _, scene: drafts(servers, known, scene), scene)
    before = {draft.key for draft in done.drafts}
    if made.drafts:
        return Imported(tuple(draft for draft in made.drafts if draft.key not in before))
    (reason,) = made.kept.values()
    keys: set[ObjectKey] = {key_of(body) for body in servers}
    more = proposed(servers, lambda body, _: [Draft(key, ()) for key in concerned([body], known)], scene)
    keys |= {
        draft.key for draft in more.drafts if draft.key.kind not in ("MeshTLSAuthentication", "NetworkAuthentication")
    }
    return Imported(kept=dict.fromkeys(keys - before, reason))


def _why_not(body: Body) -> str:
    key = key_of(body)
    if key.kind == "ServiceProfile":
        return _PROFILE
    if key.kind == "GRPCRoute":
        return _GRPC
    if key.kind == "AuthorizationPolicy" and is_about(body, "Namespace"):
        return _WIDE
    return _LOOSE if key.group == POLICY and key.kind in _PARTS else OTHER_KIND
