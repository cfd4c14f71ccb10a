"""What App Mesh can carry of the neutral API, with a word on whose calls that is for and on the end of the service."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from types import MappingProxyType

from reconciler.adapters.base import Capability, Level
from reconciler.adapters.claims import Claims, read_claims

#: docs.aws.amazon.com/app-mesh/latest/userguide: "On September 30, 2026, AWS will discontinue support for AWS App Mesh"
ENDED = "AWS ended the service on 30 September 2026: move away with `reconciler migrate`"


#: a proxy knows nothing of a VirtualService that is not among the backends of its VirtualNode (Virtual nodes, Backends)
CALLERS = "for callers that dial the full name and whose VirtualNode has the VirtualService among its backends"


@cache
def claims(_profile: str = "") -> Claims:
    """Every claim by its path. There is one way only in which a service is served."""
    found = read_claims("reconciler.adapters.appmesh")
    return MappingProxyType({path: replace(one, note="; ".join(_notes(one))) for path, one in found.items()})


def _notes(claim: Capability) -> list[str]:
    on_the_way = claim.level in (Level.PARTIAL, Level.EMULATED) and claim.side == "client"
    return [text for text in (claim.note, CALLERS if on_the_way else "", ENDED) if text]
