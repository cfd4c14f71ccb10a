"""What an adapter cannot say is refused to who asks for it, and the others are written as if these were not there."""

from __future__ import annotations

from typing import Any

from hypothesis import given as cases
from hypothesis import settings
from hypothesis import strategies as st

from reconciler.model.findings import Severity
from reconciler.model.native import Compiled
from reconciler.model.rules import OnUnsupported, Otherwise
from tests.compile.builders import (
    TARGET,
    TIMEOUT,
    US,
    access,
    cluster_facts,
    codes,
    emit_crowds,
    entry,
    found,
    given,
    header,
    held,
    names,
    path,
    picky,
    to,
    traffic,
    verdict,
)
from tests.compile.test_nothing_lost import MATCHES, RULES

ODD = {"traffic.retries.attempts": 2}
PLAIN = {"traffic.retries.attempts": 1}
SERVICES = st.sampled_from(["web.shop", "api.shop"])
DRAWN = st.lists(st.tuples(RULES, MATCHES, SERVICES, st.integers(0, 1), st.booleans()), min_size=1, max_size=5)


def objects(compiled: Compiled) -> dict[str, tuple[Any, ...]]:
    return {str(one.key): (one.body, one.origins) for mine in compiled.objects.values() for one in mine}


@settings(max_examples=400, deadline=None)
@cases(DRAWN)
def test_the_others_are_written_as_if_those_to_blame_were_not_there(drawn: list[tuple[Any, ...]]) -> None:
    documents = [
        traffic(f"p{index}", to(service), rule=rule, matches=tuple(matches), priority=priority, reject_unmatched=reject)
        for index, (rule, matches, service, priority, reject) in enumerate(drawn)
    ]
    one = given(*documents, adapter=picky()).compiled()
    blamed = {ref for finding in found(one, "mesh-invalid-value") for ref in finding.documents}
    left = [document for document in documents if document.ref not in blamed]
    assert objects(one) == objects(given(*left, adapter=picky()).compiled())
    assert {ref.name for ref in blamed} <= set(held(one))


def test_only_whom_a_gap_is_about_is_refused_and_only_there() -> None:
    good, bad = (
        traffic("good", rule=TIMEOUT),
        traffic("bad", to("web.shop", "api.shop"), rule=ODD, matches=(path("/a"),)),
    )
    mixed = traffic("mixed", to("api.shop", "db.shop"), rule=PLAIN, matches=(header("x-a"),))
    one = given(good, bad, mixed, adapter=picky()).compiled()
    assert names(one) == ["Host shop/web"]
    assert held(one) == ["bad", "mixed"]
    assert verdict(one, "good", "traffic.timeout.request").action == "Applied"
    refused = verdict(one, "bad", "traffic.retries.attempts")
    assert (refused.action, [service.name for service in refused.destinations]) == ("Refused", ["api", "web"])
    (finding,) = [one for one in found(one, "mesh-invalid-value") if one.position == bad.leaves[0].position]
    assert (finding.severity, finding.documents) == (Severity.ERROR, (bad.ref,))


def test_a_policy_goes_on_where_it_can_be_said() -> None:
    bad = traffic("bad", to("web.shop", "api.shop"), rule={"traffic.route": (entry("web.shop", subset="v2"),)})
    higher = traffic("higher", rule={"traffic.route": (entry("web.shop", subset="v1"),)}, priority=1)
    one = given(bad, higher, adapter=picky()).compiled()
    # on web the higher one holds, so that nothing is wrong with the other
    assert [origin.ref.name for _, origins in objects(one).values() for origin in origins] == ["higher"]
    assert [service.name for service in verdict(one, "bad", "traffic.route.subset").destinations] == ["api"]


def test_who_comes_to_hold_then_is_asked_too() -> None:
    first, second = traffic("first", rule=ODD, priority=2), traffic("second", rule=ODD, priority=1)
    third = traffic("third", rule=PLAIN)
    one = given(first, second, third, adapter=picky()).compiled()
    assert held(one) == ["first", "second"]
    assert [origin.ref.name for origin in objects(one)["Host shop/web"][1]] == ["third"]
    assert not found(one, "policy-conflict")


def test_where_nobody_is_to_blame_all_is_held() -> None:
    rules = ({"traffic.timeout.request": "1s"}, {"traffic.timeout.idle": "60s"}, {"traffic.cors.maxAge": "1h"}, PLAIN)
    crowd = [traffic(f"p{number}", rule=rule) for number, rule in enumerate(rules)]
    one = given(*crowd, access("a"), adapter=picky(emit_crowds)).compiled()
    assert held(one) == ["p0", "p1", "p2", "p3"]
    assert verdict(one, "p0", "traffic.timeout.request").action == "Refused"
    assert verdict(one, "a", "access.allow").action == "Applied"
    # one of them goes for a reason of its own, and the others fit
    less = given(*crowd[:3], traffic("p3", rule=ODD), adapter=picky(emit_crowds)).compiled()
    assert (held(less), codes(less)) == (["p3"], ["mesh-invalid-value"])


def test_joint_policies_go_everywhere_and_say_why_where_it_is() -> None:
    targets = (TARGET, US)
    facts = {"eu": cluster_facts(), "us": cluster_facts("us", services=())}
    joint = OnUnsupported(all_or_nothing=True)
    documents = (traffic("joint", to("web.shop"), rule=ODD, on_unsupported=joint), traffic("other", rule=TIMEOUT))
    one = given(*documents, facts=facts, targets=targets, adapter=picky()).compiled()
    assert held(one)[:1] == ["joint"]
    assert found(one, "mesh-invalid-value")
    rejecting = OnUnsupported(default=Otherwise.FAIL)
    assert given(traffic("p", rule=ODD, on_unsupported=rejecting), adapter=picky()).compiled().rejected
