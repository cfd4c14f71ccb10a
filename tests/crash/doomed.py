"""``reconciler`` with a moment at which the process kills itself, as ``kill -9`` would, or is held:

    python doomed.py WHAT WHEN COUNT reconciler-arguments...

WHAT is a method of MOMENTS, WHEN is before or after, COUNT the number of the call, from 1. With a file as WHEN the
whole process makes it before the call, and goes on when it is taken away.
"""

import inspect
import os
import signal
import sys
import time
from pathlib import Path

from reconciler.cli.main import run
from reconciler.io.directory.cluster import DirectoryCluster
from reconciler.io.kube.cluster import KubeCluster
from reconciler.io.store.head import HeadFile
from reconciler.io.store.sql import SqlStore

#: what is recorded and written in an apply; commit is the moment within a transaction, before it is durable
MOMENTS = {
    "intents": [(SqlStore, "open_intents")],
    "outcomes": [(SqlStore, "close_intents")],
    "events": [(SqlStore, "append")],
    "commit": [(SqlStore, "_insert")],
    "head": [(HeadFile, "advance")],
    "value": [(SqlStore, "put")],
    "proofs": [(SqlStore, "replace_proven")],
    "lease": [(SqlStore, "acquire_lease")],
    "release": [(SqlStore, "release_lease")],
    "write": [(DirectoryCluster, "apply"), (KubeCluster, "apply")],
    "strip": [(DirectoryCluster, "remove_fields"), (KubeCluster, "remove_fields")],
    "delete": [(DirectoryCluster, "delete"), (KubeCluster, "delete")],
}


def hold(file):
    file.touch()
    while file.exists():
        time.sleep(0.02)


def doom(what, when, count):
    calls = iter(range(1, 1_000_000))

    def meet(moment):
        if moment == when:
            os.kill(os.getpid(), signal.SIGKILL)
        elif moment == "before" and when != "after":
            hold(Path(when))

    def wrap(method):
        def called(*arguments, **named):
            due = next(calls) == count
            if due:
                meet("before")
            result = method(*arguments, **named)
            if due:
                meet("after")
            return result

        async def awaited(*arguments, **named):
            due = next(calls) == count
            if due:
                meet("before")
            result = await method(*arguments, **named)
            if due:
                meet("after")
            return result

        return awaited if inspect.iscoroutinefunction(method) else called

    for owner, name in MOMENTS[what]:
        setattr(owner, name, wrap(getattr(owner, name)))


if __name__ == "__main__":
    doom(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    sys.exit(run(sys.argv[4:]))
