"""Who may call: what is closed, what is said of whom, and what is not said because it would be wider."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.adapters.envoy.arriving import admitted, chains, codes, mesh, names, roles, rules, spec

WEB = {"service_account": "web", "namespace": "shop"}
NOBODY = {"exact": "spiffe://"}


def allow(**said: Any) -> dict[str, Any]:
    return {"service": "a.shop", "policy": "p", **said}


def principal_names(said: Any) -> list[Any]:
    """Every name that a rule asks for, wherever it is in it."""
    if isinstance(said, dict):
        own = [said["principal_name"]] if "principal_name" in said else []
        return own + [name for value in said.values() for name in principal_names(value)]
    return [name for one in said for name in principal_names(one)] if isinstance(said, list) else []


def test_a_service_without_policies_has_no_rules() -> None:
    assert [rules(mesh(), role) for role in ("audit", "deny", "allow")] == [None, None, None]


def test_an_allow_for_one_port_closes_the_others() -> None:
    intent = mesh(access=[allow(**{"from": [WEB]}, match=[{"ports": [80]}])])
    assert list(rules(intent, "allow")["policies"]) == ["default/p"]
    assert roles(intent)["reconciler.allow"] == {"action": "ALLOW", "policies": {}}
    assert admitted(chains(intent, "a~inbound.5432")[0]) == [NOBODY]


def test_default_deny_closes_every_port() -> None:
    intent = mesh(default_deny={})
    assert rules(intent, "allow") == {"action": "ALLOW", "policies": {}}
    assert roles(intent)["reconciler.allow"] == {"action": "ALLOW", "policies": {}}


def test_a_policy_for_a_part_is_for_its_proxies_alone() -> None:
    intent = mesh(access=[allow(selector={"app": "a", "version": "v2"}, **{"from": [WEB]})])
    elsewhere = replace(intent, access=tuple(replace(one, part="v2") for one in intent.access))
    here = replace(intent, access=tuple(replace(one, part="v1", selector={"version": "v1"}) for one in intent.access))
    assert rules(elsewhere, "allow") is None
    assert rules(here, "allow") is not None


def test_nobody_is_allowed_by_an_allow_without_callers() -> None:
    intent = mesh(access=[allow(**{"from": []})])
    assert rules(intent, "allow") == {"action": "ALLOW", "policies": {}}
    assert codes(intent, "warning") == ["nothing-matches"]


def test_names_are_of_the_own_trust_domain_and_its_aliases() -> None:
    intent = mesh(mesh={"trust_domain_aliases": ["old"]}, access=[allow(**{"from": [WEB, {"namespace": "x"}]})])
    assert principal_names(rules(intent, "allow")) == [
        {"exact": "spiffe://cluster.local/ns/shop/sa/web"},
        {"exact": "spiffe://old/ns/shop/sa/web"},
        {"prefix": "spiffe://cluster.local/ns/x/sa/"},
        {"prefix": "spiffe://old/ns/x/sa/"},
    ]
    expected = [{"prefix": "spiffe://cluster.local/"}, {"prefix": "spiffe://old/"}]
    assert admitted(chains(intent, "a~inbound.80")[0]) == expected


def test_anybody_with_an_identity_is_of_the_own_trust_domain() -> None:
    intent = mesh(access=[allow(**{"from": [{"any_identity": True}]})])
    assert principal_names(rules(intent, "allow")) == [{"prefix": "spiffe://cluster.local/"}]


def test_a_foreign_trust_domain_is_let_in_where_an_allow_names_it_only() -> None:
    foreign = {"trust_domain": "far", "namespace": "x", "service_account": "y"}
    allowed = mesh(access=[allow(**{"from": [foreign]})])
    denied = mesh(access=[allow(action="Deny", **{"from": [foreign]})])
    assert admitted(chains(allowed, "a~inbound.80")[0]) == [
        {"prefix": "spiffe://cluster.local/"},
        {"prefix": "spiffe://far/"},
    ]
    assert admitted(chains(denied, "a~inbound.80")[0]) == [{"prefix": "spiffe://cluster.local/"}]
    assert admitted(chains(allowed, "b~inbound.9000")[0]) == [{"prefix": "spiffe://cluster.local/"}]


def test_a_namespace_that_is_denied_is_denied_in_every_trust_domain() -> None:
    intent = mesh(access=[allow(action="Deny", **{"from": [{"namespace": "x.y"}]})])
    assert principal_names(rules(intent, "deny")) == [{"safe_regex": {"regex": "spiffe://[^/]+/ns/x\\.y/sa/.+"}}]


def test_where_only_connections_are_seen_the_handshake_is_for_those_who_are_named() -> None:
    intent = mesh(access=[allow(**{"from": [WEB]})], mtls=[{"service": "a.shop", "mode": "Permissive"}])
    (chain,) = chains(intent, "a~inbound.5432")
    assert admitted(chain) == [{"exact": "spiffe://cluster.local/ns/shop/sa/web"}]
    assert len(chains(intent, "a~inbound.80")) == 2


def test_who_may_come_without_a_name_is_let_in() -> None:
    intent = mesh(access=[allow()], mtls=[{"service": "a.shop", "mode": "Permissive"}])
    assert len(chains(intent, "a~inbound.5432")) == 2


def test_a_deny_of_everybody_shuts_the_door() -> None:
    intent = mesh(access=[allow(action="Deny"), allow(policy="q", **{"from": [WEB]})])
    assert admitted(chains(intent, "a~inbound.5432")[0]) == [NOBODY]


def test_an_allow_that_wins_opens_it_for_those_whom_it_names() -> None:
    given = mesh(access=[allow(action="Deny"), allow(policy="q", **{"from": [WEB]})])
    intent = replace(given, access=(given.access[0], replace(given.access[1], priority=1)))
    assert admitted(chains(intent, "a~inbound.5432")[0]) == [{"exact": "spiffe://cluster.local/ns/shop/sa/web"}]
    (denied,) = rules(intent, "deny")["policies"]["default/p"]["principals"]
    everybody, exception = denied["and_ids"]["ids"]
    assert everybody == {"any": True}
    assert principal_names(exception["not_id"]) == [{"exact": "spiffe://cluster.local/ns/shop/sa/web"}]
    assert principal_names(rules(given, "deny")) == []


def test_an_allow_of_requests_allows_no_connection() -> None:
    intent = mesh(access=[allow(match=[{"methods": ["GET"]}])])
    assert roles(intent)["reconciler.allow"] == {"action": "ALLOW", "policies": {}}
    assert codes(intent, "warning") == ["http-rule-on-tcp"]


def test_a_deny_of_requests_is_for_ports_on_which_they_are_seen() -> None:
    everywhere = mesh(access=[allow(action="Deny", match=[{"path": {"exact": "/x"}}])])
    assert rules(everywhere, "deny")["action"] == "DENY"
    assert roles(everywhere) == {}
    named = mesh(access=[allow(action="Deny", match=[{"path": {"exact": "/x"}, "ports": [5432]}])])
    assert codes(named, "error") == ["http-rule-on-tcp"]
    assert "a~inbound.5432" not in names(named, "Listener")


@pytest.mark.parametrize(("action", "mode", "error"), [("Deny", "Disabled", True), ("Allow", "Disabled", False)])
def test_identities_need_mutual_tls(action: str, mode: str, error: bool) -> None:
    intent = mesh(access=[allow(action=action, **{"from": [WEB]})], mtls=[{"service": "a.shop", "mode": mode}])
    assert ("identity-without-mtls" in codes(intent, "error")) is error
    assert "identity-without-mtls" in codes(intent, "error") + codes(intent, "warning")


def test_who_decides_besides_is_unknown() -> None:
    intent = mesh(access=[allow(action="Custom", provider="opa")])
    assert codes(intent, "error") == ["authorizer-unknown"]
    assert not names(intent, "VirtualHost") & {"a~inbound.80~a.shop"}


@pytest.mark.parametrize("match", [{"query": [{"name": "a", "exact": "b"}]}, {"scheme": "https"}])
def test_what_could_be_got_around_is_not_said(match: dict[str, Any]) -> None:
    assert codes(mesh(access=[allow(action="Deny", match=[match])]), "error") == ["mesh-inexpressible"]


@pytest.mark.parametrize("raw", ["spiffe://*/ns/a/sa/b", "*/x"])
def test_an_identity_with_a_star_within_is_not_said(raw: str) -> None:
    assert codes(mesh(access=[allow(**{"from": [{"raw": raw}]})]), "error") == ["mesh-inexpressible"]


def test_a_host_is_denied_however_it_is_spelled_and_allowed_as_it_is_called() -> None:
    def host(action: str) -> str:
        intent = mesh(access=[allow(action=action, match=[{"authority": "a.shop"}])])
        (permission,) = rules(intent, action.lower())["policies"]["default/p"]["permissions"]
        text: str = permission["header"]["string_match"]["safe_regex"]["regex"]
        return text

    assert host("Deny") == "(?i:a\\.shop)\\.?(:.*)?"
    assert host("Allow") == "(?i:a\\.shop)(:[0-9]+)?"


def test_who_is_allowed_may_probe_and_nobody_else() -> None:
    hosts = {"a.shop": {"rule": {"healthCheck": {"path": "/healthz"}}}}
    intent = mesh(hosts=hosts, access=[allow(match=[{"path": {"exact": "/x"}}], **{"from": [WEB]})])
    policies = rules(intent, "allow")["policies"]
    assert sorted(policies) == ["default/p", "default/p/probe"]
    assert policies["default/p/probe"]["principals"] == policies["default/p"]["principals"]
    assert rules(mesh(hosts=hosts, default_deny={}), "allow")["policies"] == {}


def test_rules_change_no_listener() -> None:
    """So that connections go on while they change."""
    before, after = mesh(), mesh(access=[allow(match=[{"methods": ["GET"]}])])
    assert spec(before, "Listener", "a~inbound.80") == spec(after, "Listener", "a~inbound.80")
