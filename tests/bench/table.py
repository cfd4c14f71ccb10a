"""The figures as lines for people: absolute values, objects per second, and what they are in proportion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: what is compared: (ours, the other), and the ratio that is wanted
RATIOS = (
    ("ours cold", "kubectl apply cold", 2.0),
    ("ours cold", "ansible cold, scaled", None),
    ("ours cold, write phase", "raw requests", 0.8),
    ("ours unchanged", "kubectl apply unchanged", None),
    ("ours unchanged", "kubectl diff unchanged", 5.0),
    ("ours unchanged in the daemon", "kubectl diff unchanged", 50.0),
)


def text(found: dict[str, Any]) -> str:
    return "\n".join(_lines(found))


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"machine: {found['machine']}"
    for tool, why in found["missing"].items():
        yield f"not measured: {tool}: {why}"
    if "start" in found:
        yield f"reconciler --help: {found['start']['--help']:.3f} s (wanted at most 0.25)"
    if "compile" in found:
        one = found["compile"]
        yield (f"compile {one['policies']} policies for {one['clusters']} clusters: {one['objects']} objects in "
               f"{one['seconds']:.1f} s of CPU, {one['objects/s']:.0f} objects/s (wanted at least 5000)")  # fmt: skip
        yield f"compile again, one policy changed: {one['one changed, ms']:.0f} ms of CPU (wanted at most 100)"
    if "obeying" in found:
        one = found["obeying"]
        yield (f"commit to traffic that obeys, {one['commits']} commits: median {one['median']:.2f} s "
               f"(wanted at most 1), slowest {one['slowest']:.2f} s")  # fmt: skip
    if "reporting" in found:
        one = found["reporting"]
        yield (f"git push to comment and status, {one['policies']} policies on {one['clusters']} directory clusters: "
               f"median {one['median']:.2f} s (wanted at most 5), slowest {one['slowest']:.2f} s")  # fmt: skip
    for part in ("thousand", "many"):
        if part in found:
            yield from _objects(found[part])
    if "first-write" in found:
        one = found["first-write"]
        yield ""
        yield (f"commit to first write, {one['clusters']} API servers, {one['commits']} commits: "
               f"median {one['median']:.2f} s, slowest {one['slowest']:.2f} s")  # fmt: skip
    if "fleet" in found:
        yield ""
        for number, one in found["fleet"].items():
            if isinstance(one, dict):
                late = ", some late" if one["some were late"] else ""
                yield (f"{number} directory clusters: first round {one['first round']:.1f} s, unchanged "
                       f"{one['unchanged']:.2f} s, at most {one['peak MiB']:.0f} MiB{late}")  # fmt: skip
    if "growth" in found:
        one = found["growth"]
        held = ", ".join(f"{number}: {mib:.0f}" for number, mib in one["memory MiB"].items())
        yield ""
        yield f"memory in MiB after so many rounds on directory clusters: {held}"


def _objects(part: dict[str, Any]) -> Iterator[str]:
    seconds, size = part["seconds"], part["objects"]
    yield ""
    yield f"{size} objects {'seconds':>28} {'objects/s':>10}"
    for name, taken in seconds.items():
        yield f"  {name:<32} {taken:8.2f} {size / taken:10.0f}"
    for ours, other, wanted in RATIOS:
        if ours in seconds and other in seconds:
            aim = f" (wanted at least {wanted:g})" if wanted else ""
            yield f"  {ours} is {seconds[other] / seconds[ours]:.2f} x as fast as {other}{aim}"
    for name, mib in part.get("peak MiB", {}).items():
        yield f"  peak memory {name}: {mib:.0f} MiB"
    calls = ", ".join(f"{count} {name}" for name, count in part["calls of the unchanged pass"].items())
    yield f"  calls of the unchanged pass: {calls}"
