"""Which fields the definitions of a cluster have, of those that claims need."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.adapters.base import Capability, Level
from reconciler.compile.gates import gate, gated_kinds, gates, has_field, with_fields
from reconciler.model.facts import CrdFacts
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId
from tests.adapters import crds
from tests.compile.builders import toy

ROUTE = KindId("mesh.example.org", "Route")
KIND = NativeKind(ROUTE, ("v1", "v1beta1"), "routes")
SCHEMA: dict[str, Any] = {
    "properties": {
        "spec": {
            "properties": {
                "rules": {"type": "array", "items": {"properties": {"mirror": {"type": "object"}}}},
                "labels": {"additionalProperties": {"properties": {"weight": {}}}},
                "open": {"x-kubernetes-preserve-unknown-fields": True},
                "any": {"additionalProperties": True},
                "closed": {"additionalProperties": False, "properties": {"a": {}}},
            }
        }
    }
}


def needing(*needs: str) -> Any:
    claims = {f"traffic.x{i}": Capability(f"traffic.x{i}", Level.NATIVE, needs=(need,)) for i, need in enumerate(needs)}
    return toy(kinds=(KIND,), capabilities=lambda _profile: claims)


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("spec", True),
        ("spec.rules", True),
        ("spec.rules.mirror", True),
        ("spec.rules.mirrors", False),
        ("spec.labels.whatever.weight", True),
        ("spec.labels.whatever.height", False),
        ("spec.open.to.all", True),
        ("spec.any.thing", True),
        ("spec.closed.a", True),
        ("spec.closed.b", False),
        ("status", False),
    ],
)
def test_a_field_is_looked_for_as_the_server_would_keep_it(path: str, there: bool) -> None:
    assert has_field(SCHEMA, path) == there


def test_needs_are_gathered_by_kind() -> None:
    adapter = needing(
        "Route.mesh.example.org spec.rules.mirror", "Route.mesh.example.org spec.x", "Gone.mesh.example.org"
    )
    assert gates([adapter]) == {ROUTE: frozenset({"spec.rules.mirror", "spec.x"})}
    assert gated_kinds([adapter]) == (KIND,)
    assert gate("Gone.mesh.example.org") == (KindId("mesh.example.org", "Gone"), "")


def test_a_kind_knows_which_of_the_fields_it_has_in_the_version_that_is_written() -> None:
    adapter = needing("Route.mesh.example.org spec.rules.mirror", "Route.mesh.example.org spec.x")
    served = {ROUTE: CrdFacts(ROUTE, "routes", True, ("v1beta1",))}
    found = with_fields(served, [adapter], {(ROUTE, "v1beta1"): SCHEMA, (ROUTE, "v1"): {}})
    assert found[ROUTE].fields == frozenset({"spec.rules.mirror"})
    assert with_fields(served, [adapter], {})[ROUTE].fields is None
    assert with_fields({}, [adapter], {(ROUTE, "v1"): SCHEMA}) == {}


def test_the_real_definitions_have_the_fields_that_they_are_known_for() -> None:
    known = crds.schemas("istio")
    if not known:
        pytest.skip(f"NO CRDs TO CHECK AGAINST: none in {crds.folder()}; set MESH_CRDS to a folder that has them")
    service = known[("networking.istio.io/v1", "VirtualService")]
    assert has_field(service, "spec.http.mirrors.percentage.value")
    assert has_field(service, "spec.http.headers.request.set.x-any")
    assert not has_field(service, "spec.http.rateLimit")
