"""A shop of many objects whose commits change, add and remove some of each, and that people edit by hand between.

``Shop`` lives in a directory, ``KubeShop`` on an API server; both tell their live objects in one form.
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from reconciler.io.ids import new_id
from reconciler.model.native import EVENT_ANNOTATION
from reconciler.pipeline import run as pipeline
from reconciler.pipeline.outcome import Run
from reconciler.pipeline.world import Request
from tests.pipeline.fleet import FACTS, Fleet, service
from tests.pipeline.test_kube import KubeFleet

LIMITS = "limits: {timeout: 20s, maxDeletes: 100000, maxDeletePercent: 100}"


@dataclass(frozen=True, slots=True)
class Lying:
    """A live object: ``version`` differs whenever it was written."""

    version: str
    body: Mapping[str, Any]

    @property
    def event(self) -> str:
        """The id of the event of its last write by us."""
        return str(self.body["metadata"].get("annotations", {}).get(EVENT_ANNOTATION, ""))


Snapshot = dict[str, Lying]


class Commits:
    """Mixed into a fleet: what its commits ask."""

    policies: int
    namespace: str
    number: int = 0

    def asked(self: Any) -> dict[str, str]:
        """The policies of commit ``number``, by name: most differ from the commit before, some came, some went."""
        return {
            f"s{index:04}": self._rule(index)
            for index in range(self.policies)
            if (index + self.number) % 17  # the others are left out this time
        }

    def _rule(self: Any, index: int) -> str:
        timeout = self.number % 50 + 1 if index % 5 else 7
        route = f"route: {{v1: 90, v{2 + self.number % 2}: 10}}, " if index % 3 == 0 else ""
        return f"{{to: [s{index:04}.{self.namespace}], rule: {{{route}timeout: {timeout}s}}}}"

    def next_commit(self: Any) -> str:
        self.number += 1
        shutil.rmtree(self.repo / "policies", ignore_errors=True)
        for name, spec in self.asked().items():
            self.policy(name, spec)
        return str(self.commit(f"number {self.number}"))

    def wanted(self: Any) -> set[str]:
        """The names of the objects that Git asks for."""
        asked = self.asked()
        return {f"VirtualService {self.namespace}/{name}" for name in asked} | {
            f"DestinationRule {self.namespace}/{name}" for name, spec in asked.items() if "route" in spec
        }

    def command(self: Any, *arguments: str) -> list[str]:
        return ["--state", str(self.folder / "state"), *arguments, "--repo", str(self.repo)]

    def run_here(self: Any) -> Run:
        """An apply within this process, by the real clock."""
        world = replace(self.world(), now=lambda: datetime.now(UTC), new_id=new_id)
        return asyncio.run(pipeline.apply(world, Request()))


class Shop(Commits, Fleet):
    """On a directory cluster."""

    def __init__(self, folder: Path, policies: int) -> None:
        self.policies, self.namespace = policies, "shop"
        super().__init__(folder)
        self.settings(f"{{mode: Apply, {LIMITS}}}")
        self.facts("eu", [FACTS[0], *(service(f"s{index:04}") for index in range(policies))])

    def lying(self) -> Snapshot:
        found = {}
        for path in sorted((self.repo / "live/eu").rglob("*.yaml")):
            text = path.read_text()
            body = yaml.load(text, yaml.CSafeLoader)
            found[name_of(body)] = Lying(text, body)
        return found

    def meddle(self, chance: random.Random, count: int) -> set[str]:
        """Somebody adds a field to some objects and changes one of others; their names."""
        paths = sorted((self.repo / "live/eu").rglob("*VirtualService*/*.yaml"))
        names = set()
        for turn, path in enumerate(chance.sample(paths, min(count, len(paths)))):
            body = yaml.safe_load(path.read_text())
            names.add(name_of(body))
            path.write_text(yaml.safe_dump(meddled(body, turn)))
        return names


class KubeShop(Commits, KubeFleet):
    """On an API server; the namespace is the test's own."""

    def __init__(self, folder: Path, server: Any, namespace: str, policies: int) -> None:
        self.policies = policies
        super().__init__(folder, [server], namespace)
        self.settings(f"{{mode: Apply, owner: {namespace}, {LIMITS}}}")
        limits = {"timeout": "20s", "qps": 1000, "burst": 1000}
        self.cluster("c0", {"kubeconfig": {"path": str(server.kubeconfig)}}, limits=limits)

    def lying(self) -> Snapshot:
        found = {}
        for plural, kind in (("virtualservices", "VirtualService"), ("destinationrules", "DestinationRule")):
            status, listed = self.servers[0].request("GET", self.url(plural))
            assert status == 200, listed
            for item in listed["items"]:
                body = {**item, "kind": kind}
                meta = body["metadata"]
                found[name_of(body)] = Lying(f"{meta['uid']} {meta['resourceVersion']}", body)
        return found

    def meddle(self, chance: random.Random, count: int) -> set[str]:
        bodies = [item.body for name, item in sorted(self.lying().items()) if name.startswith("VirtualService")]
        names = set()
        for turn, body in enumerate(chance.sample(bodies, min(count, len(bodies)))):
            names.add(name_of(body))
            self.put("virtualservices", meddled(json.loads(json.dumps(body)), turn))
        return names


def meddled(body: dict[str, Any], turn: int) -> dict[str, Any]:
    if turn % 2:
        body["spec"]["http"][0]["timeout"] = "99s"
    else:
        body["spec"]["exportTo"] = ["."]
    return body


def name_of(body: Mapping[str, Any]) -> str:
    return f"{body['kind']} {body['metadata']['namespace']}/{body['metadata']['name']}"
