"""One apply in a process of its own, slow enough to be stopped in the middle of it:

    python writer.py REPO STATE SHORTEST_LEASE PAUSE [KUBECONFIG]

PAUSE seconds come before and after each write to a directory cluster; KUBECONFIG replaces that of the clusters. It
prints one line per result: outcome, object, message.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from reconciler.io.clusters import open_cluster
from reconciler.io.directory.cluster import DirectoryCluster
from reconciler.io.ids import new_id
from reconciler.io.kube.cluster import KubeCluster
from reconciler.io.store import open_store
from reconciler.io.worktree import WorktreeSource
from reconciler.model.clusters import KubeconfigConnection
from reconciler.model.events import Actor
from reconciler.pipeline import run as pipeline
from reconciler.pipeline.meshes import installed
from reconciler.pipeline.world import Request, World


class SlowDirectory(DirectoryCluster):
    """Writes come in steps: with each one begun, some are done and some are not."""

    pause = 0.0
    begun = 0

    async def apply(self, body, kind, *, force):
        self.begun += 1
        await asyncio.sleep(self.pause * (self.begun % 4))
        written = await super().apply(body, kind, force=force)
        say("wrote", body["metadata"]["name"])
        await asyncio.sleep(self.pause)
        return written


def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def opener(repo, pause, kubeconfig):
    def opened(document):
        if kubeconfig:
            return KubeCluster(document.name, KubeconfigConnection(kubeconfig), document.limits)
        if not pause:
            return open_cluster(document, repo)
        connection = document.connection
        cluster = SlowDirectory(document.name, repo / connection.path, repo / connection.facts, repo)
        cluster.pause = pause
        return cluster

    return opened


def main(repo, state, shortest, pause, kubeconfig=""):
    store = open_store(Path(state), timeout=30)
    world = World(
        source=WorktreeSource(Path(repo)),
        store=store,
        open_cluster=opener(Path(repo), float(pause), kubeconfig),
        adapters=installed(),
        now=lambda: datetime.now(UTC),
        new_id=new_id,
        actor=Actor(f"here:{os.getpid()}", "ada", "test"),
        shortest_lease=float(shortest),
    )
    run = asyncio.run(
        pipeline.apply(world, Request(), lambda r: say(r.outcome, r.change.key.name, r.message.replace("\n", " ")))
    )
    for finding in run.planned.findings:
        say("finding", finding)
    store.close()
    return run.code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
