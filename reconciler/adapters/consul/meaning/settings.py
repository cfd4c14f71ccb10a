"""What ServiceDefaults and ServiceResolvers say, with what holds where they say nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.adapters.importing import Scene
from reconciler.adapters.leaves import section
from reconciler.adapters.raw import mappings

Part = Mapping[str, Any]
Said = dict[str, Any]
_KEY = r'Service\.Meta(?:\.([A-Za-z][A-Za-z0-9_]*)|\["([A-Za-z0-9_-]+)"\])'
_VALUE = r'(?:([A-Za-z][A-Za-z0-9_.-]*|[0-9][A-Za-z0-9_.-]*)|"([^"\\]*)"|`([^`]*)`)'
_EQUAL = re.compile(rf"\s*\(?\s*{_KEY}\s*==\s*{_VALUE}\s*\)?\s*")


def usual_protocol(scene: Scene) -> str:
    """What a service speaks that says nothing of it."""
    return scene.mesh.settings.get("protocol", "tcp")


def settings(spec: Part, scene: Scene) -> Said | None:
    """Of ServiceDefaults; None where they say what holds without them. Services to call are named, in any order."""
    made: Said = {"protocol": str(spec.get("protocol") or usual_protocol(scene)).lower()}
    made |= {field: spec[field] for field in spec if field not in ("protocol", "upstreamConfig")}
    said = {field: value for field, value in section(spec, "upstreamConfig").items() if field != "overrides"}
    overrides = {str(one["name"]): one for one in mappings(section(spec, "upstreamConfig").get("overrides"))}
    if overrides:
        said["overrides"] = {name: one for name, one in sorted(overrides.items()) if one.keys() != {"name"}}
    made |= {"upstreamConfig": said} if said else {}
    return made if made != {"protocol": usual_protocol(scene)} else None


def instances(spec: Part) -> Said | None:
    """Of a resolver; None where it says nothing."""
    made = dict(spec)
    if "subsets" in made:
        made["subsets"] = {name: _subset(one) for name, one in sorted(made["subsets"].items())}
    return made or None


def _subset(given: Part) -> Said:
    labels = meta(str(given.get("filter") or ""))
    return {**given, "filter": labels if labels is not None else given.get("filter")}


def meta(text: str) -> dict[str, str] | None:
    """The ``Meta`` of instances that a filter asks for, each one value; None for any other filter."""
    found: dict[str, str] = {}
    for part in re.split(r"\s+and\s+", text.strip()):
        said = _EQUAL.fullmatch(part)
        if said is None:
            return None
        key, value = said[1] or said[2], next(value for value in said.groups()[2:] if value is not None)
        if found.setdefault(key, value) != value:
            return None
    return found
