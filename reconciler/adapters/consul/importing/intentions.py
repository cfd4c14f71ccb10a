"""ServiceIntentions as AccessPolicies: for each set of callers that are let in alike one for each of its decisions.

What holds for everybody holds of our policies for those who are named, too, and a refusal goes before what is allowed
unless that has a higher priority. So an order of decisions becomes one of priorities, and who is named gets a last
decision of his own where there are any for everybody. That all others are refused where somebody is allowed needs no
policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.consul.importing.requests import matches
from reconciler.adapters.consul.importing.services import caller, service
from reconciler.adapters.consul.meaning.callers import UNSAID
from reconciler.adapters.consul.meaning.conditions import condition
from reconciler.adapters.consul.names import ANY, ANY_NAME, for_all_in
from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of, named, only
from reconciler.adapters.leaves import section
from reconciler.adapters.raw import mappings
from reconciler.model.canonical import encode

TYPE = "consul"
_ALLOW, _DENY = "allow", "deny"
_CONDITIONS = ("pathExact", "pathPrefix", "pathRegex", "methods", "header")
Part = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Decision:
    """``about``: conditions of the requests; None: all that are left. The higher the priority, the earlier."""

    action: str
    about: Sequence[Part] | None
    priority: int = 0


def intentions(body: Body, scene: Scene) -> Draft:
    spec = section(body, "spec")
    only(spec, ("destination", "sources"), "spec")
    only(section(spec, "destination"), ("name",), "destination")
    sources = mappings(spec.get("sources"))
    for one in sources:
        only(one, ("name", "action", "permissions", "description"), "sources")
    name = str(section(spec, "destination").get("name", ""))
    remarks = ("descriptions of its sources are left out",) if any(one.get("description") for one in sources) else ()
    if name == ANY:
        return Draft(key_of(body), (_for_all(body, sources, scene),), remarks)
    own = service(name, body, scene).ref
    documents: list[dict[str, Any]] = []
    groups = list(_groups(sources))
    for number, (names, decided) in enumerate(groups, 1):
        made: dict[str, Any] = {"action": decided.action.capitalize()}
        made["from"] = [each if each == ANY else caller(each, own.namespace, scene) for each in names]
        made["to"] = [scene.short(own)]
        if decided.priority:
            made["priority"] = decided.priority
        if decided.about is not None:
            made["match"] = matches(decided.about, _CONDITIONS)
        called = key_of(body).name if len(groups) == 1 else f"{key_of(body).name}-{number}"
        documents.append({"kind": "AccessPolicy", "name": called, "spec": made})
    if not documents:
        raise Unsayable("it decides nothing")
    documents[0]["spec"] |= named(TYPE, body, own.name, scene)
    return Draft(key_of(body), tuple(documents), remarks)


def _for_all(body: Body, sources: Sequence[Part], scene: Scene) -> dict[str, Any]:
    """What holds for every service, as the default of a group of this one mesh."""
    said = [(one.get("name"), one.get("action")) for one in sources]
    if said != [(ANY, _DENY)]:
        raise Unsayable("it says something else of every service than that nobody may call it")
    key, place = key_of(body), for_all_in(scene.mesh)
    if (key.name, key.namespace) != (ANY_NAME, place) and not scene.rename:
        raise Unsayable(f"what holds for every service would come back as {ANY_NAME} in {place}, which --rename allows")
    members = {"names": [scene.mesh_name]} | ({"clusters": [scene.only]} if scene.only else {})
    spec = {"meshes": members, "defaults": {"access": "Deny"}}
    return {"kind": "VirtualMesh", "name": f"{scene.mesh_name}-access", "spec": spec}


def _groups(sources: Sequence[Part]) -> Iterator[tuple[list[str], _Decision]]:
    """Decisions with the names of all for whom they are made, those for everybody last."""
    by_name = {str(one["name"]): one for one in sources}
    allows = any(action == _ALLOW for one in sources for action, _ in _written(one))
    wide = _decisions(by_name[ANY], 0, close=not allows) if ANY in by_name else []
    top = max((one.priority for one in wide), default=0)
    found: dict[str, tuple[list[str], _Decision]] = {}
    for name in sorted(by_name.keys() - {ANY}):
        refuses = any(one.action == _DENY for one in wide)
        for one in _own(by_name[name], top, closed=bool(wide), refuses=refuses, allows=allows):
            found.setdefault(encode([one.action, one.about, one.priority]), ([], one))[0].append(name)
    yield from found.values()
    yield from (([ANY], one) for one in wide)


def _own(source: Part, top: int, *, closed: bool, refuses: bool, allows: bool) -> list[_Decision]:
    """Of who is named. ``top``: the highest priority of what is decided for everybody, ``refuses``: if it refuses
    anything; ``closed``: there is such a thing; ``allows``: of those that no decision is about all are refused."""
    last = _written(source)[-1]
    base = top + 1 if closed and refuses and last == (_ALLOW, None) else top
    if closed and last[1] is not None:
        raise Unsayable("what becomes of the other requests of a caller is left to the servers")
    return _decisions(source, base, close=closed or not allows)


def _decisions(source: Part, base: int, *, close: bool) -> list[_Decision]:
    """``base``: the priority of the last one. ``close``: a refusal of all that is left is said, too."""
    written = _written(source)
    if written[-1] == (_DENY, None) and not close:
        written = written[:-1]
    found: list[_Decision] = []
    for action, about in reversed(written):
        later = found[-1] if found else None
        raised = later is not None and action == _ALLOW and later.action == _DENY
        priority = base if later is None else later.priority + int(raised)
        found.append(_Decision(action, about, priority))
    return found[::-1]


def _written(source: Part) -> list[tuple[str, Sequence[Part] | None]]:
    """What is decided, in order; neighbours of one action as one. Where the last is about some requests only, the rest
    is left to the servers."""
    if source.get("action"):
        return [(_checked(source["action"]), None)]
    found: list[tuple[str, Sequence[Part] | None]] = []
    for one in mappings(source.get("permissions")):
        only(one, ("action", "http"), "permissions")
        http, action = dict(section(one, "http")), _checked(one.get("action"))
        if not condition(http):
            return [*found, (action, None)]
        if found and found[-1][0] == action:
            found[-1] = (action, [*(found[-1][1] or ()), http])
        else:
            found.append((action, [http]))
    if not found:
        raise Unsayable(f"it decides nothing for {source.get('name')}: {UNSAID}")
    return found


def _checked(action: Any) -> str:
    if action not in (_ALLOW, _DENY):
        raise Unsayable(f"no neutral field covers action {action}")
    return str(action)
