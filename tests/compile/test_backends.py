"""Where routes and mirrors go: services of the same cluster, declared and derived subsets, ports."""

from __future__ import annotations

import pytest

from reconciler.compile.subsets import derived_name
from reconciler.model.destinations import Destination, Subset
from reconciler.model.facts import PortFacts
from reconciler.model.intents import Backend
from reconciler.model.refs import ServiceRef
from reconciler.model.rules import RouteEntry
from reconciler.model.selectors import PolicyTarget
from tests.compile.builders import (
    Given,
    at,
    cluster_facts,
    codes,
    entry,
    found,
    given,
    held,
    names,
    path,
    ref,
    service,
    svc,
    to,
    traffic,
    verdict,
)

WEB, API = ServiceRef("web", "shop", "eu"), ServiceRef("api", "shop", "eu")


def routing(*entries: object, **fields: object) -> object:
    return traffic("p", rule={"traffic.route": tuple(entries)}, **fields)


def declares(name: str, *subsets: Subset, of: str = "web.shop") -> Destination:
    return Destination(ref(name, "Destination"), at("destinations.yaml"), svc(of), subsets)


def subsets(one: Given, host: str = "web.shop") -> dict[str, dict[str, str]]:
    return {subset.name: dict(subset.labels) for subset in one.host(host).subsets}


def test_weights_over_versions_of_the_target_itself() -> None:
    one = given(routing(entry(subset="v1", weight=90), entry(subset="v2", weight=10)))
    assert one.host().routes[0].backends == (Backend(WEB, 90, "v1"), Backend(WEB, 10, "v2"))
    assert subsets(one) == {"v1": {"version": "v1"}, "v2": {"version": "v2"}}
    assert codes(one.compiled()) == []


def test_name_of_a_declared_subset() -> None:
    one = given(routing(entry(subset="beta")), declares("d", Subset("beta", (("app", "web"), ("version", "v2")), at())))
    assert one.host().routes[0].backends[0].subset == "beta"
    assert subsets(one) == {"beta": {"app": "web", "version": "v2"}}
    assert [origin.ref.kind for origin in one.host().origins] == ["Destination", "TrafficPolicy"]


def test_labels_of_a_declared_subset_take_its_name() -> None:
    one = given(
        traffic("p", rule={"traffic.mirror": [{"to": {"subset": {"version": "v2"}}, "percent": 5}]}),
        declares("d", Subset("beta", (("version", "v2"),), at())),
    )
    assert subsets(one) == {"beta": {"version": "v2"}}
    assert one.host().routes[0].mirrors == (Backend(WEB, 5, "beta"),)


def test_mirror_percent_left_out_is_all() -> None:
    one = given(traffic("p", rule={"traffic.mirror": [{"to": {"services": [{"name": "api", "namespace": "shop"}]}}]}))
    assert one.host().routes[0].mirrors == (Backend(API, 100),)
    assert one.host().routes[0].backends == (Backend(WEB, 100),)


def test_subset_of_another_host_gives_that_host_an_intent() -> None:
    one = given(routing(entry("api.shop", "v1")))
    host = one.host("api.shop")
    assert (host.routes, subsets(one, "api.shop")) == ((), {"v1": {"version": "v1"}})
    assert [origin.ref.name for origin in host.origins] == ["p"]
    assert [str(key) for key in names(one.compiled())] == ["Host shop/api", "Host shop/web"]


def test_whole_of_another_host_gives_it_none() -> None:
    assert names(given(routing(entry("api.shop"))).compiled()) == ["Host shop/web"]


def test_another_cluster_is_refused() -> None:
    one = given(routing(entry("web.shop.us"), entry("web.shop")))
    compiled = one.compiled()
    (finding,) = found(compiled, "cross-cluster-route")
    assert "federation" in finding.message
    assert (names(compiled), held(compiled)) == ([], ["p"])
    assert verdict(compiled, "p", "traffic.route.weight").action == "Refused"


def test_unknown_backend_is_written_and_warned_about() -> None:
    one = given(routing(entry("apy.shop")))
    assert [(finding.code, finding.hint) for finding in one.compiled().findings] == [
        ("service-unknown", "did you mean api.shop?")
    ]
    assert one.host().routes[0].backends[0].service.name == "apy"


