"""Whole runs on a folder of proxies that nobody runs: what lies there, whose it is, in which order it goes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.io.store import open_store
from reconciler.model.plans import Action
from reconciler.pipeline.outcome import Run
from tests.pipeline.fleet import codes, rows
from tests.pipeline.proxies import HTTP, ProxyFleet, proxies, workload

ALL = "{mode: Apply, limits: {maxDeletes: 1000, maxDeletePercent: 100}}"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[ProxyFleet]:
    made = proxies(tmp_path)
    made.settings(ALL)
    made.commit("no guards")
    made.at = datetime.now(UTC)
    made.apply()
    yield made
    made.store.close()


def written(run: Run) -> list[tuple[str, str]]:
    return [(str(one.change.action), f"{one.change.key.kind} {one.change.key.name}") for one in run.results]


def pruned(run: Run) -> list[str]:
    """Kinds in the order of being removed, each once in a row."""
    kinds = [one.change.key.kind for one in run.results if one.change.action is Action.PRUNE]
    return [kind for number, kind in enumerate(kinds) if not number or kinds[number - 1] != kind]


def test_what_is_there_is_in_sync_whether_or_not_proxies_run(shop: ProxyFleet) -> None:
    before = shop.files()
    assert set(rows(shop.apply())["eu/mesh"]) == {"ok", "degraded"}
    assert shop.files() == before


def test_a_lost_state_loses_and_doubles_nothing(shop: ProxyFleet) -> None:
    before, secrets = shop.files(), shop.secrets()
    lose_state(shop)
    assert set(rows(shop.apply())["eu/mesh"]) == {"ok", "degraded"}
    assert (shop.files(), shop.secrets()) == (before, secrets)


def test_what_is_given_up_while_the_state_is_lost_goes_all_the_same(shop: ProxyFleet) -> None:
    lose_state(shop)
    shop.remove("desired-state/services/cart.yaml")
    shop.remove("policies/cart.yaml")
    shop.commit("no cart")
    shop.apply()
    assert not shop.proxy("cart").exists()
    assert not [name for name, text in shop.files().items() if b"cart" in text]
    assert set(rows(shop.apply())["eu/mesh"]) == {"ok", "degraded"}


def lose_state(shop: ProxyFleet) -> None:
    shop.store.close()
    shutil.rmtree(shop.folder / "state")
    shop.store = open_store(shop.folder / "state")


def test_a_service_is_forgotten_by_its_callers_before_it_goes(shop: ProxyFleet) -> None:
    shop.remove("desired-state/services/cart.yaml")
    shop.remove("policies/cart.yaml")
    shop.commit("no cart")
    run = shop.apply()
    assert pruned(run) == ["Listener", "VirtualHost", "Cluster", "Bootstrap"]
    assert sorted(path.name for path in shop.proxy().iterdir()) == ["reviews-v1", "reviews-v2", "web"]


def test_routes_leave_a_part_before_the_part_goes(shop: ProxyFleet) -> None:
    shop.policy("reviews", "{to: [reviews.shop], rule: {timeout: 3s}}")
    shop.commit("no split")
    told = written(shop.apply())
    kinds = [(action, name.partition(" ")[0]) for action, name in told]
    assert kinds == sorted(kinds, key=lambda one: one[0] == "prune")
    assert {one for one in kinds if one[0] == "prune"} == {("prune", "Cluster")}
    assert ("update", "VirtualHost web~outbound~reviews.shop.8080") in told
    assert "reviews.shop.8080.v1" not in shop.resources("web", "clusters.json")


def test_a_copied_folder_is_not_ours(shop: ProxyFleet) -> None:
    shutil.copytree(shop.proxy("web"), shop.proxy("mine"))
    assert not written(shop.apply())
    assert (shop.proxy("mine") / "bootstrap.json").exists()


def test_a_copied_label_makes_nothing_ours(shop: ProxyFleet) -> None:
    path = shop.proxy("web") / "clusters.json"
    content = json.loads(path.read_text())
    content["resources"].append({**content["resources"][0], "name": "mine"})
    path.write_text(json.dumps(content))
    shop.apply()
    assert "mine" in shop.resources("web", "clusters.json")


def test_a_hand_edit_is_drift_and_healed(shop: ProxyFleet) -> None:
    path = shop.proxy("web") / "routes/outbound.json"
    text = path.read_text()
    before = spec(shop)
    assert '"3s"' in text
    path.write_text(text.replace('"3s"', '"9s"'))
    assert spec(shop) != before
    assert written(shop.apply()) == [("update", "VirtualHost web~outbound~reviews.shop.8080")]
    assert spec(shop) == before


def spec(shop: ProxyFleet) -> dict[str, Any]:
    """Of what ``web`` does for ``reviews``; metadata tells of the write."""
    found = shop.resources("web", "routes/outbound.json")["reviews.shop.8080"]
    return {key: value for key, value in found.items() if key != "metadata"}


def test_a_domain_that_somebody_else_has_at_a_proxy_is_told_and_not_written(shop: ProxyFleet) -> None:
    path = shop.proxy("web") / "routes/outbound.json"
    content = json.loads(path.read_text())
    foreign = {"name": "theirs", "domains": ["new.shop"], "routes": []}
    content["resources"][0]["virtual_hosts"].append(foreign)
    path.write_text(json.dumps(content))
    shop.service("new", workload("new", 30))
    shop.commit("new")
    run = shop.apply()
    hosts = shop.resources("web", "routes/outbound.json")
    assert "theirs" in hosts
    assert "new.shop.8080" not in hosts
    assert "new.shop.8080" in shop.resources("cart", "routes/outbound.json")
    assert run.planned.plan
    (withheld,) = [one for one in run.planned.plan.changes if one.withheld]
    assert (withheld.key.name, "theirs" in withheld.why) == ("web~outbound~new.shop.8080", True)


def test_no_key_is_told_to_anybody(shop: ProxyFleet) -> None:
    key = json.loads((shop.proxy("web") / "secrets/identity.json").read_text())
    secret = key["resources"][0]["tls_certificate"]["private_key"]["inline_string"].splitlines()[1]
    run = shop.apply()
    told = [path.read_bytes() for path in (shop.folder / "state").rglob("*") if path.is_file()]
    assert not any(secret.encode() in text for text in told)
    assert secret not in repr(run.planned)
    modes = {path.stat().st_mode & 0o077 for path in shop.repo.rglob("*") if path.name in ("identity.json", "root.key")}
    assert modes == {0}


def test_certificates_are_renewed_by_rounds_that_may_write(shop: ProxyFleet) -> None:
    before = shop.secrets()
    shop.at += timedelta(minutes=40)
    shop.settings("{mode: Report}")
    shop.commit("report")
    shop.apply()
    assert shop.secrets() == before
    shop.settings(ALL)
    shop.commit("apply")
    shop.apply()
    assert set(shop.secrets()) == set(before)
    assert not set(shop.secrets().values()) & set(before.values())
    (event,) = shop.events(type="identity.renewed")
    assert event.details["proxies"] == ["shop/cart", "shop/reviews-v1", "shop/reviews-v2", "shop/web"]


def test_an_authority_that_fails_is_told_once_and_again_when_it_works(shop: ProxyFleet) -> None:
    (root,) = (shop.repo / "live/eu/.authority").rglob("root.key")
    root.chmod(0o644)
    shop.at += timedelta(minutes=40)
    for _ in range(3):
        shop.apply()
    assert [event.result for event in shop.events(type="identity.renewed")] == ["failed"]
    root.chmod(0o600)
    for _ in range(3):
        shop.apply()
    assert [event.result for event in shop.events(type="identity.renewed")] == ["failed", "changed"]


def test_one_proxy_that_can_get_no_certificate_keeps_no_other_from_its_own(shop: ProxyFleet) -> None:
    before = shop.secrets()
    shutil.rmtree(shop.proxy("cart") / "secrets")
    (shop.proxy("cart") / "secrets").write_text("in the way")
    shop.at += timedelta(minutes=40)
    for _ in range(3):
        shop.apply()
    assert not set(shop.secrets().values()) & set(before.values())
    assert len(shop.secrets()) == 3
    told = shop.events(type="identity.renewed")
    assert [(event.result, len(event.details["proxies"])) for event in told] == [
        ("changed", 4), ("failed", 4), ("changed", 1), ("failed", 1),
    ]  # fmt: skip


def test_a_bootstrap_that_somebody_broke_is_healed(shop: ProxyFleet) -> None:
    before = shop.files()
    for node in ({"metadata": {"identity": {}}}, {"metadata": []}, [], {"metadata": {"identity": {"namespace": "/"}}}):
        path = shop.proxy("web") / "bootstrap.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "node": node}))
        shop.apply()
    lost = "node" not in json.loads(before["shop/web/bootstrap.json"])
    assert lost or codes(shop.apply()) >= {"object-degraded"}


SELF = {"localAddress": "127.77.1.1"}
ELSEWHERE = {"address": "10.0.0.1", "localAddress": "127.0.0.1"}


@pytest.mark.parametrize(
    ("over", "port", "words"),
    [
        ({"address": "127.77.1.2"}, {}, "port 8080 at 127.77.1.2"),
        ({"localAddress": "127.77.2.2"}, {}, "the administration of shop/cart"),
        (SELF, {"targetPort": 8080}, "web.shop behind shop/web"),
        (SELF, {"number": 15001}, "the calls that shop/web makes"),
        (SELF, {"number": 15000}, "the administration of shop/web"),
        ({}, {"targetPort": 15001}, "web.shop behind shop/web"),
        ({"name": "cart"}, {}, "there is a proxy shop/cart already"),
        ({"name": "cart", "address": "127.77.1.2", "localAddress": "127.77.2.2"}, {}, "another address or account"),
        ({"localAddress": "localhost"}, {}, "`localhost` is not an IP address"),
    ],
)
def test_a_workload_that_cannot_stand_there_is_told(
    shop: ProxyFleet, over: dict[str, Any], port: dict[str, Any], words: str
) -> None:
    shop.service("web", {**workload("web", 1), **over}, ports=[{**HTTP, **port}])
    shop.commit("odd")
    assert [one for one in shop.plan().planned.findings if words in one.message]


def test_each_machine_has_a_loopback_of_its_own(shop: ProxyFleet) -> None:
    for number, name in enumerate(("web", "cart"), 1):
        shop.service(name, {**workload(name, 1), **ELSEWHERE, "address": f"10.0.0.{number}"})
    shop.commit("machines")
    assert codes(shop.apply()) <= {"object-degraded"}


def test_a_workload_may_have_two_services(shop: ProxyFleet) -> None:
    shop.service("more", workload("web", 1), ports=[{**HTTP, "number": 8081}])
    shop.commit("two")
    assert codes(shop.apply()) <= {"object-degraded"}
    assert {"inbound.8080", "inbound.8081"} <= set(shop.resources("web", "listeners.json"))


def test_a_service_that_goes_is_removed_once_however_many_proxies_know_it(shop: ProxyFleet) -> None:
    """Each proxy has a copy of what is said of it: for the guards these are one."""
    shop.settings("{mode: Apply, health: {wait: 0s}}")  # and the usual limits
    for number in range(20):
        shop.service(f"s{number:02}", workload(f"s{number:02}", 30 + number))
    shop.commit("many")
    shop.apply()
    shop.remove("desired-state/services/s03.yaml")
    shop.commit("one less")
    run = shop.apply()
    assert rows(run)["eu/mesh"]["pruned"] > 20  # maxDeletes
    assert "blocked" not in rows(run)["eu/mesh"]
    for number in range(4, 14):
        shop.remove(f"desired-state/services/s{number:02}.yaml")
    shop.commit("half of them less")
    run = shop.apply()
    (target,) = run.planned.plan.targets
    assert any("copies counted once" in words for words in target.guards), (rows(run), target.guards, codes(run))
