"""What holds for a service as a whole, as ``to[]`` of a policy: for the service, and for the Services of its subsets,
which are services of their own to the proxies of callers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.kuma.objects import WHOLE, build, to_service
from reconciler.adapters.standard.subsets import missing, name_of, used
from reconciler.model.intents import HostIntent, MeshIntent, Origin
from reconciler.model.native import NativeKind, NativeObject

Native = dict[str, Any]


def parts(host: HostIntent, namespace: str, intent: MeshIntent) -> list[Native]:
    """References to the Services of the subsets that some route sends to, from a policy of a namespace."""
    if missing(host.facts, host.service):
        return []
    own, wanted = host.service, used(host.service, intent)
    names = sorted(name_of(own, one.name, intent) for one in host.subsets if one.name in wanted)
    return [to_service(own, namespace) | {"name": name} for name in names]


def of_connections(
    kind: NativeKind, default: Mapping[str, Any], paths: tuple[str, ...], host: HostIntent, intent: MeshIntent
) -> NativeObject:
    """The policy of a kind for all callers of a service; ``paths``: of the leaves that ask for it."""
    service = host.service
    origins = {Origin(leaf.policy, leaf.position) for leaf in host.host_leaves if leaf.path.startswith(paths)}
    targets = [to_service(service, service.namespace), *parts(host, service.namespace, intent)]
    spec = {"targetRef": dict(WHOLE), "to": [{"targetRef": one, "default": dict(default)} for one in targets]}
    return build(intent, kind, service.namespace, service.name, spec, origins or host.origins)
