"""Requests counted by the API server itself, by verb and resource."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.kube.control_plane import ApiServer

_LINE = re.compile(r"^apiserver_request_total\{([^}]*)\} ([0-9.e+]+)$", re.M)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
#: what the server asks of itself
_OWN = frozenset({"leases", "endpoints", "endpointslices", "flowschemas", "prioritylevelconfigurations", "apiservices"})


def _totals(server: ApiServer) -> Counter[str]:
    text = str(server.request("GET", "/metrics")[1])
    found: Counter[str] = Counter()
    for labels, value in _LINE.findall(text):
        named = dict(_LABEL.findall(labels))
        if named.get("verb") == "WATCH" or named.get("resource") in _OWN or not named.get("resource"):
            continue
        verb = f"{named['verb']}{' dry-run' if named.get('dry_run') else ''}"
        found[f"{verb} {named['resource']}"] += int(float(value))
    return found


@contextmanager
def counted(server: ApiServer) -> Iterator[dict[str, int]]:
    """Filled, at the end, with the requests that came meanwhile: "LIST services" and the like."""
    calls: dict[str, int] = {}
    before = _totals(server)
    yield calls
    calls.update(dict(sorted((_totals(server) - before).items())))
