"""A small fleet for whole runs: a real Git repository, directory clusters or API servers, a real store."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from reconciler.io.clusters import open_cluster
from reconciler.io.store import open_store
from reconciler.io.worktree import WorktreeSource
from reconciler.model.events import Actor, AuditEvent
from reconciler.pipeline import run as pipeline
from reconciler.pipeline.meshes import installed
from reconciler.pipeline.outcome import Run
from reconciler.pipeline.world import Request, World
from reconciler.report.events import stored_event

BASE = {
    "desired-state/reconciler.yaml": """
        apiVersion: reconciler.dev/v1alpha1
        kind: Reconciler
        metadata: {name: main}
        spec: {mode: Apply}
    """,
    "desired-state/mesh.yaml": """
        apiVersion: reconciler.dev/v1alpha1
        kind: Mesh
        metadata: {name: mesh}
        spec: {type: istio, clusterSelector: {}}
    """,
    "policies/reviews.yaml": """
        apiVersion: reconciler.dev/v1alpha1
        kind: TrafficPolicy
        metadata: {name: reviews}
        spec: {to: [reviews.shop], rule: {route: {v1: 90, v2: 10}, timeout: 3s}}
    """,
    "policies/cart.yaml": """
        apiVersion: reconciler.dev/v1alpha1
        kind: TrafficPolicy
        metadata: {name: cart}
        spec: {to: [cart.shop], rule: {timeout: 1s}}
    """,
}


def service(name: str, namespace: str = "shop") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
    }


FACTS: tuple[dict[str, Any], ...] = (
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"istio-injection": "enabled"}}},
    service("reviews"),
    service("cart"),
    service("checkout"),
)


@dataclass
class Fleet:
    """``folder`` is the repository's work tree; its clusters are directories unless ``connections`` says otherwise."""

    folder: Path
    connections: Mapping[str, Any] = field(default_factory=lambda: {"eu": None})
    at: datetime = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __post_init__(self) -> None:
        self.repo = self.folder / "repo"
        self.repo.mkdir()
        self.git("init", "-q", "-b", "main")
        self.store = open_store(self.folder / "state")
        self._ids = (f"id-{number:05}" for number in itertools.count())
        for name, text in BASE.items():
            self.file(name, text)
        for name, connection in self.connections.items():
            self.cluster(name, connection or {"directory": {"path": f"live/{name}", "facts": f"facts/{name}"}})
            self.facts(name, FACTS)
        self.file(".gitignore", "live/\nfacts/\n")
        self.commit("base")

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments]
        return subprocess.run(command, cwd=self.repo, check=True, capture_output=True, text=True).stdout.strip()

    def file(self, name: str, text: str) -> None:
        path = self.repo / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))

    def remove(self, name: str) -> None:
        (self.repo / name).unlink()

    def commit(self, message: str) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def change(self, name: str, text: str, message: str = "change") -> str:
        self.file(name, text)
        return self.commit(message)

    def cluster(self, name: str, connection: Mapping[str, Any], **spec: Any) -> None:
        document = {
            "apiVersion": "reconciler.dev/v1alpha1",
            "kind": "Cluster",
            "metadata": {"name": name},
            "spec": {"connection": dict(connection), **spec},
        }
        self.file(f"desired-state/clusters/{name}.yaml", yaml.safe_dump(document))

    def facts(self, cluster: str, objects: Any) -> None:
        self.file(f"facts/{cluster}/objects.yaml", yaml.safe_dump_all(objects))

    def policy(self, name: str, spec: str, kind: str = "TrafficPolicy") -> None:
        head = f"apiVersion: reconciler.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\n"
        self.file(f"policies/{name}.yaml", f"{head}spec: {spec}\n")

    def settings(self, spec: str) -> None:
        head = "apiVersion: reconciler.dev/v1alpha1\nkind: Reconciler\nmetadata: {name: main}\n"
        self.file("desired-state/reconciler.yaml", f"{head}spec: {spec}\n")

    def world(self, trigger: str = "test") -> World:
        return World(
            source=WorktreeSource(self.repo),
            store=self.store,
            open_cluster=lambda cluster: open_cluster(cluster, self.repo),
            adapters=installed(),
            now=self._now,
            new_id=lambda: next(self._ids),
            actor=Actor("test:1", "ada", trigger),
        )

    def _now(self) -> datetime:
        self.at += timedelta(milliseconds=10)
        return self.at

    def plan(self, **request: Any) -> Run:
        return asyncio.run(pipeline.plan(self.world(), Request(**request)))

    def apply(self, approved: str = "", stop: Callable[[], bool] = lambda: False, **request: Any) -> Run:
        return asyncio.run(pipeline.apply(self.world(), Request(**request), approved=approved, stop=stop))

    def live(self, cluster: str = "eu") -> dict[str, dict[str, Any]]:
        """Our objects in a directory cluster, by "Kind name"."""
        root = self.repo / "live" / cluster
        bodies = [yaml.safe_load(path.read_text()) for path in sorted(root.rglob("*.yaml"))]
        return {f"{body['kind']} {body['metadata']['name']}": body for body in bodies}

    def live_path(self, kind: str, name: str, cluster: str = "eu") -> Path:
        paths = (self.repo / "live" / cluster).rglob(f"*{name}.yaml")
        return next(path for path in paths if yaml.safe_load(path.read_text())["kind"] == kind)

    def edit(self, kind: str, name: str, old: str, new: str, cluster: str = "eu") -> None:
        """Somebody edits a live object by hand."""
        path = self.live_path(kind, name, cluster)
        text = path.read_text()
        assert old in text, text
        path.write_text(text.replace(old, new))

    def events(self, **filters: str) -> list[AuditEvent]:
        return [stored_event(row) for row in self.store.events(**filters)]


HEALTH = ("progressing", "degraded")


def rows(run: Run) -> dict[str, dict[str, int]]:
    """The recap without zeros."""
    names = ("ok", "changed", "pruned", "drifted", "blocked", "unreachable", "failed", "skipped", "late", *HEALTH)
    return {str(row.target): {n: getattr(row, n) for n in names if getattr(row, n)} for row in run.rows}


def codes(run: Run) -> set[str]:
    return {finding.code for finding in run.planned.findings}
