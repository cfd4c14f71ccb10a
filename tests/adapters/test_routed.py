"""Which hosts the objects of a mesh route: a reviewer is told where the last route of one goes."""

from __future__ import annotations

import pytest

from reconciler.adapters import registry
from reconciler.adapters.base import no_claims
from tests.adapters.test_adapter_cases import CASES, emitted, read

HERE = {case.parent.name for case in CASES}
ADAPTERS = registry.load_all()
MESHES = {name: one for name, one in ADAPTERS.items() if one.routed is not no_claims and name in HERE}


@pytest.mark.parametrize("mesh", MESHES)
def test_what_routes_is_known_by_the_host_and_the_rest_is_not(mesh: str) -> None:
    objects = [made for case in CASES if case.parent.name == mesh for made in emitted(case, read(case))]
    routing = {made.key.kind for made in objects if MESHES[mesh].routed(made.body)}
    assert routing, "no object of any case routes anything"
    assert routing < {made.key.kind for made in objects}
    for made in objects:
        hosts = MESHES[mesh].routed(made.body)
        assert all(host and "None" not in host for host in hosts)
        assert list(hosts) == sorted(set(hosts))


def test_a_virtual_host_of_proxies_is_known_by_its_service() -> None:
    routed = ADAPTERS["envoy"].routed
    assert routed({"kind": "VirtualHost", "spec": {"name": "reviews.shop:80"}}) == ("reviews.shop:80",)
    assert routed({"kind": "Cluster", "spec": {"name": "reviews.shop:80"}}) == ()
