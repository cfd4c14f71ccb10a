"""Routes mean what they do in Gateway API; all policies for the same workloads mean what they say together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.adapters.cilium.meaning.policies import joined, said
from reconciler.adapters.importing import Body, Meaning, Scene, key_of
from reconciler.adapters.standard.meaning import meanings as routes
from reconciler.model.canonical import plain


def meanings(bodies: Iterable[Body], scene: Scene) -> Mapping[str, Meaning]:
    given = list(bodies)
    policies = [body for body in given if key_of(body).kind == "CiliumNetworkPolicy"]
    found = dict(routes([body for body in given if key_of(body).kind != "CiliumNetworkPolicy"], scene))
    for body in policies:
        about, content = said(body)
        held = found.get(about)
        both = joined(held.content, content) if held else content
        found[about] = Meaning(about, plain(both), (*(held.objects if held else ()), key_of(body)))
    return dict(sorted(found.items()))
