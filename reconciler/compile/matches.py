"""One form for equal ``match[]`` lists, so that equal conditions of two policies meet in one route."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from functools import lru_cache

from reconciler.compile.ports import Port
from reconciler.model.selectors import ClaimMatch, Match, PathKind, PathMatch, ValueMatch

ANY = Match()

#: Turns the ports of one match into numbers; raises UnknownPort.
Translate = Callable[[Iterable[Port]], tuple[int, ...]]


def normal_matches(matches: Collection[Match], ports: tuple[Port, ...], translate: Translate) -> tuple[Match, ...]:
    """Sorted, without duplicates, each limited to ``ports`` if there are any; empty where every request is meant.

    A match whose own ports are all outside of ``ports`` meets nothing; if none is left, ValueError.
    """
    if not matches and not ports:
        return ()
    limit = set(translate(ports))
    given = list(matches) or [ANY]
    found: set[Match] = set()
    for match in given:
        own = set(translate(match.ports))
        both = own & limit if own and limit else own | limit
        if both or not (own or limit):
            found.add(normal(match, tuple(sorted(both))))
    if not found:
        raise ValueError("the ports of its target and of its matches have none in common")
    return () if ANY in found else tuple(sorted(found, key=order))


@lru_cache(maxsize=10_000)
def normal(match: Match, ports: tuple[int, ...]) -> Match:
    """One match in its one form: order, case and doubles that mean nothing are gone."""
    if match is ANY:
        return replace(match, ports=ports) if ports else match
    return replace(
        match,
        path=_path(match.path),
        methods=tuple(sorted({method.upper() for method in match.methods})),
        headers=tuple(sorted({replace(item, name=item.name.lower()) for item in match.headers}, key=_value)),
        query=tuple(sorted(set(match.query), key=_value)),
        ports=ports,
        sni=tuple(sorted({name.lower() for name in match.sni})),
        jwt_claims=tuple(sorted(set(match.jwt_claims), key=_claim)),
    )


def _path(path: PathMatch | None) -> PathMatch | None:
    """A prefix by elements has no final slash; the prefix of every path is no condition."""
    if path is None or path.kind not in (PathKind.PREFIX, PathKind.STRING_PREFIX):
        return path
    value = path.value.rstrip("/") if path.kind is PathKind.PREFIX else path.value
    if value == path.value and value not in ("", "/"):
        return path
    return replace(path, value=value) if value not in ("", "/") else None


def _value(item: ValueMatch) -> tuple[str, str, str, bool, bool]:
    return (item.name, item.kind, item.value, item.invert, item.ignore_case)


def _claim(item: ClaimMatch) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return (item.path, item.values)


def order(match: Match) -> tuple[object, ...]:
    """A total order of matches in their normal form, by their text alone."""
    path = match.path
    return (
        (path.kind.value, path.value, path.ignore_case) if path else ("", "", False),
        match.methods,
        tuple(_value(item) for item in match.headers),
        tuple(_value(item) for item in match.query),
        match.authority,
        match.scheme,
        tuple(str(port) for port in match.ports),
        match.sni,
        (match.grpc.service, match.grpc.method) if match.grpc else ("", ""),
        tuple(_claim(item) for item in match.jwt_claims),
    )
