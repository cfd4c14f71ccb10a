"""What an emitter makes of one thing: its objects, or none of them where something cannot be said, and what to tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.served import is_served
from reconciler.model.findings import Finding, Severity
from reconciler.model.intents import MeshIntent, Origin
from reconciler.model.native import NativeObject
from reconciler.model.refs import DocRef, ServiceRef


@dataclass(frozen=True, slots=True)
class Built:
    """Of a host, an access policy, a mode. An error among the ``findings`` says why there are no ``objects``.

    ``service``: the one that the thing is about, and ``documents`` all that have a part in it. ``blames``: for the
    errors that are no fault of the others, the documents to go on without."""

    objects: tuple[NativeObject, ...] = ()
    findings: tuple[Finding, ...] = ()
    service: ServiceRef | None = None
    documents: tuple[DocRef, ...] = ()
    blames: tuple[tuple[DocRef, Finding], ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)


def built(
    made: Iterable[NativeObject | None],
    gaps: Gaps,
    origins: Iterable[Origin],
    intent: MeshIntent,
    service: ServiceRef | None = None,
) -> Built:
    """All that was made of a thing, if all of it could be said; ``origins`` are those of the thing."""
    objects = tuple(native for native in made if native is not None)
    for native in objects:
        if native.kind.kind.group and not is_served(native.kind, intent.cluster.crds):
            message = f"the cluster serves no version of {native.kind.kind} that is known"
            gaps.warning("kind-not-served", message, hint="install its CustomResourceDefinition")
    if not gaps.found:
        return Built(objects)
    origins = tuple(origins)
    documents = tuple(sorted({origin.ref for origin in origins}))
    findings = gaps.findings(intent.target, origins)
    return Built(() if gaps.blocking else objects, findings, service, documents, _blames(gaps, findings, documents))


def _blames(
    gaps: Gaps, findings: Iterable[Finding], documents: tuple[DocRef, ...]
) -> tuple[tuple[DocRef, Finding], ...]:
    """What one document alone has a part in is its own fault."""
    alone = documents if len(documents) == 1 else ()
    return tuple(
        (ref, finding)
        for gap, finding in zip(gaps.found, findings, strict=True)
        if finding.severity is Severity.ERROR
        for ref in gap.blamed or alone
    )
