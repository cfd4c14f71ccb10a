"""Objects of an installed control plane: what others fill in of them, what they define, and when they may go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model.documents import DesiredState
from reconciler.model.live import LiveObject
from reconciler.model.meshes import Install, Mesh
from reconciler.model.native import INSTALL_PART, PART_ANNOTATION, Compiled
from reconciler.model.refs import KindId, TargetId
from reconciler.model.settings import IgnoreRule

_ADMISSION = "admissionregistration.k8s.io"
_DEFINITION = KindId("apiextensions.k8s.io", "CustomResourceDefinition")
_WEBHOOK = ("webhooks[*].clientConfig.caBundle", "webhooks[*].failurePolicy")
#: what control planes and their controllers write into their own definitions, once they run
_FILLED: Mapping[KindId, tuple[str, ...]] = {
    KindId(_ADMISSION, "MutatingWebhookConfiguration"): _WEBHOOK,
    KindId(_ADMISSION, "ValidatingWebhookConfiguration"): _WEBHOOK,
    _DEFINITION: ("spec.conversion.webhook.clientConfig.caBundle",),
}
_SCALER = KindId("autoscaling", "HorizontalPodAutoscaler")


def filled_in(mesh: Mesh) -> tuple[IgnoreRule, ...]:
    """What is left to others in the objects of a control plane: what it fills in, while somebody else owns it, and the
    replicas that an autoscaler sets."""
    install = mesh.install
    if install is None or not install.present:
        return ()
    return (*_by_control_plane(install), *_by_scalers(install))


def _by_control_plane(install: Install) -> Iterable[IgnoreRule]:
    for kind, paths in _FILLED.items():
        names = sorted(str(body["metadata"]["name"]) for body in _bodies(install, kind))
        if names:
            yield IgnoreRule(kind, tuple(names), paths, managers=("*",))


def _by_scalers(install: Install) -> Iterable[IgnoreRule]:
    for body in _bodies(install, _SCALER):
        scaled = (body.get("spec") or {}).get("scaleTargetRef") or {}
        group = str(scaled.get("apiVersion", "")).rpartition("/")[0]
        namespace = body["metadata"].get("namespace") or install.namespace
        if scaled.get("kind") and scaled.get("name"):
            kind, name = KindId(group, str(scaled["kind"])), f"{namespace}/{scaled['name']}"
            yield IgnoreRule(kind, (name,), ("spec.replicas",))


def _bodies(install: Install, kind: KindId) -> Iterable[Mapping[str, Any]]:
    for one in install.objects:
        group = str(one.body["apiVersion"]).rpartition("/")[0]
        if KindId(group, str(one.body["kind"])) == kind:
            yield one.body


def spares_control_plane(target: TargetId, desired: DesiredState) -> bool:
    """Whether Git says nothing of a control plane, which is then nobody's to remove."""
    return target not in desired.views or desired.mesh(target).install is None


def is_control_plane(found: LiveObject) -> bool:
    """Whether a live object is a part of a control plane."""
    return found.annotations.get(PART_ANNOTATION) == INSTALL_PART


def defined_kinds(compiled: Compiled, cluster: str) -> frozenset[KindId]:
    """The kinds whose definitions are among what is asked for on a cluster: it serves them once these are written."""
    specs = (
        native.body.get("spec") or {}
        for target, natives in compiled.objects.items()
        if target.cluster == cluster
        for native in natives
        if native.key.kind_id == _DEFINITION
    )
    return frozenset(
        KindId(str(spec.get("group", "")), str((spec.get("names") or {}).get("kind", ""))) for spec in specs
    )
