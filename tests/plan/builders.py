"""Small ways to say: this is asked, that lives there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from reconciler.model.clusters import Cluster, DirectoryConnection
from reconciler.model.commits import Commit
from reconciler.model.documents import DesiredState, View
from reconciler.model.findings import Position
from reconciler.model.intents import Hold, Origin
from reconciler.model.live import LiveCluster, LiveObject, LiveState, Prediction
from reconciler.model.meshes import Mesh
from reconciler.model.native import FIELD_MANAGER, Compiled, NativeKind, NativeObject
from reconciler.model.plans import Plan
from reconciler.model.refs import DocRef, KindId, ObjectKey, TargetId
from reconciler.model.settings import Mode, Settings
from reconciler.plan.build import build_plan, setting_for
from reconciler.plan.guards import GuardRules
from reconciler.plan.rules import Behaviour, PlanRules, Selection
from reconciler.plan.stamp import stamp

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TARGET = TargetId("eu", "mesh-eu")
ROUTE = NativeKind(KindId("example.org", "Route"), ("v1",), "routes", wave=30)
TABLE = NativeKind(KindId("example.org", "Table"), ("v1",), "tables", wave=20)
SHARED = NativeKind(KindId("", "Service"), ("v1",), "services", wave=10, exclusive=False)
SPACE = NativeKind(KindId("", "Namespace"), ("v1",), "namespaces", namespaced=False, wave=0, exclusive=False)
KINDS = {kind.kind: kind for kind in (ROUTE, TABLE, SHARED, SPACE)}
HEAD, OLD = "b" * 40, "a" * 40


def native(
    name: str, spec: Mapping[str, Any], kind: NativeKind = ROUTE, policy: str = "p", namespace: str = "shop"
) -> NativeObject:
    group = kind.kind.group
    metadata = {"name": name} | ({"namespace": namespace} if kind.namespaced else {})
    body = {"apiVersion": f"{group}/v1" if group else "v1", "kind": kind.kind.kind, "metadata": metadata, "spec": spec}
    ref = DocRef("TrafficPolicy", "default", policy)
    key = ObjectKey(group, kind.kind.kind, namespace if kind.namespaced else "", name)
    return NativeObject(key, kind, body, (Origin(ref, Position(f"policies/{policy}.yaml", 5, 3)),))


def entry(
    manager: str, fields: Mapping[str, Any], time: str = "2026-11-21T10:00:00Z", op: str = "Update"
) -> dict[str, Any]:
    return {"manager": manager, "operation": op, "time": time, "fieldsType": "FieldsV1", "fieldsV1": fields}


def lives(
    asked: NativeObject,
    rv: str = "1",
    commit: str = OLD,
    spec: Mapping[str, Any] | None = None,
    managers: Sequence[Mapping[str, Any]] = (),
    **changes: Any,
) -> LiveObject:
    """The object as it is after we applied it; ``spec`` replaces what lives, ``managers`` says who wrote."""
    body = stamp(asked, replace(setting().mark, commit=commit))
    if spec is not None:
        body["spec"] = spec
    body["metadata"] |= {"resourceVersion": rv, **changes}
    if managers:
        body["metadata"]["managedFields"] = list(managers)
    return as_live(body)


def as_live(body: Mapping[str, Any]) -> LiveObject:
    metadata = body["metadata"]
    group = body["apiVersion"].rpartition("/")[0]
    key = ObjectKey(group, body["kind"], metadata.get("namespace", ""), metadata["name"])
    return LiveObject(
        key, metadata.get("resourceVersion", "1"), json.dumps(body).encode(), "uid",
        metadata.get("labels") or {}, metadata.get("annotations") or {},
    )  # fmt: skip


def desired_state(settings: Settings | None = None, revision: str = HEAD, **more: Any) -> DesiredState:
    mesh = Mesh(DocRef("Mesh", "default", TARGET.mesh), Position("m.yaml"), "test", (TARGET.cluster,))
    cluster = Cluster(TARGET.cluster, Position("c.yaml"), DirectoryConnection("x"), **more.pop("cluster", {}))
    return DesiredState(
        revision, settings or Settings(mode=Mode.APPLY), {TARGET.cluster: cluster}, {TARGET: View(meshes=(mesh,))}, {},
        **more,
    )  # fmt: skip


def rules(settings: Settings | None = None, confirmed: frozenset[str] = frozenset(), **more: Any) -> PlanRules:
    settings = settings or Settings(mode=Mode.APPLY)
    guards = GuardRules(settings.limits, settings.protect, confirmed)
    behaviours = {"test": Behaviour(more.pop("normalize", dict), more.pop("claims", lambda _body: ()))}
    return PlanRules(
        settings,
        guards,
        "repo-1",
        NOW,
        behaviours,
        more.pop("kinds", KINDS),
        more.pop("selection", Selection()),
        **more,
    )


def setting() -> Any:
    return setting_for(TARGET, desired_state(), rules())


def plan_of(
    asked: Sequence[NativeObject],
    live: Sequence[LiveObject] = (),
    *,
    before: Sequence[NativeObject] | None = None,
    settings: Settings | None = None,
    predictions: Mapping[ObjectKey, Prediction] | None = None,
    proven: Mapping[ObjectKey, tuple[str, str]] | None = None,
    holds: Sequence[Hold] = (),
    cluster: Mapping[str, Any] | None = None,
    desired: DesiredState | None = None,
    **more: Any,
) -> Plan:
    """The plan for one target; ``before`` is what the last applied commit asked (None: nothing applied yet)."""
    desired = desired or desired_state(settings)
    compiled = Compiled(desired.revision, {TARGET: tuple(sorted(asked, key=lambda n: n.key))}, holds=tuple(holds))
    found = LiveCluster(
        TARGET.cluster, {one.key: one for one in live}, predictions=predictions or {}, proven=proven or {},
        **(cluster or {}),
    )  # fmt: skip
    previous = {} if before is None else {TARGET: tuple(before)}
    return build_plan(desired, compiled, previous, LiveState({TARGET.cluster: found}), rules(settings, **more))


def only(plan: Plan) -> Any:
    (change,) = plan.changes
    return change


COMMIT = Commit(HEAD, author="Ada <ada@example.org>", message="Change it\n")
OURS = FIELD_MANAGER
