"""Decoding of what should hold: policies, extensions, destinations, virtual meshes. Long forms in, values out."""

from __future__ import annotations

from datetime import datetime

from reconciler.load.access import effects
from reconciler.load.blocks import Decoder, lasting_mesh_set, matches, source, sources, targets
from reconciler.load.destinations import destination
from reconciler.load.ingress import ingress
from reconciler.load.nodes import Map, Place, Seq, place_of, position
from reconciler.load.rules import leaves, preference
from reconciler.load.telemetry import telemetry, telemetry_leaves
from reconciler.load.terms import native, on_unsupported
from reconciler.load.values import moment, plain
from reconciler.model.access import AccessPolicy
from reconciler.model.destinations import Destination
from reconciler.model.extensions import Extension, ProxyFilter, RawObject
from reconciler.model.findings import NOWHERE, Position
from reconciler.model.ingress import Ingress
from reconciler.model.meshes import VirtualMesh
from reconciler.model.telemetry import TelemetryPolicy
from reconciler.model.traffic import TrafficPolicy

Decoded = Ingress | TelemetryPolicy | AccessPolicy | Destination | Extension | TrafficPolicy | VirtualMesh


def decode(root: Map, into: Decoder) -> Decoded:
    """The typed value of a checked document of one of these kinds; ``into`` gathers what is wrong with it still."""
    spec = root["spec"]
    match into.ref.kind:
        case "TrafficPolicy":
            return _traffic(root, spec, into)
        case "AccessPolicy":
            return _access(root, spec, into)
        case "Ingress":
            return ingress(root, spec, into)
        case "TelemetryPolicy":
            return telemetry(root, spec, into)
        case "Extension":
            return _extension(root, spec, into)
        case "Destination":
            return destination(root, spec, into)
        case _:
            return _virtual_mesh(root, spec, into)


def time_at(node: Map, key: str, into: Decoder) -> datetime | None:
    """A time of a document, None when it is left out (or is none, which is a finding)."""
    if key not in node:
        return None
    found = moment(node[key])
    if found is None:
        into.complain("wrong-value", f"there is no such time as `{node[key]}`", node.values_at[key])
    return found


def _traffic(root: Map, spec: Map, into: Decoder) -> TrafficPolicy:
    if "rule" not in spec and spec.get("unmatched") != "Reject":
        into.complain("empty-field", "this policy asks for nothing", spec.at, "give it a `rule`")
    return TrafficPolicy(
        ref=into.ref,
        position=position(root.at),
        targets=targets(spec),
        leaves=leaves(spec["rule"], into) if "rule" in spec else (),
        sources=sources(spec, into),
        matches=matches(spec, into),
        priority=int(spec.get("priority", 0)),
        reject_unmatched=spec.get("unmatched") == "Reject",
        expires=time_at(spec, "expires", into),
        on_unsupported=on_unsupported(spec),
        native=native(spec),
    )


def _access(root: Map, spec: Map, into: Decoder) -> AccessPolicy:
    does = effects(spec, into)
    return AccessPolicy(
        ref=into.ref,
        position=position(root.at),
        action=does.action,
        targets=targets(spec),
        sources=sources(spec, into),
        matches=matches(spec, into),
        expires=time_at(spec, "expires", into),
        on_unsupported=on_unsupported(spec),
        native=native(spec),
        provider=does.provider,
        jwt=does.jwt,
        authorizes=does.authorizes,
        scopes=does.scopes,
        priority=int(spec.get("priority", 0)),
    )


def _extension(root: Map, spec: Map, into: Decoder) -> Extension:
    if "objects" in spec:
        _check_same_objects(spec["objects"], into)
        _check_scope(spec, into)
    return Extension(
        ref=into.ref,
        position=position(root.at),
        scope=tuple(source(item, at, into) for item, at in spec["workloads"].entries()) if "workloads" in spec else (),
        objects=tuple(RawObject(plain(body), position(at)) for body, at in spec["objects"].entries())
        if "objects" in spec
        else (),
        filter=_filter(spec),
        on_unsupported=on_unsupported(spec),
        native=native(spec),
        versions=spec.get("meshVersions", ""),
    )


def _filter(spec: Map) -> ProxyFilter | None:
    kind = next((kind for kind in ("wasm", "lua", "filterPatch") if kind in spec), None)
    if kind is None:
        return None
    return ProxyFilter(kind, plain(spec[kind]), position(spec.keys_at[kind]), int(spec.get("order", 0)))


def _check_scope(spec: Map, into: Decoder) -> None:
    for item, at in spec["workloads"].entries() if "workloads" in spec else ():
        narrow = sorted(set(item) - {"meshes", "clusters"})
        if narrow:
            told = f"objects go to targets, which `{narrow[0]}` does not tell apart"
            into.complain("wrong-value", told, at, "write meshes and clusters")


def _check_same_objects(objects: Seq, into: Decoder) -> None:
    seen: dict[tuple[str, ...], Place] = {}
    for body, at in objects.entries():
        group = body["apiVersion"].rpartition("/")[0]
        key = (group, body["kind"], body["metadata"].get("namespace", ""), body["metadata"]["name"])
        if key in seen:
            told = f"{body['kind']} `{key[3]}` is in this list already, at {position(seen[key])}"
            into.complain("duplicate-document", told, at, "keep one of them")
        seen.setdefault(key, at)


def mode_or_none(mode: str) -> str:
    """MeshDefault asks for nothing."""
    return "" if mode == "MeshDefault" else mode


def _virtual_mesh(root: Map, spec: Map, into: Decoder) -> VirtualMesh:
    if spec["meshes"].get("virtualMeshes"):
        at = place_of(spec["meshes"], ["virtualMeshes"])
        into.complain("wrong-value", "virtual meshes do not nest", at, "name its meshes, or select them by label")
    defaults = spec.get("defaults") or Map(spec.at)
    return VirtualMesh(
        ref=into.ref,
        position=position(root.at),
        members=lasting_mesh_set(spec["meshes"], into),
        access=defaults.get("access", ""),
        mtls=mode_or_none(defaults.get("mtls", "")),
        leaves=(*(leaves(defaults["traffic"], into) if "traffic" in defaults else ()), *preference(defaults, into)),
        telemetry=tuple(telemetry_leaves(defaults["telemetry"], into)) if "telemetry" in defaults else (),
        access_position=_key_position(defaults, "access"),
        mtls_position=_key_position(defaults, "mtls"),
    )


def _key_position(node: Map, key: str) -> Position:
    return position(node.keys_at[key]) if key in node else NOWHERE
