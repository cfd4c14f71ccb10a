"""What to say of an object whose file the proxy has not taken: not yet, never while it is down, or refused."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from reconciler.io.envoy.admin import Answer

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
    """None where the proxy works with the file as it lies there."""
    if answer.trouble:
        words = f"the proxy does not answer, and takes its files when it runs: {answer.trouble}"
        return {"state": DEGRADED, "message": words} if file == "bootstrap.json" else None
    known = subscription(file)
    if not known:
        return None
    if answer.accepted.get(known) == version:
        words = f"the proxy has taken {file} and prepares what is new in it"
        return {"state": PROGRESSING, "message": words} if answer.warming.get(known) else None
    if file == "listeners.json" and answer.refusals and name not in answer.refusals:
        return None  # the file's version stays behind for another listener's sake
    if answer.rejected.get(known):
        words = answer.refusals.get(name) or _words(folder / LOG) or "its log says why"
        return {"state": DEGRADED, "message": f"the proxy refused {file}: {words}"}
    return {"state": PROGRESSING, "message": f"the proxy has not taken {file} yet"}


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
