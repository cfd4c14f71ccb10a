"""A forge's published description: what does not fit it, in a request or in an answer, in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

FOLDER = Path(__file__).parent / "descriptions"
HOST = "http://localhost"


@dataclass
class Asked:
    """A request as openapi-core looks at it."""

    method: str
    path: str
    body: bytes | None
    parameters: RequestParameters
    content_type: str = "application/json"
    host_url: str = HOST


@dataclass
class Answered:
    status_code: int
    data: bytes | None
    content_type: str = "application/json"
    headers: Headers = field(default_factory=Headers)


class Description:
    def __init__(self, name: str) -> None:
        self.whole: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
        self.whole["servers"] = [{"url": HOST}]
        self._api = OpenAPI.from_dict(self.whole)

    def example(self, name: str) -> Any:
        """A copy of an example answer that the description shows."""
        return json.loads(json.dumps(self.whole["components"]["examples"][name]["value"]))

    def operation(self, method: str, path: str) -> tuple[str, dict[str, str]] | None:
        """The path as the description writes it, and what stands in its places; None for what it does not know."""
        for template, methods in sorted(self.whole["paths"].items(), key=lambda item: item[0].count("{")):
            places = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
            if method.lower() in methods and (found := re.fullmatch(places, path)):
                return template, {name: unquote(value) for name, value in found.groupdict().items()}
        return None

    def wrong_in_request(self, method: str, path: str, query: Mapping[str, str], body: bytes | None) -> Iterator[str]:
        if (known := self.operation(method, path)) is None:
            yield f"{method} {path}: not in the description"
            return
        asked = self._asked(method, path, query, body)
        yield from (f"{method} {path}: {words}" for words in _told(self._api.iter_request_errors(asked)))
        operation = self.whole["paths"][known[0]][method.lower()]
        shared = self.whole["paths"][known[0]].get("parameters", [])
        names = {self._resolved(each)["name"] for each in [*operation.get("parameters", ()), *shared]}
        yield from (f"{method} {path}: it has no parameter {name}" for name in sorted(set(query) - names))
        taken = self._properties(operation)
        given = set(json.loads(body)) if body else set()
        yield from (f"{method} {path}: its body has no {name}" for name in sorted(given - taken))

    def wrong_in_answer(self, method: str, path: str, status: int, body: bytes | None) -> Iterator[str]:
        asked = self._asked(method, path, {}, None)
        answered = Answered(status, body)
        yield from (
            f"{status} to {method} {path}: {words}" for words in _told(self._api.iter_response_errors(asked, answered))
        )

    def _asked(self, method: str, path: str, query: Mapping[str, str], body: bytes | None) -> Asked:
        return Asked(method.lower(), path, body, RequestParameters(query=ImmutableMultiDict(dict(query))))

    def _properties(self, operation: Mapping[str, Any]) -> set[str]:
        """Of a body at its top: many descriptions allow others, which nobody looks at."""
        content = self._resolved(operation.get("requestBody", {})).get("content", {})
        return set(self._resolved(content.get("application/json", {}).get("schema", {})).get("properties", {}))

    def _resolved(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in value:
            return value
        _, _, section, name = value["$ref"].split("/")
        found: Mapping[str, Any] = self.whole["components"][section][name]
        return found


def _told(errors: Iterator[Exception]) -> Iterator[str]:
    for error in errors:
        causes = [*getattr(error.__cause__, "schema_errors", ()), *getattr(error, "schema_errors", ())]
        deeper = [inner for each in causes for inner in (getattr(each, "context", ()) or [each])]
        yield "; ".join(str(getattr(each, "message", each))[:200] for each in deeper) or f"{error} {error.__cause__}"


@cache
def description(name: str) -> Description:
    return Description(name)
