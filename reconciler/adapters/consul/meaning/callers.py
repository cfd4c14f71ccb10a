"""Who may call a service, with which requests: for each caller the intention that holds for it.

Of several intentions the one of the most exact destination, then of the most exact source, holds alone. In it the first
permission that fits decides; where none does it is as the servers have it for all, and not as an intention for
everybody says. Source: agent/xds/rbac.go (removeSourcePrecedence, removePermissionPrecedence).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.consul.kinds import SERVICE_INTENTIONS
from reconciler.adapters.consul.meaning.conditions import condition
from reconciler.adapters.consul.meaning.entries import Entries
from reconciler.adapters.consul.names import ANY
from reconciler.adapters.importing import Scene
from reconciler.adapters.raw import mappings
from reconciler.model.canonical import encode
from reconciler.model.facts import MeshFacts

Part = Mapping[str, Any]
Said = dict[str, Any]
#: what is told of a decision that nobody is known to have made
UNSAID = "as the servers have it"
_WHO = ("name", "namespace", "partition", "peer", "samenessGroup", "type")
_NOT_WHO = (*_WHO, "action", "permissions", "description")


def callers(name: str, entries: Entries, scene: Scene) -> Said:
    """``others``: what holds for who is not named. Who is as others are is not told apart."""
    own, wide = _sources(name, entries, scene), _sources(ANY, entries, scene) if name != ANY else {}
    servers = {"rules": [], "then": scene.mesh.settings.get("intentions", UNSAID)}
    others = own.get(ANY) or wide.get(ANY) or servers
    found = {who: own.get(who) or own.get(ANY) or wide[who] for who in sorted({*own, *wide} - {ANY})}
    return {"callers": {who: said for who, said in found.items() if said != others}, "others": others}


def _sources(name: str, entries: Entries, scene: Scene) -> dict[str, Said]:
    body = entries.of(SERVICE_INTENTIONS, name)
    given = mappings(body["spec"].get("sources")) if body else []
    return {_who(one): entry(one, scene.mesh) for one in given}


def _who(source: Part) -> str:
    """By name alone, or with what else says who it is."""
    said = {field: source[field] for field in _WHO if source.get(field)}
    if said.get("type") == "consul":
        del said["type"]
    return str(said["name"]) if said.keys() == {"name"} else encode(said)


def entry(source: Part, mesh: MeshFacts) -> Said:
    """``rules``: blocks of one action with what they are about, the first that fits deciding; ``then``: what becomes of
    the rest. What is of one action may stand in any order."""
    more = {field: source[field] for field in source if field not in _NOT_WHO}
    if source.get("action"):
        return {**more, "rules": [], "then": source["action"]}
    rules: list[list[Any]] = []
    then = mesh.settings.get("default", UNSAID)
    for one in mappings(source.get("permissions")):
        about, action = _about(one), str(one.get("action"))
        if about == {}:
            then = action
            break
        if not rules or rules[-1][0] != action:
            rules.append([action, []])
        rules[-1][1] = sorted({encode(item): item for item in [*rules[-1][1], about]}.values(), key=encode)
    while rules and rules[-1][0] == then:
        rules.pop()
    return {**more, "rules": rules, "then": then}


def _about(permission: Part) -> Said:
    """Empty for every request."""
    rest = {field: permission[field] for field in permission if field not in ("action", "http")}
    return condition(permission.get("http") or {}) | rest
