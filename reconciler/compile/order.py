"""The order of routes: most specific first, so that none hides a narrower one."""

from __future__ import annotations

from reconciler.compile.matches import order as match_text
from reconciler.model.intents import TrafficSource
from reconciler.model.selectors import Match, PathKind, PathMatch

Key = tuple[object, ...]

_OPERATORS = {"exact": 0, "regex": 1, "prefix": 1, "suffix": 1, "present": 2}


def specificity(match: Match | None, source: TrafficSource | None) -> Key:
    """Smaller comes first: exact path, regex, longer prefix; more headers, more query parameters; a source with more
    labels, then one with a namespace; methods; ports. What is left is decided by the text of the conditions."""
    one = match or Match()
    caller = source or TrafficSource()
    return (
        _path(one.called),
        -len(one.headers),
        sum(_OPERATORS.get(item.kind, 1) for item in one.headers),
        -len(one.query),
        sum(_OPERATORS.get(item.kind, 1) for item in one.query),
        not one.authority,
        -len(one.jwt_claims),
        not one.sni,
        -len(caller.labels),
        not caller.namespace,
        len(one.methods) or 1_000,
        len(one.ports) or 1_000,
        not one.scheme,
        match_text(one),
        (caller.namespace, caller.labels),
    )


def breadth(own: Match | None, match: Match | None, source: TrafficSource | None) -> tuple[int, ...]:
    """How narrowly a policy that covers a route does so: with the route's own match, then by its source."""
    caller = source or TrafficSource()
    return (int(match is None and own is not None), -len(caller.labels), int(not caller.namespace))


def _path(path: PathMatch | None) -> tuple[int, int, int, bool]:
    if path is None:
        return (9, 0, 0, False)
    size = -len(path.value)
    match path.kind:
        case PathKind.EXACT:
            return (0, 0, 0, path.ignore_case)
        case PathKind.REGEX:
            return (1, size, 0, path.ignore_case)
        case PathKind.SUFFIX:
            return (2, size, 0, path.ignore_case)
        case PathKind.PREFIX:
            return (3, size, 0, path.ignore_case)
        case PathKind.STRING_PREFIX:
            return (3, size, 1, path.ignore_case)
