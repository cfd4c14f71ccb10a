"""What an emitter makes of one thing: its objects, or none of them where something cannot be said, and what to tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.served import is_served
from reconciler.model.findings import Finding
from reconciler.model.intents import MeshIntent, Origin
from reconciler.model.native import NativeObject


@dataclass(frozen=True, slots=True)
class Built:
    """Of a host, an access policy, a mode. An error among the ``findings`` says why there are no ``objects``."""

    objects: tuple[NativeObject, ...] = ()
    findings: tuple[Finding, ...] = ()


def built(made: Iterable[NativeObject | None], gaps: Gaps, origins: Iterable[Origin], intent: MeshIntent) -> Built:
    """All that was made of a thing, if all of it could be said; ``origins`` are those of the thing."""
    objects = tuple(native for native in made if native is not None)
    for native in objects:
        if native.kind.kind.group and not is_served(native.kind, intent.cluster.crds):
            message = f"the cluster serves no version of {native.kind.kind} that is known"
            gaps.warning("kind-not-served", message, hint="install its CustomResourceDefinition")
    findings = gaps.findings(intent.target, origins) if gaps.found else ()
    return Built(() if gaps.blocking else objects, findings)
