"""The CEL rules of CRDs (``x-kubernetes-validations``), which an API server evaluates from 1.25 on; the one of the
tests is older and drops them. https://kubernetes.io/docs/reference/using-api/cel/

Objects are defaulted first, as there. Rules about a change of a field (``oldSelf``) hold for everything that is new.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import celpy
from celpy import celtypes

from reconciler.plan.structural import complete

Schema = Mapping[str, Any]


def violations(body: Mapping[str, Any], schema: Schema) -> list[str]:
    """The rules that an object breaks, each with its place and the words of the CRD."""
    return list(_broken(complete(body, schema), schema, "$"))


def _broken(value: Any, schema: Schema, path: str) -> Iterator[str]:
    if value is None:
        return
    for rule in schema.get("x-kubernetes-validations", ()):
        if "oldSelf" not in rule["rule"] and not holds(rule["rule"], value):
            yield f"{path}: {rule.get('message') or rule['rule']}"
    if isinstance(value, Mapping):
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        for name, item in value.items():
            below = known.get(name, others)
            if isinstance(below, Mapping):
                yield from _broken(item, below, f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _broken(item, schema.get("items", {}), f"{path}[{index}]")


def holds(rule: str, value: Any) -> bool:
    """Whether a rule is true of a value; one that cannot be evaluated for it is not."""
    try:
        return bool(program(rule).evaluate({"self": celpy.json_to_cel(value)}))
    except celpy.CELEvalError:
        return False


@cache
def program(rule: str) -> celpy.Runner:
    """A rule ready to run; an error when it is not in the language."""
    environment = celpy.Environment()
    return environment.program(environment.compile(rule), functions=LIBRARY)


def _is_ip(text: str) -> celtypes.BoolType:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return celtypes.BoolType(False)
    return celtypes.BoolType(True)


def _is_url(text: str) -> celtypes.BoolType:
    """As Go's ``url.ParseRequestURI``: absolute, or a path from the root."""
    try:
        return celtypes.BoolType(bool(urlsplit(text).scheme) or text.startswith("/"))
    except ValueError:
        return celtypes.BoolType(False)


def _scheme(url: str) -> celtypes.StringType:
    return celtypes.StringType(urlsplit(url).scheme)


def _substring(text: str, start: int, *end: int) -> celtypes.StringType:
    if max(start, *end, 0) > len(text):
        raise celpy.CELEvalError(f"there is no character {start} to {end} in {text!r}")
    return celtypes.StringType(text[start : end[0] if end else None])


def _split(text: str, separator: str) -> celtypes.ListType:
    return celtypes.ListType([celtypes.StringType(part) for part in text.split(separator)])


#: what Kubernetes adds to the language, as far as the CRDs use it
LIBRARY: dict[str, Callable[..., Any]] = {
    "isIP": _is_ip,
    "isURL": _is_url,
    "url": celtypes.StringType,
    "getScheme": _scheme,
    "substring": _substring,
    "split": _split,
}
