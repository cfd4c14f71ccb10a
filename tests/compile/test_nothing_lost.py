"""Nothing is silent: each leaf that a policy uses is in the intent, or refused, or lost a conflict, or said idle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given as cases
from hypothesis import settings
from hypothesis import strategies as st

from reconciler.adapters.base import Adapter, Capability, Level
from reconciler.adapters.durations import canonical
from reconciler.compile.lengths import LENGTHS
from reconciler.model.findings import Position
from reconciler.model.intents import MeshIntent, Origin
from reconciler.model.native import Compiled
from reconciler.model.refs import DocRef
from reconciler.model.rules import Leaf
from reconciler.model.selectors import Match
from reconciler.model.traffic import TrafficPolicy
from tests.compile.builders import emit_crowds, entry, given, header, path, picky, source, to, toy, traffic

LEAVES: Mapping[str, list[Any]] = {
    "traffic.route": [(entry(subset="v1"),), (entry("api.shop"), entry(subset="v2")), (entry("web.shop.us"),)],
    "traffic.mirror": [(entry("api.shop"),)],
    "traffic.redirect.path": ["/x"],
    "traffic.rewrite.prefix": ["/y"],
    "traffic.timeout.request": ["1s", "2s"],
    "traffic.retries.attempts": [1, 2],
    "traffic.fault.abort.httpStatus": [503],
    "traffic.headers.request.set x-a": ["1", "2"],
    "traffic.headers.response.remove x-b": [True],
    "traffic.cors.maxAge": ["1h"],
    "traffic.outlier.interval": ["1s", "2s"],
    "traffic.connections.tcp.max": [1],
    "traffic.loadBalancing.policy": ["Random", "Maglev"],
    "traffic.mtls": ["Strict", "Permissive"],
    "traffic.respond": [{"status": 418}],
    "traffic.timeout.idle": ["60s", "1m", "2m"],
    "traffic.timeout.connect": ["1s"],
    "traffic.retries.budget.percent": [20, 30],
    "traffic.loadBalancing.locality.prefer": ["Local"],
    "traffic.tls": [{"mode": "Simple"}, {"mode": "Disable"}],
    "traffic.rateLimit.local": [{"requests": 1, "unit": "Second"}, {"requests": 2, "unit": "Second"}],
    "traffic.extAuth": [{"server": "api.shop:80"}],
}
#: what a mesh may not be able to do together
EXCLUDES: Mapping[str, tuple[str, ...]] = {
    "traffic.timeout.connect": ("traffic.connections.tcp", "traffic.mirror"),
    "traffic.extAuth": ("traffic.rateLimit", "traffic.tls"),
    "traffic.rateLimit": ("traffic.from",),
}
#: few leaves a policy, so that policies often meet in the same places
RULES = st.lists(st.sampled_from(sorted(LEAVES)), max_size=4, unique=True).flatmap(
    lambda chosen: st.fixed_dictionaries({name: st.sampled_from(LEAVES[name]) for name in chosen})
)
MATCHES = st.lists(
    st.sampled_from([path("/a"), path("/b"), header("x-a"), Match(ports=(80,)), Match(ports=("nope",)), path("/")]),
    max_size=2,
    unique=True,
)
SOURCES = st.sampled_from([None, source("api.shop"), source(namespaces=("shop",)), source("nobody.shop")])
TARGETS = st.sampled_from([("web.shop",), ("*.shop",), ("wep.shop",), ("web.shop", "db.shop")])
POLICIES = st.lists(
    st.tuples(RULES, MATCHES, SOURCES, TARGETS, st.integers(0, 1), st.booleans()), min_size=1, max_size=4
)


@settings(max_examples=400, deadline=None)
@cases(
    POLICIES,
    st.sampled_from([None, "traffic.fault", "traffic.match.headers", "traffic.mirror", "picky"]),
    st.booleans(),
)
def test_every_leaf_is_accounted_for(drawn: list[tuple[Any, ...]], lacking: str | None, excluding: bool) -> None:
    documents = [
        traffic(
            f"p{index}",
            to(*targets),
            rule=rule,
            matches=tuple(matches),
            sources=(caller,) if caller else None,
            priority=priority,
            reject_unmatched=reject,
        )
        for index, (rule, matches, caller, targets, priority, reject) in enumerate(drawn)
    ]
    adapter = picky() if lacking == "picky" else toy({lacking: Level.NONE} if lacking else None)
    one = given(*documents, adapter=_excluding(adapter) if excluding else adapter)
    compiled, intent = one.compiled(), one.intent()
    for policy in documents:
        for leaf in policy.leaves:
            assert _accounted(leaf, policy, compiled, intent), (leaf, compiled.findings)


@settings(max_examples=400, deadline=None)
@cases(POLICIES, st.sampled_from([toy({"traffic.fault": Level.NONE}), picky(emit_crowds)]))
def test_every_refusal_is_held_and_told(drawn: list[tuple[Any, ...]], adapter: Adapter) -> None:
    documents = [
        traffic(f"p{index}", to(*targets), rule=rule, matches=tuple(matches), sources=(caller,) if caller else None)
        for index, (rule, matches, caller, targets, _, _) in enumerate(drawn)
    ]
    compiled = given(*documents, adapter=adapter).compiled()
    refused = {item.policy for item in compiled.verdicts if item.action == "Refused"}
    assert refused <= {str(hold.ref) for hold in compiled.holds}
    assert {str(document) for hold in compiled.holds if hold.finding for document in hold.finding.documents} >= refused
    assert all(hold.finding in compiled.findings for hold in compiled.holds)


def _excluding(adapter: Adapter) -> Adapter:
    more = {path: Capability(path, Level.NATIVE, excludes=others) for path, others in EXCLUDES.items()}
    return replace(adapter, capabilities=lambda profile: {**adapter.capabilities(profile), **more})


def _accounted(leaf: Leaf, policy: TrafficPolicy, compiled: Compiled, intent: MeshIntent) -> bool:
    return leaf.position in _told(compiled) or _refused(leaf, policy, compiled) or _present(leaf, policy, intent)


def _told(compiled: Compiled) -> set[Position]:
    return {one.position for one in compiled.findings if one.code in ("policy-conflict", "leaf-without-effect")}


def _meant(leaf: Leaf) -> Any:
    return canonical(leaf.value) if leaf.path in LENGTHS else leaf.value


def _refused(leaf: Leaf, policy: TrafficPolicy, compiled: Compiled) -> bool:
    return any(
        one.policy == str(policy.ref) and one.action in ("Refused", "Degraded") and one.capability.startswith(leaf.path)
        for one in compiled.verdicts
    )


def _present(leaf: Leaf, policy: TrafficPolicy, intent: MeshIntent) -> bool:
    """In the intent with its value, on something that names the policy as an origin."""
    for mode in intent.mtls:
        if (leaf.path, leaf.value) == ("traffic.mtls", mode.mode) and policy.ref in _refs(mode.origins):
            return True
    for host in intent.hosts:
        for route in (*host.routes, *host.inbound):
            if policy.ref not in _refs(route.origins):
                continue
            sent = {"traffic.route": route.backends, "traffic.mirror": route.mirrors}.get(leaf.path)
            if sent is not None and [one.weight for one in sent] == [one.weight for one in leaf.value]:
                return True
            if any((one.path, one.key, _meant(one)) == (leaf.path, leaf.key, _meant(leaf)) for one in route.leaves):
                return True
        same = any((one.path, one.value) == (leaf.path, leaf.value) for one in host.host_leaves)
        if same and policy.ref in _refs(host.origins):
            return True
    return False


def _refs(origins: Iterable[Origin]) -> set[DocRef]:
    return {origin.ref for origin in origins}


def test_a_dropped_leaf_would_be_seen() -> None:
    policy = traffic("p", rule={"traffic.timeout.request": "1s"})
    one, other = given(policy), traffic("p", rule={"traffic.retries.attempts": 1})
    assert _accounted(policy.leaves[0], policy, one.compiled(), one.intent())
    assert not _accounted(other.leaves[0], other, one.compiled(), one.intent())
