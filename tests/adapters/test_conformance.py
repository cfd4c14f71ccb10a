"""What holds for every adapter: each capability is claimed, claims are honest, output is deterministic and declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.adapters import registry
from reconciler.adapters.base import Adapter, Level
from reconciler.model.canonical import encode
from tests.adapters import crds, given
from tests.adapters.test_istio_claims import HOST_LEAVES, MATCHES, ROUTE_LEAVES, nested

ADAPTERS = registry.load_all()
PATHS = sorted(
    {path for adapter in ADAPTERS.values() for profile in adapter.profiles for path in adapter.capabilities(profile)}
)
#: a service that every adapter can write routes for
PORTS = [{"number": 80, "name": "http"}, {"number": 81, "name": "http-admin"}]
CLUSTER = {"services": {"a.shop": {"selector": {"app": "a"}, "ports": PORTS}}}
#: something that every adapter can do, so that there is an object to leave a trace in
BASE = {"headers": {"request": {"set": {"x": "1"}}}}
SUPPORTED = [
    (name, path)
    for name, adapter in ADAPTERS.items()
    for path in {**ROUTE_LEAVES, **HOST_LEAVES}
    if (claim := adapter.capability(path)) is not None and claim.level is not Level.NONE
]
REFUSED = [
    (name, path)
    for name, adapter in ADAPTERS.items()
    for path in PATHS
    if path.startswith("traffic.")
    and path.split(".")[1] not in ("match", "from", "mirror", "native", "route")
    and (claim := adapter.capability(path)) is not None
    and claim.level is Level.NONE
    and not any(other.startswith(f"{path}.") for other in PATHS)
]
CONDITIONS = [(name, path) for name in ADAPTERS for path in MATCHES]
#: what changes nothing where it is as it would be anyway
TELLING = {**HOST_LEAVES, "traffic.connections.http.h2Upgrade": ({"connections": {"http": {"h2Upgrade": True}}}, {})}


def form(rule: Mapping[str, Any], **route: Any) -> dict[str, Any]:
    return {"cluster": CLUSTER, "hosts": {"a.shop": {"routes": [{"rule": merged(BASE, rule), **route}]}}}


def merged(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Both, maps within maps too; ``more`` wins."""
    both = {key: merged(base[key], more[key]) for key in base.keys() & more.keys() if isinstance(more[key], Mapping)}
    return {**base, **more, **both}


def host_form(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {"cluster": CLUSTER, "hosts": {"a.shop": {"rule": rule, "routes": [{"rule": BASE}]}}}


def output(name: str, said: Mapping[str, Any]) -> str:
    """The objects that policies have a part in."""
    intent = given.intent(said, name)
    first, second = (
        [
            one.body
            for built in ADAPTERS[name].build(intent)
            for one in built.objects
            if any(origin.ref.kind.endswith("Policy") for origin in one.origins)
        ]
        for _ in range(2)
    )
    assert encode(first) == encode(second)
    return encode(first)


def errors(name: str, said: Mapping[str, Any]) -> list[str]:
    things = ADAPTERS[name].build(given.intent(said, name))
    return [one.code for built in things for one in built.findings if one.severity == "error"]


@pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=list(ADAPTERS))
def test_every_capability_is_claimed(adapter: Adapter) -> None:
    own = adapter.capabilities("")
    finer = {path.rsplit(".", count)[0] for path in own for count in range(1, path.count(".") + 1)}
    assert [path for path in PATHS if adapter.capability(path) is None and path not in finer] == []
    assert adapter.capability("traffic.nonsense") is None


@pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=list(ADAPTERS))
def test_every_claim_says_how_or_whose_the_lack_is(adapter: Adapter) -> None:
    for profile in adapter.profiles:
        for path, claim in adapter.capabilities(profile).items():
            assert claim.via if claim.level is not Level.NONE else claim.note, path


@pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=list(ADAPTERS))
def test_what_a_claim_needs_is_in_the_definitions(adapter: Adapter) -> None:
    """A field that no version has would never be found in a cluster."""
    known = {
        f"{kind}.{version.rpartition('/')[0]}": schema
        for name in crds.sets(adapter.name)
        for (version, kind), schema in crds.schemas(name).items()
    }
    if not known:
        pytest.skip(f"NO CRDs TO CHECK AGAINST: none in {crds.folder()}; set MESH_CRDS to a folder that has them")
    for path, claim in adapter.capabilities("").items():
        for need in claim.needs:
            kind, _, field = need.partition(" ")
            at: Any = known[kind]
            for part in field.split(".") if field else ():
                at = at.get("items", at)["properties"]
                assert part in at, f"{path} needs {need}"
                at = at[part]


@pytest.mark.parametrize(("name", "path"), SUPPORTED)
def test_a_supported_leaf_changes_the_output(name: str, path: str) -> None:
    """Or its value cannot be said, which is an error of its own."""
    build, (used, unused) = (host_form, TELLING[path]) if path in TELLING else (form, ROUTE_LEAVES[path])
    assert errors(name, build(used)) or output(name, build(used)) != output(name, build(unused))


@pytest.mark.parametrize(("name", "path"), REFUSED)
def test_a_leaf_that_is_not_claimed_leaves_no_trace(name: str, path: str) -> None:
    for value in ("1s", 3, True, {"anything": "1s"}):
        for build in (form, host_form):
            said = build(nested(path, {"x-a": value} if _is_of_headers(path) else value))
            assert errors(name, said) or output(name, said) == output(name, build({}))


def _is_of_headers(path: str) -> bool:
    """Whether a leaf is one for each header, so that nothing but a mapping can be said."""
    return path.startswith("traffic.headers.") and path.count(".") == 3


@pytest.mark.parametrize(("name", "path"), CONDITIONS)
def test_a_condition_is_written_or_stops_its_route(name: str, path: str) -> None:
    used, _ = MATCHES[path]
    claim = ADAPTERS[name].capability(f"traffic.match.{path}")
    assert claim is not None
    said = form({}, match=[used])
    if claim.level is Level.NONE:
        assert errors(name, said) == ["mesh-inexpressible"]
        assert output(name, said) == "[]"
    else:
        assert errors(name, said) == []
        assert output(name, said) not in ("[]", output(name, form({})))
