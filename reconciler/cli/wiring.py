"""The composition root: options become the World that a run needs. Heavy modules are imported here, and only here."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.folders import state_folder
from reconciler.cli.options import SourceOptions
from reconciler.model import clusters
from reconciler.model.events import Actor
from reconciler.ports import OutsideError

if TYPE_CHECKING:
    from reconciler.io.git import Credentials
    from reconciler.pipeline.world import World
    from reconciler.ports import Cluster, Source, Store

CLUSTERS = "clusters"  # in the state folder: directory clusters of repositories that have no work tree here


def open_source(options: SourceOptions) -> tuple[Source, Path]:
    """The source, and the folder against which relative paths of directory clusters are resolved: the work tree
    itself, or a folder of the state for a repository that has none here."""
    return _source_at(options, state_folder(options))


def _source_at(options: SourceOptions, state: Path) -> tuple[Source, Path]:
    local = Path(options.repo).expanduser()
    if "://" not in options.repo and local.is_dir() and not options.branch and not options.tag:
        from reconciler.io.worktree import WorktreeSource

        source = WorktreeSource(local, options.path)
        if not source.bare:
            return source, source.root
    from reconciler.io.git import GitSource, RefSpec

    mirrored = GitSource(
        options.repo,
        mirror_folder=state / "git",
        ref=RefSpec(branch=options.branch, tag=options.tag),
        folder=options.path,
        credentials=_credentials(options),
    )
    (state / CLUSTERS).mkdir(mode=0o700, parents=True, exist_ok=True)
    return mirrored, state / CLUSTERS


def _credentials(options: SourceOptions) -> Credentials | None:
    from reconciler.io.git import Credentials, Secret

    password = None
    if options.token_file:
        password = Secret(file=Path(options.token_file))
    elif os.environ.get("RECONCILER_GIT_TOKEN"):
        password = Secret(variable="RECONCILER_GIT_TOKEN")
    given = Credentials(
        username=options.username or ("token" if password else ""),
        password=password,
        ssh_key=Path(options.ssh_key) if options.ssh_key else None,
        known_hosts=Path(options.known_hosts) if options.known_hosts else None,
        ca_file=Path(options.ca_file) if options.ca_file else None,
    )
    return None if given == Credentials() else given


def open_state(state: Path) -> Store:
    from reconciler.io.store import open_store

    return open_store(state)


def cluster_opener(base: Path) -> Callable[[clusters.Cluster], Cluster]:
    def opener(cluster: clusters.Cluster) -> Cluster:
        from reconciler.io.clusters import open_cluster

        return open_cluster(cluster, base)

    return opener


def _open_source_aside(options: SourceOptions, state: Path, *, reads_head: bool) -> tuple[Source, Path]:
    """Most of it is waiting for Git, so what takes long to import is imported meanwhile."""
    with ThreadPoolExecutor(1) as aside:
        opening = aside.submit(_read_source, options, state, reads_head=reads_head)
        import reconciler.io.store.sql  # noqa: F401

        return opening.result()


def _read_source(options: SourceOptions, state: Path, *, reads_head: bool) -> tuple[Source, Path]:
    """With the files of its head already read where that is what the run is about; the run itself says what fails.

    ``state`` is given, because the command line is known to its own thread only."""
    source, base = _source_at(options, state)
    with suppress(OutsideError):
        if reads_head and (head := source.last_known()):
            source.tree(head)
    return source, base


@contextmanager
def open_world(options: SourceOptions, trigger: str, *, reads_head: bool = False) -> Iterator[World]:
    """Everything for one command; the store is closed at the end."""
    from reconciler.io.ids import new_id
    from reconciler.pipeline.meshes import installed
    from reconciler.pipeline.world import World

    state = state_folder(options)
    source, base = _open_source_aside(options, state, reads_head=reads_head)
    store = open_state(state)
    try:
        yield World(
            source=source,
            store=store,
            open_cluster=cluster_opener(base),
            adapters=installed(),
            now=lambda: datetime.now(UTC),
            new_id=new_id,
            actor=this_actor(trigger),
        )
    finally:
        store.close()


def this_actor(trigger: str) -> Actor:
    """Who does what this process does."""
    return Actor(f"{socket.gethostname()}:{os.getpid()}", _user(), trigger)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
