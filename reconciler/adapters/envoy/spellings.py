"""The ways in which a path can be written that a service may take for the one that a rule refuses: slashes written
twice, backwards or encoded, parameters behind an element, and the way up behind an encoded slash. The proxy leaves all
of them as they are."""

from __future__ import annotations

from reconciler.adapters.expressions import quote
from reconciler.model.selectors import PathKind, PathMatch

_SLASH = r"(?:/|\\|%2[fF]|%5[cC])"
_PARAMETERS = r"(?:(?:;|%3[bB])[^/\\]*)?"
_BETWEEN = rf"{_PARAMETERS}{_SLASH}(?:\.?{_SLASH})*"
_HIDDEN = r"(?:\\|%2[fF]|%5[cC])"
_ENDS = {
    PathKind.EXACT: _PARAMETERS,
    PathKind.PREFIX: rf"{_PARAMETERS}(?:{_SLASH}.*)?",
    PathKind.STRING_PREFIX: ".*",
    PathKind.SUFFIX: _PARAMETERS,
}


def spellings(path: PathMatch) -> str:
    """An expression for all of a path that is not one itself."""
    value = path.value.rstrip("/") if path.kind is PathKind.PREFIX else path.value
    text = _BETWEEN.join(quote(element) for element in value.split("/"))
    begin = ".*" if path.kind is PathKind.SUFFIX else ""
    return f"{begin}{text}{_ENDS[path.kind]}|{_way_up()}"


def _way_up() -> str:
    """It may lead anywhere."""
    return rf".*{_HIDDEN}\.\.(?:{_SLASH}.*)?|.*/\.\.{_HIDDEN}.*"
