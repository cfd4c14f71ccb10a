"""Reading live objects: the form in which they are compared, their health, and what they take for themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.base import Health, HealthState
from reconciler.adapters.durations import canonical
from reconciler.adapters.leaves import section
from reconciler.adapters.raw import mappings, texts

_LIST = "*"
_TRAFFIC_POLICY = (
    ("connectionPool", "tcp", "connectTimeout"),
    ("connectionPool", "tcp", "idleTimeout"),
    ("connectionPool", "tcp", "maxConnectionDuration"),
    ("connectionPool", "tcp", "tcpKeepalive", "time"),
    ("connectionPool", "tcp", "tcpKeepalive", "interval"),
    ("connectionPool", "http", "idleTimeout"),
    ("outlierDetection", "interval"),
    ("outlierDetection", "baseEjectionTime"),
    ("loadBalancer", "consistentHash", "httpCookie", "ttl"),
    ("loadBalancer", "warmupDurationSecs"),
    ("loadBalancer", "warmup", "duration"),
)
#: where a duration lies; by path, since a header may well be called timeout
_DURATIONS = {
    "VirtualService": (
        ("spec", "http", _LIST, "timeout"),
        ("spec", "http", _LIST, "retries", "perTryTimeout"),
        ("spec", "http", _LIST, "retries", "backoff"),
        ("spec", "http", _LIST, "fault", "delay", "fixedDelay"),
        ("spec", "http", _LIST, "corsPolicy", "maxAge"),
    ),
    "DestinationRule": (
        *(("spec", "trafficPolicy", *path) for path in _TRAFFIC_POLICY),
        *(("spec", "trafficPolicy", "portLevelSettings", _LIST, *path) for path in _TRAFFIC_POLICY),
        *(("spec", "subsets", _LIST, "trafficPolicy", *path) for path in _TRAFFIC_POLICY),
    ),
}


def normalize(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """A body with one spelling of every duration. Nothing in the mesh rewrites these kinds, so nothing else changes."""
    changed: Any = body
    for path in _DURATIONS.get(str(body.get("kind", "")), ()):
        changed = _respelled(changed, path)
    assert isinstance(changed, Mapping)
    return changed


def _respelled(value: Any, path: tuple[str, ...]) -> Any:
    """The value itself where the path leads nowhere, else a copy along the path."""
    if not path:
        return canonical(value) if isinstance(value, str) else value
    head, rest = path[0], path[1:]
    if head == _LIST:
        return [_respelled(item, rest) for item in value] if isinstance(value, list) else value
    if isinstance(value, Mapping) and head in value:
        return {**value, head: _respelled(value[head], rest)}
    return value


def health(body: Mapping[str, Any]) -> Health:
    """What the control plane says of an object. It says nothing unless told to, which counts as healthy."""
    status = section(body, "status")
    generation = _number(section(body, "metadata").get("generation"))
    seen = _number(status.get("observedGeneration"))
    if seen is not None and generation is not None and seen < generation:
        return Health(HealthState.PROGRESSING, f"generation {generation} is not seen by the control plane yet")
    wrong = [_worded(message) for message in mappings(status.get("validationMessages")) if _is_error(message)]
    pending: list[str] = []
    for condition in mappings(status.get("conditions")):
        at = _number(condition.get("observedGeneration"))
        if str(condition.get("status")) != "False" or (at is not None and generation is not None and at < generation):
            continue
        words = _said(condition)
        (pending if condition.get("type") == "Reconciled" else wrong).append(words)
    if wrong:
        return Health(HealthState.DEGRADED, "; ".join(wrong))
    return Health(HealthState.PROGRESSING, "; ".join(pending)) if pending else Health(HealthState.HEALTHY)


def _is_error(message: Mapping[str, Any]) -> bool:
    return message.get("level") in ("ERROR", 3)


def _worded(message: Mapping[str, Any]) -> str:
    kind = section(message, "type")
    parts = [kind.get("code"), kind.get("name"), message.get("documentationUrl")]
    return " ".join(str(part) for part in parts if part)


def _said(condition: Mapping[str, Any]) -> str:
    detail = condition.get("message") or condition.get("reason") or "False"
    return f"{condition.get('type', 'condition')}: {detail}"


def _number(value: Any) -> int | None:
    """Generations of this mesh's status are numbers or text."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


#: kinds of which the mesh takes one for the same workloads, the oldest
_PER_WORKLOADS = {"PeerAuthentication": "mTLS", "Telemetry": "telemetry", "Sidecar": "reach", "ProxyConfig": "proxies"}


def claims(body: Mapping[str, Any]) -> tuple[str, ...]:
    """What an object takes for itself alone: each host that it routes inside the mesh, a subset or the settings of a
    host, or mTLS mode, telemetry, reach or proxies of some workloads. Of two objects with one such claim the mesh
    uses one and drops the other."""
    namespace, spec = str(section(body, "metadata").get("namespace", "")), section(body, "spec")
    if body.get("kind") == "VirtualService":
        gateways = texts(spec.get("gateways")) or ("mesh",)
        hosts = texts(spec.get("hosts")) if "mesh" in gateways else ()
        return tuple(sorted({f"mesh host {_full(host, namespace)}" for host in hosts}))
    if body.get("kind") == "Gateway" and str(body.get("apiVersion", "")).startswith("networking."):
        return _let_in(spec)
    if body.get("kind") == "DestinationRule":
        return _settled(spec, namespace)
    if what := _PER_WORKLOADS.get(str(body.get("kind"))):
        chooser = section(spec, "workloadSelector")
        labels = section(section(spec, "selector"), "matchLabels") or section(chooser, "labels")
        chosen = ",".join(f"{key}={labels[key]}" for key in sorted(labels)) or "all workloads"
        return () if spec.get("targetRefs") or spec.get("targetRef") else (f"{what} of {chosen} in {namespace}",)
    return ()


def routed(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The hosts whose requests an object routes, in the mesh or at gateways."""
    if body.get("kind") != "VirtualService":
        return ()
    namespace, spec = str(section(body, "metadata").get("namespace", "")), section(body, "spec")
    return tuple(sorted({_full(host, namespace) for host in texts(spec.get("hosts"))}))


def _let_in(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Each host on each port of the gateway's pods: of two equal ones the mesh takes the older."""
    labels = section(spec, "selector")
    pods = ",".join(f"{key}={labels[key]}" for key in sorted(labels)) or "every gateway"
    return tuple(
        sorted(
            {
                f"host {host.rpartition('/')[2]} on port {section(server, 'port').get('number')} of {pods}"
                for server in mappings(spec.get("servers"))
                for host in texts(server.get("hosts"))
            }
        )
    )


def _settled(spec: Mapping[str, Any], namespace: str) -> tuple[str, ...]:
    """The mesh joins the DestinationRules of one host in a namespace, but takes one's settings, and a subset once."""
    if spec.get("workloadSelector") or not spec.get("host"):
        return ()
    host = f"{_full(str(spec['host']), namespace)} in {namespace}"
    subsets = {f"subset {subset.get('name')} of {host}" for subset in mappings(spec.get("subsets"))}
    return tuple(sorted(subsets | ({f"settings of {host}"} if spec.get("trafficPolicy") else set())))


def _full(host: str, namespace: str) -> str:
    """A host without the domain of its cluster, which a body does not tell; a short name is read in its namespace."""
    host = host.lower().rstrip(".")
    if "." not in host:
        return host if host == "*" else f"{host}.{namespace}.svc"
    parts = host.split(".")
    return ".".join(parts[:3]) if len(parts) > 2 and parts[2] == "svc" else host
