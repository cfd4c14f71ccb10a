"""Decoding of TelemetryPolicy documents and of the same words in the defaults of a virtual mesh."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.load.blocks import Decoder, source
from reconciler.load.nodes import Map, position
from reconciler.load.terms import native, on_unsupported
from reconciler.load.values import plain
from reconciler.model.findings import Position
from reconciler.model.rules import Leaf, OnUnsupported, Otherwise
from reconciler.model.telemetry import TelemetryPolicy

SECTIONS = ("metrics", "tracing", "logs")
DASHBOARDS = "telemetry.dashboards"
#: mappings whose every key is a leaf of its own
_KEYED = frozenset({"telemetry.metrics.tags.add", "telemetry.tracing.tags"})


def telemetry(root: Map, spec: Map, into: Decoder) -> TelemetryPolicy:
    """The value of a checked document."""
    word = on_unsupported(spec)
    found = tuple(telemetry_leaves(spec, into))
    dashboards = tuple(_dashboards(spec, into))
    if not (found or dashboards):
        into.complain("empty-field", "this policy asks for nothing", spec.at, "give it metrics, tracing or logs")
    return TelemetryPolicy(
        ref=into.ref,
        position=position(root.at),
        leaves=found,
        workloads=tuple(source(item, at, into) for item, at in spec["workloads"].entries())
        if "workloads" in spec
        else None,
        on_unsupported=word.over(OnUnsupported(default=Otherwise.DEGRADE)),
        native=native(spec),
        dashboards=dashboards,
    )


def _dashboards(spec: Map, into: Decoder) -> Iterator[Leaf]:
    """One leaf for each link."""
    for item, at in spec["dashboards"].entries() if "dashboards" in spec else ():
        for kind, place, _, _ in item.entries():
            yield Leaf(f"{DASHBOARDS}.{kind}", place["address"], position(at), into.ref, place["address"])


def telemetry_leaves(node: Map, into: Decoder) -> Iterator[Leaf]:
    """The leaves of the three sections, in the order of the file."""
    for name, section, _, _ in node.entries():
        if name in SECTIONS:
            for key, value, key_at, _ in section.entries():
                yield from _leaves(f"telemetry.{name}.{key}", value, key_at, into)


def _leaves(path: str, value: Any, at: Any, into: Decoder) -> Iterator[Leaf]:
    if path in _KEYED:
        for key, item, key_at, _ in value.entries():
            yield Leaf(path, plain(item), position(key_at), into.ref, key)
    elif path.endswith(".sinks"):
        for item, at in value.entries():
            yield _sink(path, item, position(at), into)
    elif path == "telemetry.metrics.tags":
        for key, item, key_at, _ in value.entries():
            yield from _leaves(f"{path}.{key}", item, key_at, into)
    else:
        yield Leaf(path, plain(value), position(at), into.ref)


def _sink(path: str, item: Map, at: Position, into: Decoder) -> Leaf:
    """One leaf for each place, so that the places of several policies add up."""
    kind = next(iter(item))
    body = item[kind]
    said = {} if isinstance(body, str) else plain(body)
    place = body if isinstance(body, str) else str(said.pop("address", "") or said.pop("path", ""))
    return Leaf(f"{path}.{kind}", said, at, into.ref, place)
