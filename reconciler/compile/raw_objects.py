"""A raw object as it stands in Git to a native one of a target, or why its cluster cannot have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.compile.kinds import kind_of, serves
from reconciler.compile.protocols import with_protocols
from reconciler.compile.site import Site
from reconciler.compile.targets import nearest
from reconciler.model.extensions import RawObject
from reconciler.model.facts import CrdFacts
from reconciler.model.findings import Finding, error
from reconciler.model.intents import Origin
from reconciler.model.native import NativeObject
from reconciler.model.refs import DocRef, ObjectKey


def native_of(ref: DocRef, raw: RawObject, site: Site, crds: Iterable[CrdFacts]) -> NativeObject | Finding:
    """``crds``: kinds that come with definitions beside it."""
    body = raw.body
    metadata: Mapping[str, Any] = body.get("metadata") or {}
    name, namespace = str(metadata.get("name") or ""), str(metadata.get("namespace") or "")
    if not (name and body.get("apiVersion") and body.get("kind")):
        message = f"an object of {ref} lacks apiVersion, kind or metadata.name"
        return error("object-incomplete", message, raw.position, "", ref)
    kind = kind_of(body, site.adapter, site.cluster, crds)
    shown = f"{body['kind']} ({body['apiVersion']})"
    if kind is None:
        known = sorted(str(one.kind) for one in (site.cluster.crds or {}))
        message = f"cluster {site.target.cluster} does not serve {shown}"
        return error("kind-unknown", message, raw.position, nearest(str(body["kind"]), known), ref)
    if not serves(kind, str(body["apiVersion"]).rpartition("/")[2], site.cluster):
        versions = ", ".join((site.cluster.crds or {})[kind.kind].versions)
        message = f"cluster {site.target.cluster} serves {kind.kind} in {versions}, not as {body['apiVersion']}"
        return error("kind-unknown", message, raw.position, "write a version that is served", ref)
    if kind.namespaced != bool(namespace):
        message = f"{shown} {name} " + ("needs a namespace" if kind.namespaced else "cannot have a namespace")
        return error("object-incomplete", message, raw.position, "", ref)
    key = ObjectKey(kind.kind.group, kind.kind.kind, namespace, name)
    return NativeObject(key, kind, with_protocols(body), (Origin(ref, raw.position),))
