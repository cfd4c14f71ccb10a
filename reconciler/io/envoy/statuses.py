"""What to say of an object whose file the proxy has not taken: not yet, never while it is down, or refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from reconciler.io.envoy.admin import Answer
from reconciler.io.envoy.bootstraps import unread

LOG = "proxy.log"  # where the proxy's own words are looked for: start it with --log-path
_TAIL = 64 * 1024
_REFUSED = re.compile(r"config (?:update )?rejected: (.+)")
_MARK = re.compile(r"[:,]? *goo\.gle/\w+.*$")  # a link that no page stands behind, before a message printed as text
PROGRESSING, DEGRADED = "Progressing", "Degraded"
Status = dict[str, str]


def subscription(file: str) -> str:
    """How the proxy's statistics call the subscription to a file; "" where it has none."""
    name = PurePosixPath(file).name.removesuffix(".json")
    match PurePosixPath(file).parts[0]:
        case "listeners.json":
            return "listener_manager.lds"
        case "clusters.json":
            return "cluster_manager.cds"
        case "routes":
            return f"http.{name}.rds.{name}"
    return ""


def status_of(file: str, version: str, name: str, answer: Answer, folder: Path) -> Status | None:
    """None where the proxy works with the file as it lies there. ``of`` is the file, where all of it shares this."""
    shared = {"of": _named(folder, file)}
    if answer.trouble:
        words = f"the proxy does not answer, and takes its files when it runs: {answer.trouble}"
        return {"state": DEGRADED, "message": words} if file == "bootstrap.json" else None
    known = subscription(file)
    if not known:
        return None
    if answer.accepted.get(known) == version:
        words = f"the proxy has taken {file} and prepares what is new in it"
        return {"state": PROGRESSING, "message": words, **shared} if answer.warming.get(known) else None
    if file == "listeners.json" and answer.refusals and name not in answer.refusals:
        return None  # the file's version stays behind for another listener's sake
    if answer.rejected.get(known):
        own = answer.refusals.get(name, "") if file == "listeners.json" else ""
        words = own or _words(folder / LOG) or "its log says why"
        return {"state": DEGRADED, "message": f"the proxy refused {file}: {words}", **({} if own else shared)}
    return {"state": PROGRESSING, "message": f"the proxy has not taken {file} yet", **shared}


def status_of_start(asked: Mapping[str, Any], version: str, answer: Answer, folder: Path) -> Status | None:
    """Of a bootstrap; None where the proxy runs with it. Nobody here knows who else may start it, or when."""
    parts = unread(asked, version, answer)
    if not parts:
        return None
    words = f"the proxy has to be restarted to take its bootstrap.json, and runs with another one ({', '.join(parts)})"
    return {"state": DEGRADED, "message": words, "of": _named(folder, "bootstrap.json")}


def _named(folder: Path, file: str) -> str:
    """A file, by the proxy that it is of."""
    return "/".join((*folder.parts[-2:], file))


def _words(log: Path) -> str:
    """The last refusal in the log of a proxy."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    found = [line for line in _REFUSED.findall(text) if "debugstr" not in line or ":" in line]
    return _MARK.sub("", found[-1]).strip() if found else ""
