"""Routes that go on in other documents: what they take together, and what both say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from reconciler.model.findings import Finding, error
from reconciler.model.ingress import Delegate, Ingress, IngressRoute
from reconciler.model.refs import DocRef
from reconciler.model.rules import Leaf
from reconciler.model.selectors import Match, PathKind, PathMatch

#: how deep tables may delegate to tables
DEPTH = 8
ANSWERS = ("traffic.redirect", "traffic.respond")
#: what holds for an answer of the gateway's own
OF_ANSWERS = ("traffic.headers.response", "traffic.cors")


class Apart(Exception):
    """Two conditions that no request meets, or of which it cannot be said what they have in common."""


def expanded(doc: Ingress, tables: Iterable[Ingress]) -> tuple[list[IngressRoute], list[Finding]]:
    """The routes of a document with those of the tables that they delegate to in their place."""
    problems: list[Finding] = []
    known = [one for one in tables if one.delegable]
    found = [made for route in doc.routes for made in _expand(doc.ref, route, known, (doc.ref,), problems)]
    return found, problems


def _expand(
    policy: DocRef, route: IngressRoute, tables: Sequence[Ingress], path: tuple[DocRef, ...], problems: list[Finding]
) -> list[IngressRoute]:
    if route.delegate is None:
        return [route]
    chosen = _chosen(route.delegate, policy, tables)
    if not chosen:
        message = f"{policy} delegates to a route table that does not exist"
        hint = "it is an Ingress document with delegable: true"
        problems.append(error("route-table-unknown", message, route.delegate.position, hint, policy))
    found: list[IngressRoute] = []
    for table in chosen:
        if table.ref in path or len(path) > DEPTH:
            message = f"{table.ref} delegates to itself, by way of {' and '.join(map(str, path))}"
            problems.append(error("route-table-unknown", message, route.delegate.position, "", policy, table.ref))
            continue
        for below in table.routes:
            try:
                joined = _joined(route, below)
            except Apart as reason:
                message = f"{table.ref}: a route has nothing of what {policy} delegates to it: {reason}"
                problems.append(error("route-outside-delegation", message, below.position, "", table.ref, policy))
                continue
            found += _expand(table.ref, joined, tables, (*path, table.ref), problems)
    return found


def _chosen(delegate: Delegate, policy: DocRef, tables: Sequence[Ingress]) -> list[Ingress]:
    """By name in the own namespace of Git, else anywhere; by labels in all."""
    by_name = [one for one in tables if one.ref.name in delegate.names]
    own = {one.ref.name for one in by_name if one.ref.namespace == policy.namespace}
    named = [one for one in by_name if one.ref.namespace == policy.namespace or one.ref.name not in own]
    if {one.ref.name for one in named} != set(delegate.names):
        return []
    labelled = [one for one in tables if delegate.labels is not None and delegate.labels.matches(one.labels)]
    return sorted({one.ref: one for one in (*named, *labelled)}.values(), key=lambda one: one.ref)


def _joined(above: IngressRoute, below: IngressRoute) -> IngressRoute:
    """A route of a table as it holds below another one: both conditions, and of the rules the nearer one first."""
    matches = tuple(both(one, other) for one in above.matches or (Match(),) for other in below.matches or (Match(),))
    return replace(
        below,
        listeners=above.listeners,
        hosts=above.hosts,
        matches=() if Match() in matches else tuple(dict.fromkeys(matches)),
        leaves=merged(below.leaves, above.leaves),
    )


def merged(own: Sequence[Leaf], wider: Iterable[Leaf]) -> tuple[Leaf, ...]:
    """The leaves of a rule, and what a wider one says where it is silent; of that, where the gateway answers itself,
    only what is done to the answer."""
    said = {leaf.slot for leaf in own}
    answered = any(leaf.path.startswith(ANSWERS) for leaf in own)
    return (
        *own,
        *(leaf for leaf in wider if leaf.slot not in said and (not answered or leaf.path.startswith(OF_ANSWERS))),
    )


def both(one: Match, other: Match) -> Match:
    """The requests that meet both. Raises Apart."""
    methods = tuple(sorted(set(one.methods) & set(other.methods))) or (one.methods or other.methods)
    if one.methods and other.methods and not set(one.methods) & set(other.methods):
        raise Apart(f"methods {', '.join(other.methods)}")
    for field in ("authority", "scheme", "grpc"):
        mine, its = getattr(one, field), getattr(other, field)
        if mine and its and mine != its:
            raise Apart(f"{field} {its}")
    if one.ports and other.ports and set(one.ports) != set(other.ports):
        raise Apart(f"ports {', '.join(map(str, other.ports))}")
    return replace(
        other,
        path=_path(one.path, other.path),
        methods=methods,
        headers=tuple(dict.fromkeys((*one.headers, *other.headers))),
        query=tuple(dict.fromkeys((*one.query, *other.query))),
        authority=one.authority or other.authority,
        scheme=one.scheme or other.scheme,
        ports=one.ports or other.ports,
        sni=one.sni or other.sni,
        grpc=one.grpc or other.grpc,
        jwt_claims=tuple(dict.fromkeys((*one.jwt_claims, *other.jwt_claims))),
    )


def _path(above: PathMatch | None, below: PathMatch | None) -> PathMatch | None:
    if above is None or below is None or above == below:
        return below or above
    if above.kind is PathKind.PREFIX and not above.ignore_case and below.kind in (PathKind.EXACT, PathKind.PREFIX):
        root = above.value.rstrip("/")
        if f"{below.value.rstrip('/')}/".startswith(f"{root}/"):
            return below
    if above.kind is PathKind.STRING_PREFIX and below.value.startswith(above.value) and not above.ignore_case:
        return below
    raise Apart(f"its path {below.value} does not lie below {above.value}")
