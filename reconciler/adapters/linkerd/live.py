"""Reading live objects: the form in which they are compared, their health, and what they take for themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.base import Health
from reconciler.adapters.leaves import section
from reconciler.adapters.linkerd.kinds import POLICY
from reconciler.adapters.raw import mappings
from reconciler.adapters.standard import live

#: who speaks of an object in its status
CONTROLLER = "linkerd.io/policy-controller"
Body = Mapping[str, Any]


def health(body: Body) -> Health:
    """What the mesh says of an object. Routes may have other implementations, too, whose word is not about it; the
    definitions of policies have their conditions at the top."""
    status = section(body, "status")
    own = [one for one in mappings(status.get("parents")) if one.get("controllerName") == CONTROLLER]
    kept = {**status, "parents": own} if "parents" in status else status
    return live.health({**body, "status": kept})


def claims(body: Body) -> tuple[str, ...]:
    """What an object takes for itself: the calls of a Service; the requests to a Server, whose routes would take them
    from ours; a port of pods; a limit. A profile of a service switches all of its routes off."""
    kind, group = str(body.get("kind", "")), str(body.get("apiVersion", "")).partition("/")[0]
    match kind:
        case "HTTPRoute" | "GRPCRoute":
            return tuple(sorted({*live.claims(body), *_of_servers(body)}))
        case "ServiceProfile":
            return tuple(_of_profile(body))
        case "TrafficSplit":
            return (_calls(_namespace(body), str(section(body, "spec").get("service", "")).partition(".")[0], ""),)
        case "Server" if group == POLICY:
            return tuple(_of_server(body))
        case "HTTPLocalRateLimitPolicy":
            target = section(section(body, "spec"), "targetRef")
            return (f"limit of Server {_namespace(body)}/{target.get('name')}",)
    return ()


def _namespace(body: Body) -> str:
    return str(section(body, "metadata").get("namespace", ""))


def _calls(namespace: str, service: str, callers: str) -> str:
    """As routes word it."""
    return f"calls of Service {namespace}/{service} by {f'callers in {callers}' if callers else 'all callers'}"


def _of_servers(body: Body) -> Iterable[str]:
    for parent in mappings(section(body, "spec").get("parentRefs")):
        if (parent.get("group"), parent.get("kind")) == (POLICY, "Server"):
            yield f"requests to Server {_namespace(body)}/{parent.get('name')}"


def _of_profile(body: Body) -> Iterable[str]:
    """It is named after the host of a service; in the namespace of callers it holds for them."""
    name = str(section(body, "metadata").get("name", "")).split(".")
    if len(name) > 2 and name[2] == "svc":
        yield _calls(name[1], name[0], "" if _namespace(body) == name[1] else _namespace(body))


def _of_server(body: Body) -> Iterable[str]:
    """Two Servers for one port of a pod: the mesh takes one of them, and says so only in its log."""
    spec = section(body, "spec")
    chosen = section(section(spec, "podSelector"), "matchLabels")
    if "podSelector" in spec and not section(spec, "podSelector").get("matchExpressions"):
        said = ",".join(f"{key}={value}" for key, value in sorted(chosen.items()))
        yield f"port {spec.get('port')} of pods with {said or 'any labels'} in {_namespace(body)}"
