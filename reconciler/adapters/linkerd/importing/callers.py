"""Who is let in, as items of ``from``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from reconciler.adapters.importing import Scene, Unsayable
from reconciler.adapters.linkerd.meaning.callers import Callers

_OWN = re.compile(r"(?P<account>[^.*]+|\*)\.(?P<namespace>[^.*]+)")
#: of another trust domain: all of it, or a namespace
_DOMAIN = re.compile(r"\*\.((?P<namespace>[^.*]+)\.)?serviceaccount\.identity\.(?P<plane>[^.]+)\.(?P<domain>[^*]+)")


def callers(given: Callers, scene: Scene) -> list[Any]:
    """Alternatives; an empty list for everyone. Unsayable where there is nobody, or one whom nothing names."""
    if not given:
        raise Unsayable("it lets nobody in, or the mesh ignores it")
    if ("", "") in given:
        return []
    found: dict[str, list[str]] = {}
    for name, place in sorted(given):
        found.setdefault(place, []).append(name)
    return [item for place, names in found.items() for item in _items(place, names, scene)]


def _items(place: str, names: Iterable[str], scene: Scene) -> Iterable[Any]:
    where = _networks(place)
    for name in names:
        if not name:
            yield where
        elif where:
            yield {**_fields(name, scene), **where}
        else:
            yield _short(name, scene)


def _networks(place: str) -> dict[str, Any]:
    if place == "cluster":
        raise Unsayable("no neutral field covers callers from the networks of the cluster")
    if not place:
        return {}
    cidr, left = json.loads(place)
    return {"ipBlocks": {"include": [cidr]} | ({"exclude": left} if left else {})}


def _short(name: str, scene: Scene) -> Any:
    fields = _fields(name, scene)
    if "serviceAccounts" in fields:
        (account,) = fields["serviceAccounts"]
        return f"sa/{'.'.join(part for part in (account['name'], account['namespace'], scene.only) if part)}"
    if "namespaces" in fields:
        return f"ns/{fields['namespaces'][0]}"
    return "*" if fields == {"authenticated": True} else fields


def _fields(name: str, scene: Scene) -> dict[str, Any]:
    if name == "*":
        return {"authenticated": True}
    below = f".serviceaccount.identity.{scene.mesh.namespace or 'linkerd'}.{scene.mesh.trust_domain}"
    found = _OWN.fullmatch(name.removesuffix(below)) if name.endswith(below) else None
    if found and found["account"] != "*":
        cluster = {"cluster": scene.only} if scene.only else {}
        return {"serviceAccounts": [{"name": found["account"], "namespace": found["namespace"], **cluster}]}
    if found:
        return {"namespaces": [found["namespace"]]}
    domain = _DOMAIN.fullmatch(name)
    if domain and domain["plane"] == (scene.mesh.namespace or "linkerd"):
        home = f"ns/{domain['namespace']}/" if domain["namespace"] else ""
        return {"identities": [f"spiffe://{domain['domain']}/{home}*"]}
    if "*" in name or name == "tls":
        raise Unsayable(f"no neutral field covers callers {name}")
    return {"identities": [name]}
