"""Where state lies: one folder per repository, so that two repositories never share what they remember."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import click

from reconciler.cli.options import SourceOptions

#: where ``local up`` keeps its state, so that nothing of it lies outside of the folder
LOCAL_STATE = ".local/state"


def state_folder(source: SourceOptions) -> Path:
    """The folder of state for a repository: ``--state`` or RECONCILER_STATE as it is, else that of ``local up`` in a
    work tree that has one, else one of its own below /var/lib/reconciler for root where that is there, else below the
    XDG state home."""
    context = click.get_current_context(silent=True)
    chosen = context.find_root().obj["state"] if context else None
    if chosen:
        return Path(chosen).expanduser().absolute()
    if "://" not in source.repo and (own := Path(source.repo).expanduser().absolute() / LOCAL_STATE).is_dir():
        return own
    return _home() / _name_of(source)


def _home() -> Path:
    system = Path("/var/lib/reconciler")
    if os.geteuid() == 0 and system.is_dir():
        return system
    home = os.environ.get("XDG_STATE_HOME") or str(Path("~/.local/state").expanduser())
    return Path(home) / "reconciler"


def _name_of(source: SourceOptions) -> str:
    """A readable name with a digest: of the absolute path, or of the URL without what is secret in it."""
    local = "://" not in source.repo and Path(source.repo).expanduser().is_dir()
    place = str(Path(source.repo).expanduser().resolve()) if local else re.sub(r"//[^/@]*@", "//", source.repo)
    last = re.split(r"[/:]", place.rstrip("/"))[-1].removesuffix(".git")
    word = re.sub(r"[^A-Za-z0-9._-]", "-", last)[:40].strip(".") or "repository"
    digest = hashlib.sha256(f"{place}\n{source.path}".encode()).hexdigest()
    return f"{word}-{digest[:8]}"
