"""Strict mTLS of a service as mutual authentication: callers prove by a handshake of the agents who they are.

It is a part of the rules that allow (``access``), so that it needs some. A policy of its own that lets in every pod
which proves itself would do without; but permissions add up, and it would open what others restrict, now or later.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.built import Built, built
from reconciler.adapters.cilium.selecting import apart
from reconciler.adapters.cilium.settings import check_proof
from reconciler.adapters.gaps import Gaps
from reconciler.model.access import AccessAction
from reconciler.model.intents import AccessIntent, MeshIntent, MtlsIntent
from reconciler.model.refs import ServiceRef


def emit(intent: MeshIntent) -> Iterable[Built]:
    """No objects of their own: what keeps a mode from holding."""
    for mtls in intent.mtls:
        gaps = Gaps(asked=mtls.origins)  # each asks for the same mode
        _check(mtls, intent, gaps)
        yield built([], gaps, mtls.origins, intent, mtls.service)


def _check(mtls: MtlsIntent, intent: MeshIntent, gaps: Gaps) -> None:
    if mtls.mode == "Disabled":
        gaps.error("mesh-inexpressible", "what encrypts between nodes is not for a policy to turn off")
    if mtls.mode == "Strict" and mtls.service is None:
        told = "the mesh asks for proof in rules of access only, which are about workloads of services"
        gaps.error("mesh-inexpressible", told)
    if mtls.mode != "Strict" or mtls.service is None:
        return
    if not mtls.selector:
        gaps.error("mesh-inexpressible", f"no workloads are known behind {mtls.service}, so nothing can be selected")
    check_proof(intent, gaps)
    _tell_overlap(mtls, mtls.service, intent, gaps)
    _tell_open(mtls, mtls.service, intent, gaps)


def _tell_open(mtls: MtlsIntent, service: ServiceRef, intent: MeshIntent, gaps: Gaps) -> None:
    """Whether every workload is one that some policy restricts access to."""
    near = intent.access_by_namespace.get(service.namespace, ())
    if intent.default_deny is None and not any(_covers(access, mtls) for access in near):
        gaps.error(
            "mesh-inexpressible",
            f"the mesh asks for proof in rules of access, and nothing restricts access to all of {service.label}",
            hint='allow every pod of the mesh by an AccessPolicy with `from: ["*"]`, or those who are to call it',
        )


def _covers(access: AccessIntent, mtls: MtlsIntent) -> bool:
    return access.action is AccessAction.ALLOW and access.selector.items() <= mtls.selector.items()


def _tell_overlap(mtls: MtlsIntent, service: ServiceRef, intent: MeshIntent, gaps: Gaps) -> None:
    for other in intent.mtls_by_namespace.get(service.namespace, ()):
        if other.service and other.mode != mtls.mode and not apart(other.selector, mtls.selector):
            told = f"{other.service} and {service} share workloads, and are asked to be {other.mode} and {mtls.mode}"
            gaps.error("mtls-overlap", told)
