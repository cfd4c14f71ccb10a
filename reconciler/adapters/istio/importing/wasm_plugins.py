"""WasmPlugin: an Extension with a module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of, named, only
from reconciler.adapters.istio.detect import TYPE
from reconciler.adapters.istio.importing.scopes import workloads
from reconciler.adapters.istio.meaning.names import spec_of

_RENAMED = {"sha256": "sha256", "imagePullSecret": "pullSecretRef", "pluginName": "rootId", "pluginConfig": "config"}
_PHASES = {"AUTHN": "Authn", "AUTHZ": "Authz", "STATS": "Stats", "UNSPECIFIED_PHASE": "Unspecified"}
_CONTEXTS = {"SERVER": "Inbound", "CLIENT": "Outbound"}
_FAIL_OPEN = {"FAIL_OPEN": True, "FAIL_CLOSE": False}
_FIELDS = ("selector", "url", "phase", "failStrategy", "priority", "match", *_RENAMED)


def wasm_plugin(body: Body, scene: Scene) -> Draft:
    spec, name = spec_of(body), str(body["metadata"]["name"])
    only(spec, _FIELDS, "spec")
    module = _where(str(spec.get("url", ""))) | {ours: spec[field] for field, ours in _RENAMED.items() if field in spec}
    for field, ours, values in (("phase", "phase", _PHASES), ("failStrategy", "failOpen", _FAIL_OPEN)):
        if field in spec:
            module[ours] = _named_value(field, spec[field], values)
    if "match" in spec:
        module["context"] = _context(spec["match"])
    wanted: dict[str, Any] = {"workloads": workloads(body, scene), "wasm": module}
    wanted |= {"order": -int(spec["priority"])} if spec.get("priority") else {}
    return Draft(key_of(body), ({"kind": "Extension", "name": name, "spec": wanted | named(TYPE, body, "", scene)},))


def _where(url: str) -> dict[str, Any]:
    """The mesh takes an address without a scheme for an image."""
    scheme, _, rest = url.rpartition("://")
    if scheme == "oci":
        return {"image": rest}
    if scheme in ("http", "https"):
        return {"url": url}
    if scheme == "file":
        return {"path": rest}
    raise Unsayable(f"url {url} has no scheme that a document can say")


def _named_value(field: str, value: Any, values: Mapping[str, Any]) -> Any:
    if value not in values:
        raise Unsayable(f"no neutral field covers {field} {value}")
    return values[value]


def _context(given: Any) -> str:
    if len(given) != 1 or given[0].keys() != {"mode"} or given[0]["mode"] not in _CONTEXTS:
        raise Unsayable("spec.match is more than one direction")
    return _CONTEXTS[given[0]["mode"]]
