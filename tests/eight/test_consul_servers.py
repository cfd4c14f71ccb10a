"""The eight policies at a genuine Consul server of version 1.8, whose services know no namespaces: what each becomes,
in sync at once, healed, and taken away in the order that the server takes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.adapters.given import dump
from tests.cases.whole import told
from tests.consul import fixtures
from tests.consul.server import Server
from tests.eight.eight import CLUSTER, HERE, POLICIES, SERVERS, documents, of_each
from tests.pipeline.fleet import Fleet, rows

EXPECTED = HERE / f"expected/{SERVERS}.yaml"
#: entries in the order in which each needs the one before
KINDS = ("ServiceDefaults", "ServiceResolver", "ServiceSplitter", "ServiceRouter")


class Datacenter(Fleet):
    """The two services on a server, and in Git the policies that a test asks for."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.server = server
        super().__init__(folder, {CLUSTER: {"consul": {"address": server.address}}})
        self.remove("desired-state/mesh.yaml")
        for number in (1, 2):
            server.register("b", 8080, number=number, Meta={"version": f"v{number}"})
        server.register("a", 8080)

    def ask(self, policies: Iterable[str]) -> None:
        for path in (self.repo / "policies").iterdir():
            path.unlink()
        text = yaml.safe_dump_all(list(documents(SERVERS, policies)))
        for said, here in (("b.shop\n", "b.default\n"), ("'*.shop'", "'*.default'"), ("sa/a.x", "sa/a.default")):
            text = text.replace(said, here)
        self.file("policies/all.yaml", text)
        self.commit("what is asked")

    def outcome(self, policies: Iterable[str]) -> dict[str, Any]:
        self.ask(policies)
        planned = self.plan().planned
        made_up = self.server.request("GET", "connect/ca/roots")["TrustDomain"]
        found: dict[str, Any] = json.loads(
            json.dumps(told(planned.compiled, planned.prepared.findings)).replace(made_up, "UUID.consul")
        )
        return found


@pytest.fixture
def datacenter(consul: Server, tmp_path: Path) -> Iterator[Datacenter]:
    made = Datacenter(tmp_path, consul)
    yield made
    made.store.close()


def test_each_policy_becomes_what_is_expected(datacenter: Datacenter, request: pytest.FixtureRequest) -> None:
    found = of_each(datacenter.outcome)
    if request.config.getoption("--update-golden"):
        EXPECTED.write_text(dump(found))
    assert found == yaml.load(EXPECTED.read_text(), yaml.CSafeLoader)


def test_the_eight_policies_come_stay_are_healed_and_go(datacenter: Datacenter) -> None:
    datacenter.ask(POLICIES)
    first = datacenter.apply()
    assert [result.message for result in first.results if result.message] == []
    assert [result.change.key.kind for result in first.results] == list(KINDS)
    before = fixtures.told(datacenter.server)
    for remembered in (True, False):
        if not remembered:
            datacenter.store.replace_proven(CLUSTER, {})
        assert rows(datacenter.apply())[f"{CLUSTER}/mesh"]["ok"] == len(KINDS)
    assert fixtures.told(datacenter.server) == before
    theirs = {"Protocol": "http", "Meta": {"team": "theirs"}}
    datacenter.server.put("service-defaults", "theirs", **theirs)
    changed = {
        "service-resolver": {"ConnectTimeout": "9s"},
        "service-splitter": {"Splits": [{"Weight": 100, "ServiceSubset": "v2"}]},
        "service-router": {"Routes": [{"Match": {"HTTP": {"PathPrefix": "/other"}}}]},
    }
    for kind, fields in changed.items():
        entry = datacenter.server.entry(kind, "b")
        assert entry is not None
        assert datacenter.server.request("PUT", "config", {**entry, **fields}) is True
    assert rows(datacenter.plan())[f"{CLUSTER}/mesh"]["drifted"] == len(changed)
    datacenter.apply()
    healed = rows(datacenter.apply())[f"{CLUSTER}/mesh"]
    assert (healed["ok"], "drifted" in healed) == (len(KINDS), False)
    datacenter.ask(())
    plan = datacenter.plan().planned.plan
    assert plan is not None
    gone = datacenter.apply(confirmed=frozenset({plan.targets[0].guard_fingerprint} - {""}))
    assert [result.message for result in gone.results if result.message] == []
    assert [result.change.key.kind for result in gone.results] == list(reversed(KINDS))
    assert [datacenter.server.entry(kind, "b") for kind in ("service-defaults", *changed)] == [None] * 4
    kept = datacenter.server.entry("service-defaults", "theirs")
    assert kept is not None
    assert theirs.items() <= kept.items()
