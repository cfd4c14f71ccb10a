"""The whole: broken documents, adapters that object, duplicates, meshes that are not there, the same twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.adapters.base import Level
from reconciler.adapters.built import Built, built
from reconciler.adapters.gaps import Gaps
from reconciler.compile import compile_state
from reconciler.model.documents import Broken
from reconciler.model.extensions import Extension, RawObject
from reconciler.model.facts import MeshFacts
from reconciler.model.findings import error, warning
from reconciler.model.intents import MeshIntent
from reconciler.model.refs import TargetId
from tests.compile.builders import (
    TARGET,
    TIMEOUT,
    US,
    access,
    at,
    cluster_facts,
    codes,
    emit_hosts,
    found,
    given,
    group,
    held,
    names,
    ref,
    source,
    to,
    toy,
    traffic,
)


def test_nothing_asked_is_nothing_written() -> None:
    one = given().compiled()
    assert dict(one.objects) == {TARGET: ()}
    assert (one.holds, one.verdicts, one.findings, one.ties, one.revision) == ((), (), (), (), "abc")


def test_same_arguments_same_result() -> None:
    one = given(traffic("p", rule=TIMEOUT, sources=source("api.shop")), access("q", sources=(source("api.shop"),)))
    assert one.compiled() == one.compiled()
    assert repr(one.intent()) == repr(one.intent())


def test_broken_documents_are_held() -> None:
    known, unknown = Broken("a.yaml", ref("p"), "a.yaml:3:1 is wrong"), Broken("b.yaml", None, "not YAML")
    one = given(broken=(unknown, known)).compiled()
    assert [(hold.ref, hold.target, hold.reason) for hold in one.holds] == [
        (ref("p"), None, "a.yaml: a.yaml:3:1 is wrong"),
        (None, None, "b.yaml: not YAML"),
    ]


def test_error_of_an_adapter_holds_its_documents() -> None:
    def emit(intent: MeshIntent) -> list[Built]:
        odd = warning("hash-key", "odd", at(), "", ref("q"))
        return [Built((), (error("mesh-inexpressible", "no", at(), "", ref("p")), odd))]

    one = given(traffic("p", rule=TIMEOUT), adapter=toy(emitters=(emit,))).compiled()
    assert codes(one) == ["hash-key", "mesh-inexpressible"]
    assert held(one) == ["p"]
    assert {finding.target for finding in one.findings} == {TARGET}


def test_where_nobody_alone_is_to_blame_an_error_of_an_adapter_holds_whoever_shares_the_object() -> None:
    def emit(intent: MeshIntent) -> Iterable[Built]:
        for host in intent.hosts:
            gaps = Gaps()
            if len(host.origins) > 1:
                gaps.error("mesh-inexpressible", "too many at once")
            yield built([], gaps, host.origins, intent, host.service)

    documents = (
        traffic("old", rule=TIMEOUT),
        traffic("new", rule={"traffic.retries.attempts": 1}),
        traffic("other", to("api.shop"), rule=TIMEOUT),
    )
    one = given(*documents, adapter=toy(emitters=(emit,))).compiled()
    assert held(one) == ["new", "old"]


def test_object_made_twice_is_made_by_nobody() -> None:
    body = {"apiVersion": "toy.example.org/v1", "kind": "Host", "metadata": {"name": "web", "namespace": "shop"}}
    raw = Extension(ref("e", "Extension"), at(), (), (RawObject(body, at()),))
    one = given(traffic("p", rule=TIMEOUT), raw).compiled()
    assert names(one) == []
    assert held(one) == ["e", "p"]
    duplicates = found(one, "object-duplicate")
    assert [finding.severity.value for finding in duplicates] == ["error", "error"]
    assert all("TrafficPolicy/default/p" in one.message and "Extension/default/e" in one.message for one in duplicates)


def test_object_made_by_two_emitters_or_two_meshes_is_made_by_nobody() -> None:
    policy = traffic("p", rule=TIMEOUT)
    one = given(policy, adapter=toy(emitters=(emit_hosts, emit_hosts))).compiled()
    assert (names(one), held(one)) == ([], ["p"])
    targets = (TargetId("eu", "a"), TargetId("eu", "b"))
    two = given(policy, targets=targets).compiled()
    assert {target: names(two, target) for target in targets} == {target: [] for target in targets}
    assert {hold.target for hold in two.holds} == set(targets)


def test_objects_of_other_clusters_are_no_duplicates() -> None:
    facts = {"eu": cluster_facts("eu"), "us": cluster_facts("us")}
    one = given(traffic("p", rule=TIMEOUT), facts=facts, targets=(TARGET, US)).compiled()
    assert codes(one) == []
    assert names(one) == names(one, US) == ["Host shop/web"]


def test_objects_are_sorted_by_key() -> None:
    one = given(traffic("p", rule=TIMEOUT | {"traffic.mtls": "Strict"}), access("a")).compiled()
    assert names(one) == ["Host shop/web", "Mode shop/web", "Rule shop/a-web"]


def test_mesh_that_is_not_there_is_assumed() -> None:
    facts = {"eu": cluster_facts(meshes=())}
    one = given(access("p", sources=(source("api.shop"),)), facts=facts, mesh={"namespace": "own", "revision": "r1"})
    assert codes(one.compiled()) == ["mesh-not-found"]
    mesh = one.intent().mesh
    assert (mesh.namespace, mesh.revision, mesh.trust_domain) == ("own", "r1", "cluster.local")
    assert one.rule("p").identities[0].trust_domain == "cluster.local"  # type: ignore[index]


def test_asserted_trust_domain() -> None:
    one = given(access("p", sources=(source("api.shop"),)), mesh={"trust_domain": "asserted.example.org"})
    assert codes(one.compiled()) == ["trust-domain-differs"]
    assert one.rule("p").identities[0].trust_domain == "asserted.example.org"  # type: ignore[index]
    silent = given(facts={"eu": cluster_facts(meshes=(MeshFacts("toy", "toy-system"),))}, mesh={"trust_domain": "a.b"})
    assert codes(silent.compiled()) == []


def test_mesh_without_adapter_has_no_entry() -> None:
    desired, facts, _, now, _ = given(traffic("p", rule=TIMEOUT)).arguments()
    one = compile_state(desired, facts, {}, now)
    assert dict(one.objects) == {}
    assert codes(one) == ["adapter-unknown"]


def test_stale_facts_are_compiled() -> None:
    desired, facts, adapters, now, _ = given(traffic("p", rule=TIMEOUT)).arguments()
    stale = replace(facts, unreachable={"eu": "down"}, stale=frozenset({"eu"}))
    assert names(compile_state(desired, stale, adapters, now)) == ["Host shop/web"]


def test_default_of_a_group_that_is_refused_holds_the_group() -> None:
    prod = group(leaves=traffic("prod", rule=TIMEOUT).leaves)
    one = given(prod, adapter=toy({"traffic.timeout": Level.NONE})).compiled()
    assert (names(one), held(one), codes(one)) == ([], ["prod"], ["capability-unsupported"])
    assert one.holds[0].ref == prod.ref
