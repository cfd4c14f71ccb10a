"""Which version of a native kind a cluster serves: what an adapter writes must be one of them."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.facts import CrdFacts
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId


def served_version(kind: NativeKind, crds: Mapping[KindId, CrdFacts] | None) -> str:
    """The version to write: the first preferred one that is served.

    The most preferred one where the cluster does not say (``crds`` None), or serves none that we know;
    ``is_served`` tells the last case apart.
    """
    known = crds.get(kind.kind) if crds is not None else None
    served = known.versions if known else kind.versions
    return next((version for version in kind.versions if version in served), kind.versions[0])


def is_served(kind: NativeKind, crds: Mapping[KindId, CrdFacts] | None) -> bool:
    """Whether the cluster serves a version that we can write; True where it does not say."""
    if crds is None:
        return True
    known = crds.get(kind.kind)
    return known is not None and any(version in known.versions for version in kind.versions)


def has_field(kind: NativeKind, field: str, crds: Mapping[KindId, CrdFacts] | None) -> bool:
    """Whether the cluster's schema of a kind has a field; True where it does not say. The field must be one that a
    claim needs, since only those are looked up."""
    known = crds.get(kind.kind) if crds is not None else None
    return known is None or known.fields is None or field in known.fields
