"""Reading live objects: the form in which they are compared, their health, and what they take for themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.adapters.base import Health, HealthState
from reconciler.adapters.durations import canonical
from reconciler.adapters.kuma.kinds import GROUP
from reconciler.adapters.leaves import section
from reconciler.adapters.raw import mappings

#: labels that the webhook adds (pkg/core/resources/labels): where an object comes from, and its role
_ADDED = (
    "kuma.io/display-name",
    "kuma.io/env",
    "kuma.io/origin",
    "kuma.io/policy-role",
    "kuma.io/zone",
    "k8s.kuma.io/namespace",
)
_LENGTHS = frozenset(
    {
        "baseEjectionTime", "baseInterval", "connectionTimeout", "idleTimeout", "initialJitter", "interval",
        "intervalJitter", "maxConnectionDuration", "maxInterval", "maxStreamDuration", "noTrafficInterval",
        "perTryTimeout", "refreshInterval", "requestHeadersTimeout", "requestTimeout", "streamIdleTimeout", "timeout",
        "ttl",
    }
)  # fmt: skip
#: of a delay; elsewhere a value is a text of its own
_DELAY = "delay"


def normalize(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """A body with one spelling of every duration, since the webhook writes each object anew, without the labels that
    it adds, and with the reference to the whole mesh that may be left out."""
    if not str(body.get("apiVersion", "")).startswith(f"{GROUP}/"):
        return body
    metadata = section(body, "metadata")
    labels = {key: value for key, value in section(metadata, "labels").items() if key not in _ADDED}
    changed = {**body, "metadata": {**metadata, "labels": labels}} if "labels" in metadata else dict(body)
    if not isinstance(body.get("spec"), Mapping):
        return changed
    spec = _respelled(body["spec"])
    return {**changed, "spec": {"targetRef": {"kind": "Mesh"}, **spec} if _is_policy(body) else spec}


def _is_policy(body: Mapping[str, Any]) -> bool:
    """Whether a policy without a reference is about the whole mesh."""
    return any(part in body["spec"] for part in ("to", "rules", "from", "default"))


def _respelled(value: Any, parent: str = "") -> Any:
    if isinstance(value, Mapping):
        return {key: _one(key, item, parent) for key, item in value.items()}
    return [_respelled(item, parent) for item in value] if isinstance(value, list) else value


def _one(key: str, item: Any, parent: str) -> Any:
    if isinstance(item, str) and (key in _LENGTHS or (key == "value" and parent == _DELAY)):
        return canonical(item)
    return _respelled(item, key)


def health(body: Mapping[str, Any]) -> Health:
    """What the control plane says of an object; of most kinds it says nothing, which counts as healthy."""
    wrong: list[str] = []
    pending: list[str] = []
    for condition in mappings(section(body, "status").get("conditions")):
        if condition.get("status") == "False":
            late = condition.get("reason") in ("Pending", "NotReady")
            (pending if late else wrong).append(_worded(condition))
    if wrong:
        return Health(HealthState.DEGRADED, "; ".join(wrong))
    return Health(HealthState.PROGRESSING, "; ".join(pending)) if pending else Health(HealthState.HEALTHY)


def _worded(condition: Mapping[str, Any]) -> str:
    detail = condition.get("message") or condition.get("reason") or "False"
    return f"{condition.get('type', 'condition')}: {detail}"


#: policies that the control plane makes of every mesh (pkg/defaults/mesh)
_DEFAULTS = re.compile(r"mesh-(timeout|gateways-timeout|circuit-breaker|retry)-all-.+")


def maker(body: Mapping[str, Any]) -> str:
    """Who makes an object by itself, "" for nobody: defaults of a mesh, and what a global control plane sent."""
    metadata = section(body, "metadata")
    if section(metadata, "labels").get("kuma.io/origin") == "global":
        return "the global control plane"
    return "the control plane" if _DEFAULTS.fullmatch(str(metadata.get("name", ""))) else ""


#: policies of which the mesh would put another one's fields into ours, or ours into its
_OF_CALLERS = {
    "MeshHTTPRoute": "routes",
    "MeshTimeout": "timeouts",
    "MeshRetry": "retries",
    "MeshCircuitBreaker": "circuit breaking",
    "MeshLoadBalancingStrategy": "load balancing",
    "MeshHealthCheck": "health checks",
}


def routed(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The services whose requests or connections an object routes."""
    if body.get("kind") not in ("MeshHTTPRoute", "MeshTCPRoute"):
        return ()
    own = str(section(body, "metadata").get("namespace", ""))
    targets = [section(item, "targetRef") for item in mappings(section(body, "spec").get("to"))]
    return tuple(sorted({f"{one['name']}.{one.get('namespace') or own}" for one in targets if one.get("name")}))


def claims(body: Mapping[str, Any]) -> tuple[str, ...]:
    """What an object takes for itself: what holds for the calls of some callers to a service. The mesh would make one
    of two such policies, field by field, so that neither would hold as it is written."""
    what, spec = _OF_CALLERS.get(str(body.get("kind"))), section(body, "spec")
    if what is None:
        return ()
    metadata = section(body, "metadata")
    own, mesh = str(metadata.get("namespace", "")), section(metadata, "labels").get("kuma.io/mesh", "default")
    chosen = section(spec, "targetRef")
    picked = {**section(chosen, "labels"), **section(chosen, "tags")}
    proxies = ",".join(f"{key}={picked[key]}" for key in sorted(picked)) or "all proxies"
    found = set()
    for item in mappings(spec.get("to")):
        target = section(item, "targetRef")
        if target.get("kind") == "MeshService" and target.get("name"):
            space = str(target.get("namespace") or own)
            port = f":{target['sectionName']}" if target.get("sectionName") else ""
            callers = "all callers" if space == own else f"callers in {own}"
            found.add(f"{what} of {callers} ({proxies}) to {space}/{target['name']}{port} in mesh {mesh}")
    return tuple(sorted(found))
