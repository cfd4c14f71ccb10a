"""The annotation of a Namespace for pods that no Server selects."""

from __future__ import annotations

from reconciler.adapters.importing import Body
from reconciler.adapters.linkerd.detect import DEFAULT_POLICY
from reconciler.adapters.linkerd.meaning.annotations import keys_of


def policy_of(body: Body) -> str:
    """In the mesh's words, "" where the Namespace says nothing."""
    return keys_of(body).get(DEFAULT_POLICY, "")