def test_subset_that_nobody_is_in_is_told() -> None:
    (finding,) = given(routing(entry(subset="v9"))).compiled().findings
    assert (finding.code, "version=v9" in finding.message) == ("subset-empty", True)


def test_one_entry_for_several_services_or_ports_is_refused() -> None:
    two = PolicyTarget(services=(svc("api.shop"), svc("web.shop")))
    one = given(traffic("p", rule={"traffic.route": (RouteEntry(two, 1),)})).compiled()
    assert codes(one) == ["route-ambiguous"]
    facts = {"eu": cluster_facts(services=(service("web.shop", PortFacts(80), PortFacts(81)),))}
    assert codes(given(routing(entry(ports=(80, 81))), facts=facts).compiled()) == ["route-ambiguous"]


def test_port_of_a_backend_by_name() -> None:
    assert given(routing(entry("api.shop", ports=("http",)))).host().routes[0].backends == (Backend(API, 1, port=80),)
    one = given(routing(entry("api.shop", ports=("grpc",)))).compiled()
    assert (codes(one), held(one)) == (["port-unknown"], ["p"])


def test_headers_of_a_backend() -> None:
    one = given(traffic("p", rule={"traffic.route": [{"weight": 1, "headers": {"request": {"set": {"a": "b"}}}}]}))
    assert one.host().routes[0].backends[0].headers == {"request": {"set": {"a": "b"}}}


def test_two_documents_with_one_subset_name_the_older_holds() -> None:
    older, newer = Subset("s", (("version", "v1"),), at()), Subset("s", (("version", "v2"),), at())
    documents = (routing(entry(subset="s")), declares("b", older), declares("a", newer))
    one = given(*documents, ages={older.position: 1, newer.position: 2})
    (finding,) = found(one.compiled(), "subset-conflict")
    assert (finding.severity.value, finding.position) == ("error", newer.position)
    assert [document.name for document in finding.documents] == ["a", "b"]
    assert subsets(one) == {"s": {"version": "v1"}}
    assert set(given(*documents).compiled().ties) == {older.position, newer.position}


def test_two_sets_of_labels_that_come_out_as_one_name() -> None:
    first = [{"to": {"subset": {"a": "b-c"}}}]
    second = [{"to": {"subset": {"a-b": "c"}}}]
    state = given(
        traffic("a", matches=(path("/a"),), rule={"traffic.route": first}),
        traffic("b", matches=(path("/b"),), rule={"traffic.route": second}),
    )
    (finding,) = found(state.compiled(), "subset-conflict")
    assert finding.severity.value == "error"
    assert held(state.compiled()) == ["b"]
    assert subsets(state) == {"a-b-c": {"a": "b-c"}}


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        ((("version", "v2"),), "v2"),
        ((("app", "x"), ("version", "v2")), "app-x-version-v2"),
        ((("track", "canary"),), "track-canary"),
    ],
)
def test_derived_name(labels: tuple[tuple[str, str], ...], name: str) -> None:
    assert derived_name(labels) == name


@pytest.mark.parametrize(
    "labels", [(("version", "V2_x"),), (("app.kubernetes.io/name", "x"),), (("version", "v" * 99),)]
)
def test_derived_name_is_safe_and_its_own(labels: tuple[tuple[str, str], ...]) -> None:
    name = derived_name(labels)
    assert len(name) <= 63
    assert all(char.isdigit() or char in "abcdefghijklmnopqrstuvwxyz-" for char in name)
    assert name != derived_name(((labels[0][0], labels[0][1] + "y"),))


def test_derived_name_leaves_a_declared_one_alone() -> None:
    one = given(
        traffic("p", rule={"traffic.route": [{"to": {"subset": {"version": "v1"}}}]}),
        declares("d", Subset("v1", (("version", "v2"),), at())),
    )
    backend = one.host().routes[0].backends[0]
    assert backend.subset.startswith("v1-")
    assert subsets(one) == {"v1": {"version": "v2"}, backend.subset: {"version": "v1"}}


def test_wildcard_policy_routes_within_each_service() -> None:
    one = given(traffic("p", to("*.shop"), rule={"traffic.route": (entry(subset="v1"),)}))
    for host in one.intent().hosts:
        assert host.routes[0].backends == (Backend(host.service, 1, "v1"),)
