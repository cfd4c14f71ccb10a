"""ServiceResolver: the subsets of a service, how long a connection may take to open, and which instance is chosen.

Subsets are told apart by the ``Meta`` of instances. On Kubernetes that is the annotation
``consul.hashicorp.com/service-meta-<key>`` of a pod, and not its label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.consul.balancing import load_balancer
from reconciler.adapters.consul.enrolment import meta_place
from reconciler.adapters.consul.kinds import SERVICE_RESOLVER
from reconciler.adapters.consul.resilience import duration
from reconciler.adapters.envelopes import build
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section, tree
from reconciler.model.destinations import Subset
from reconciler.model.intents import HostIntent, MeshIntent
from reconciler.model.native import NativeObject

#: the kind of what servers tell of, whose labels are its ``Meta``
INSTANCE = "Instance"
_KEY = re.compile(r"[A-Za-z0-9_-]+")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
#: words of the filter language, which are values only between quotes
_RESERVED = frozenset({"and", "or", "not", "in", "is", "contains", "matches", "empty", "true", "false"})


def resolver(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject | None:
    """The object; None where nothing of this is asked."""
    rule = tree(host.host_leaves)
    spec: dict[str, Any] = {}
    if limit := _connect_timeout(host, rule, gaps):
        spec["connectTimeout"] = limit
    if host.subsets:
        ordered = sorted(host.subsets, key=lambda one: one.name)
        _advise(ordered, host, intent, gaps)
        spec["subsets"] = {subset.name: {"filter": _filter(subset, gaps)} for subset in ordered}
    leaf = leaf_at(host.host_leaves, "traffic.loadBalancing")
    if balancer := load_balancer(section(rule, "loadBalancing"), leaf, gaps):
        spec["loadBalancer"] = balancer
    if not spec:
        return None
    return build(intent, SERVICE_RESOLVER, host.service.namespace, host.service.name, spec, host.origins)


def _connect_timeout(host: HostIntent, rule: Mapping[str, Any], gaps: Gaps) -> str:
    either = (
        ("traffic.timeout.connect", section(rule, "timeout").get("connect")),
        ("traffic.connections.tcp.connectTimeout", section(section(rule, "connections"), "tcp").get("connectTimeout")),
    )
    return next((duration(value, leaf_at(host.host_leaves, path), gaps) for path, value in either if value), "")


def _advise(subsets: Iterable[Subset], host: HostIntent, intent: MeshIntent, gaps: Gaps) -> None:
    """Of pods, whose labels are not their ``Meta``, it is told where the annotation is missing."""
    facts = intent.cluster.service(host.service.name, host.service.namespace)
    behind = intent.cluster.workloads_with(host.service.namespace, facts.selector) if facts else ()
    for one in behind if intent.mesh.enrolled_namespaces else ():
        told = intent.mesh.settings.get(meta_place(one.namespace, one.kind, one.name), "").split(",")
        for subset in subsets if one.kind != INSTANCE else ():
            here = all(one.labels.get(key) == value for key, value in subset.labels)
            missing = [key for key, value in sorted(subset.labels) if f"{key}={value}" not in told]
            if here and missing:
                names = ", ".join(f"consul.hashicorp.com/service-meta-{key}" for key in missing)
                words = f"pods of {one.kind} {one.namespace}/{one.name} lack the annotation {names}"
                gaps.warning("subset-empty", f"{words}: by labels alone the mesh finds none of subset {subset.name}")


def _filter(subset: Subset, gaps: Gaps) -> str:
    for key, _ in subset.labels:
        if not _KEY.fullmatch(key):
            told = f"the Meta of an instance has keys of letters, digits, - and _, not {key!r}"
            gaps.error("mesh-inexpressible", f"{told}, by which subset {subset.name} is to be told", hint="use others")
    for _, value in subset.labels:
        if "`" in value:
            gaps.error(
                "mesh-inexpressible", f"a filter of the mesh cannot have {value!r}, which subset {subset.name} has"
            )
    return " and ".join(f"{_selector(key)} == {_value(value)}" for key, value in sorted(subset.labels))


def _selector(key: str) -> str:
    return f"Service.Meta.{key}" if _WORD.fullmatch(key) else f'Service.Meta["{key}"]'


def _value(text: str) -> str:
    if _WORD.fullmatch(text) and text.lower() not in _RESERVED:
        return text
    # the language knows no escaped quotes, but another kind of them
    return f"`{text}`" if '"' in text or "\\" in text else f'"{text}"'
