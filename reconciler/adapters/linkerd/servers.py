"""Server: a port of some workloads, with what holds for who is not named by any rule.

It comes after all that lets callers in, since it shuts the port at once. What a port speaks is left to the proxy to
detect, unless it is opaque: `HTTP/1` would refuse callers of HTTP/2, and routes hold for what is detected, too.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.built import Built, built
from reconciler.adapters.envelopes import build, object_name
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.linkerd import authorizations, limits
from reconciler.adapters.linkerd.detect import POLICY_SETTING
from reconciler.adapters.linkerd.groups import Group, Port, check_overlap, groups, ports
from reconciler.adapters.linkerd.kinds import ACCESS_POLICY, SERVER
from reconciler.adapters.linkerd.outside import tell_outside
from reconciler.adapters.protocols import Speech
from reconciler.adapters.served import has_field
from reconciler.model.access import AccessAction
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject

DENY = "deny"
STRICT = "all-authenticated"
OPEN = "all-unauthenticated"
_POLICIES = {"Strict": STRICT, "Permissive": OPEN}
_SPOKEN = {Speech.OPAQUE: "opaque"}


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The Servers of all workloads that any rule is about, with what lets callers in."""
    every = groups(intent)
    for group in every:
        gaps = Gaps()
        check_overlap(group, every, intent, gaps)
        made = {one.key: one for one in _of_group(group, intent, gaps)}.values()
        yield built(made, gaps, group.origins, intent, group.services[0])


def _of_group(group: Group, intent: MeshIntent, gaps: Gaps) -> Iterable[NativeObject]:
    for service in filter(group.guards, group.services):
        tell_outside(service, intent, gaps)
    if not group.labels:
        told = f"no workloads are known behind {group.services[0]}, so nothing can be selected"
        gaps.error("mesh-inexpressible", told)
        return
    mode, found = _mode(group, intent, gaps), ports(group, intent, gaps)
    if not found and not gaps.blocking:
        gaps.error("port-needed", f"no port of {group.services[0].label} is known, and a Server is for one")
    for number, spoken in found.items():
        name = object_name(f"{group.name}-{number}", (group.namespace, group.name, str(number)))
        port = Port(group, number, spoken, name, strict=mode == STRICT)
        yield from authorizations.objects(port, intent, gaps)
        yield from limits.objects(port, intent, gaps)
        yield _server(port, mode, intent, gaps)


def _mode(group: Group, intent: MeshIntent, gaps: Gaps) -> str:
    """What holds for callers whom no rule names: as asked of these workloads, else of the mesh, else as it is. With an
    Allow nobody else may call, but it still matters whether all have to have an identity."""
    own = {one.mode for one in group.mtls}
    if len(own) > 1:
        named = ", ".join(sorted(str(one.service) for one in group.mtls))
        gaps.error("mtls-overlap", f"these are the same workloads and are asked for different modes: {named}")
    wide = {one.mode for one in intent.mtls if one.service is None}
    said = next(iter(own or wide), "")
    return _POLICIES.get(said) or _usual(group, intent, gaps)


def _usual(group: Group, intent: MeshIntent, gaps: Gaps) -> str:
    """The policy of these pods where no Server selects them, as they were started: a Server takes its place."""
    settings, namespace = intent.mesh.settings, f"{POLICY_SETTING}/{group.namespace}"
    plain = settings.get(namespace) or settings.get(POLICY_SETTING) or OPEN
    own = {settings.get(f"{namespace}/{one.kind}/{one.name}") or plain for one in group.workloads(intent)}
    if len(own) > 1 and not _is_closed(group, intent):
        told = f"the workloads behind {group.services[0].label} have different policies for who is not named"
        told += f", and a Server has one: {', '.join(sorted(own))}"
        gaps.about(group.origins).error("mesh-inexpressible", told)
    return own.pop() if len(own) == 1 else plain


def _is_closed(group: Group, intent: MeshIntent) -> bool:
    """Whether nobody gets in whom no rule names."""
    return any(one.action is AccessAction.ALLOW for one in group.access) or intent.default_deny is not None


def _server(port: Port, mode: str, intent: MeshIntent, gaps: Gaps) -> NativeObject:
    group = port.group
    spec = {
        "podSelector": {"matchLabels": dict(group.labels)},
        "port": port.number,
        "proxyProtocol": _SPOKEN.get(port.speech, "unknown"),
    }
    policy = DENY if _is_closed(group, intent) else mode
    if has_field(SERVER, ACCESS_POLICY, intent.cluster.crds):
        spec["accessPolicy"] = policy
    elif policy != DENY:
        told = "the definition of Server that the cluster has knows no accessPolicy: it would shut the port for all"
        gaps.error("mesh-too-old", told, hint="upgrade the definitions of the mesh")
    return build(intent, SERVER, group.namespace, port.name, spec, group.origins)
