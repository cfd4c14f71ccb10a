"""Waves, names and origins: what the order of writing and the annotation of an object rest on."""

from __future__ import annotations

from itertools import product

from hypothesis import given as examples
from hypothesis import strategies as st

from reconciler.adapters.istio import ADAPTER
from reconciler.adapters.policy_names import policy_name
from reconciler.model.access import AccessAction
from reconciler.model.findings import Severity
from reconciler.model.intents import AccessIntent, MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.refs import DocRef, ServiceRef
from tests.adapters import given


def emitted(intent: MeshIntent) -> list[NativeObject]:
    return [native for built in ADAPTER.build(intent) for native in built.objects]


def test_what_is_pointed_at_comes_first_and_the_default_deny_last() -> None:
    gateway = {"name": "in", "namespace": "edge", "role": "Ingress", "labels": {"a": "b"}}
    intent = given.intent(
        {
            "hosts": {"a.shop": {"subsets": {"v1": {"v": "1"}}, "routes": [{"to": [{"subset": "v1"}]}]}},
            "access": [{"service": "a.shop"}, {"service": "a.shop", "action": "Deny"}],
            "mtls": [{"mode": "Strict"}],
            "default_deny": {"gateways": [gateway]},
        }
    )
    order = [native.key.name for native in sorted(emitted(intent), key=lambda native: (native.kind.wave, native.key))]
    assert order == ["a", "a", "default", "mesh-gateway.in", "a-allow-p", "a-deny-p", "mesh-default-deny"]


def test_each_kind_is_declared_once() -> None:
    kinds = [kind.kind for kind in ADAPTER.kinds]
    assert len(set(kinds)) == len(kinds)
    assert {
        "ServiceEntry",
        "Gateway",
        "Sidecar",
        "EnvoyFilter",
        "RequestAuthentication",
        "Telemetry",
        "WasmPlugin",
    } <= {kind.kind for kind in kinds}


def test_an_error_is_about_all_that_is_not_written_for_it() -> None:
    """The objects of a host stay as they are, and all who had a part in them must know."""
    bad = {"match": [{"query": [{"name": "a", "exact": "b", "invert": True}]}], "policy": "bad"}
    intent = given.intent({"hosts": {"a.shop": {"policy": "good", "routes": [bad, {}]}}})
    assert emitted(intent) == []
    (finding,) = (finding for built in ADAPTER.build(intent) for finding in built.findings)
    assert finding.severity is Severity.ERROR
    assert DocRef("TrafficPolicy", "default", "good") in finding.documents


def test_a_policy_about_routes_does_not_touch_the_destination() -> None:
    outlier = {"outlier": {"consecutiveErrors": 3}}
    form = {"hosts": {"a.shop": {"policy": "host", "rule": outlier, "routes": [{"policy": "route"}]}}}
    by_kind = {
        native.key.kind: [origin.ref.name for origin in native.origins] for native in emitted(given.intent(form))
    }
    assert by_kind == {"DestinationRule": ["host"], "VirtualService": ["route"]}


WORDS = ("a", "b", "a-allow", "allow-b", "a-allow-b", "deny", "a-deny-b", "a.b", "b.c")


def named(service: str, action: AccessAction, policy: DocRef) -> str:
    return policy_name(AccessIntent(ServiceRef(service, "shop"), {"a": "b"}, action, None, (), (), policy, ()))


def test_no_two_policies_have_one_name() -> None:
    found: dict[str, tuple[object, ...]] = {}
    services = [word for word in WORDS if "." not in word]
    for service, action, namespace, name in product(services, AccessAction, ("default", *services), WORDS):
        made = named(service, action, DocRef("AccessPolicy", namespace, name))
        assert found.setdefault(made, (service, action, namespace, name)) == (service, action, namespace, name)


@examples(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=63))
def test_every_name_is_valid(policy: str, namespace: str) -> None:
    made = named("reviews", AccessAction.ALLOW, DocRef("AccessPolicy", namespace, policy))
    assert len(made) <= 253
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    for part in made.split("."):
        assert part
        assert part.strip("-") == part
