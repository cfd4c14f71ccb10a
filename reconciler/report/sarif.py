"""Marks as SARIF 2.1.0, which code review and scanning of several forges read.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0. A result has a place in a file;
what has none is a notification of the tool (3.20.21). A text may hold links (3.11.6): brackets in ours are none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from reconciler import __version__
from reconciler.model import canonical
from reconciler.model.findings import Severity
from reconciler.report.marks import Mark

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_LINK = re.compile(r"\](?=\()")


def sarif(marks: Sequence[Mark], code: int) -> dict[str, Any]:
    """A log of one run; ``code`` is its exit code."""
    rules = {mark.code: mark for mark in sorted(marks, key=lambda mark: mark.code)}
    numbers = {name: number for number, name in enumerate(rules)}
    placed = [mark for mark in marks if mark.path]
    compared = any(mark.new is not None for mark in placed)
    run = {
        "tool": {"driver": _driver(rules)},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The top of the repository."}}},
        "invocations": [
            {
                "executionSuccessful": code != 1,
                "exitCode": code,
                "toolExecutionNotifications": [_notification(mark) for mark in marks if not mark.path],
            }
        ],
        "results": [_result(mark, numbers[mark.code], compared=compared) for mark in placed],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _driver(rules: Mapping[str, Mark]) -> dict[str, Any]:
    return {
        "name": "mesh-reconciler",
        "semanticVersion": __version__,
        "rules": [
            {
                "id": name,
                "shortDescription": {"text": mark.meaning},
                "defaultConfiguration": {"level": _LEVELS[mark.severity]},
            }
            for name, mark in rules.items()
        ],
    }


def _result(mark: Mark, rule: int, *, compared: bool) -> dict[str, Any]:
    gist = canonical.digest([mark.code, mark.path, re.sub(r"\d+", "0", mark.message)])
    made: dict[str, Any] = {
        "ruleId": mark.code,
        "ruleIndex": rule,
        "level": _LEVELS[mark.severity],
        "message": {"text": _text(mark)},
        "locations": [_location(mark.path, mark.line, mark.column)],
        "partialFingerprints": {"gist/v1": gist[:32]},
    }
    if mark.also:
        made["relatedLocations"] = [_location(place.path, place.line, place.column) for place in mark.also]
    if compared:
        made["baselineState"] = "new" if mark.new else "unchanged"
    return made


def _location(path: str, line: int, column: int) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(path), "uriBaseId": ROOT}}
    if line > 0:
        place["region"] = {"startLine": line} | ({"startColumn": column} if column > 0 else {})
    return {"physicalLocation": place}


def _uri(path: str) -> str:
    """A relative reference (RFC 3986, 4.2): a colon in its first segment would make a scheme of it."""
    return quote(path.encode("utf-8", "surrogatepass"), safe="/-._~")


def _notification(mark: Mark) -> dict[str, Any]:
    return {
        "descriptor": {"id": mark.code},
        "level": _LEVELS[mark.severity],
        "message": {"text": _text(mark)},
    }


def _text(mark: Mark) -> str:
    return _LINK.sub("]\u200b", mark.message) or mark.meaning
