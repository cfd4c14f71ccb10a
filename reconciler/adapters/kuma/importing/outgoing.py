"""What holds for the callers of a service, as rules of TrafficPolicies."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, only, renamed
from reconciler.adapters.kuma.importing.parts import Part, called, policy
from reconciler.adapters.kuma.retries import GRPC, HTTP
from reconciler.adapters.leaves import section
from reconciler.adapters.shortened import duration

_LIMITS = {"maxPendingRequests": "maxPending", "maxRequests": "maxRequests", "maxRetries": "maxRetries"}
_RATE = ("minimumHosts", "requestVolume", "standardDeviationFactor")


def _lengths(found: dict[str, Any]) -> dict[str, Any]:
    return {name: duration(value) for name, value in found.items()}


def timeouts(body: Body, scene: Scene) -> Draft:
    service, said = called(body, scene)
    only(said, ("connectionTimeout", "idleTimeout", "http"), "default")
    http = section(said, "http")
    only(http, ("requestTimeout", "streamIdleTimeout", "maxStreamDuration"), "http")
    names = {"requestTimeout": "request", "streamIdleTimeout": "idle", "maxStreamDuration": "stream"}
    limits = renamed(said, {"connectionTimeout": "connect"}) | renamed(http, names)
    rule: dict[str, Any] = {"timeout": _lengths(limits)} if limits else {}
    if "idleTimeout" in said:
        rule["connections"] = {"http": {"idle": duration(said["idleTimeout"])}}
    return policy(body, service, rule, scene, about="timeouts")


def retries(body: Body, scene: Scene) -> Draft:
    service, said = called(body, scene)
    only(said, ("http", "grpc"), "default")
    spoken = [part for name in ("http", "grpc") if (part := section(said, name))]
    asked = [_retries(part) for part in spoken]
    if len({str({key: value for key, value in one.items() if key != "on"}) for one in asked}) != 1:
        raise Unsayable("what it says of HTTP is not what it says of gRPC")
    words = [name for one in asked for name in one.get("on", ())]
    rule = {"retries": asked[0] | ({"on": words} if words else {})}
    return policy(body, service, rule, scene, about="retries")


def _retries(said: Part) -> dict[str, Any]:
    only(said, ("numRetries", "perTryTimeout", "backOff", "retryOn", "hostSelection"), "retries")
    made = renamed(said, {"numRetries": "attempts"}) | _lengths(renamed(said, {"perTryTimeout": "perTry"}))
    if backoff := section(said, "backOff"):
        made["backoff"] = _lengths(renamed(backoff, {"baseInterval": "base", "maxInterval": "max"}))
    if said.get("hostSelection"):
        if said["hostSelection"] != [{"predicate": "OmitPreviousPriorities", "updateFrequency": 2}]:
            raise Unsayable("no neutral field covers this choice of hosts")
        made["otherLocalities"] = True
    return made | _conditions(said.get("retryOn") or [])


def _conditions(names: list[Any]) -> dict[str, Any]:
    words = {theirs: ours for ours, theirs in (HTTP | GRPC).items()}
    codes = [int(name) for name in names if str(name).isdigit()]
    others = [str(name) for name in names if not str(name).isdigit()]
    if codes and others == ["Http3PostConnectFailure"]:
        others = []
    elif codes and not others:
        raise Unsayable("codes alone go on top of the conditions that the mesh has by itself")
    if unknown := [name for name in others if name not in words]:
        raise Unsayable(f"no neutral field covers the condition {unknown[0]}")
    made: dict[str, Any] = {"on": [words[name] for name in others]} if others else {}
    return made | ({"statusCodes": codes} if codes else {})


def breaker(body: Body, scene: Scene) -> Draft:
    service, said = called(body, scene)
    only(said, ("connectionLimits", "outlierDetection"), "default")
    limits, outlier = section(said, "connectionLimits"), section(said, "outlierDetection")
    only(limits, ("maxConnections", *_LIMITS), "connectionLimits")
    rule: dict[str, Any] = {}
    tcp, http = renamed(limits, {"maxConnections": "max"}), renamed(limits, _LIMITS)
    if parts := {name: part for name, part in (("tcp", tcp), ("http", http)) if part}:
        rule["connections"] = parts
    if outlier:
        rule["outlier"] = _outlier(outlier)
    return policy(body, service, rule, scene, about="circuit-breaking")


def _outlier(said: Part) -> dict[str, Any]:
    own = ("interval", "baseEjectionTime", "maxEjectionPercent", "healthyPanicThreshold", "detectors")
    only(said, own, "outlierDetection")
    found = section(said, "detectors")
    only(found, ("totalFailures", "gatewayFailures", "successRate"), "detectors")
    made = _lengths(renamed(said, {"interval": "interval", "baseEjectionTime": "baseEjection"}))
    made |= renamed(said, {"maxEjectionPercent": "maxEjectionPercent", "healthyPanicThreshold": "minHealthPercent"})
    made |= renamed(section(found, "totalFailures"), {"consecutive": "consecutiveErrors"})
    made |= renamed(section(found, "gatewayFailures"), {"consecutive": "consecutiveGatewayErrors"})
    if "successRate" in found:
        rate = section(found, "successRate")
        made["successRate"] = {
            name: float(rate[name]) if name == _RATE[-1] else rate[name] for name in _RATE if name in rate
        }
    return made


def balancing(body: Body, scene: Scene) -> Draft:
    service, said = called(body, scene)
    only(said, ("loadBalancer", "hashPolicies"), "default")
    chosen = section(said, "loadBalancer")
    only(chosen, ("type",), "loadBalancer")
    rule: dict[str, Any] = {"policy": chosen["type"]}
    if hashes := said.get("hashPolicies"):
        if len(hashes) != 1:
            raise Unsayable("requests are told apart by several keys")
        rule["hash"] = _hash(hashes[0])
    return policy(body, service, {"loadBalancing": rule}, scene, about="load-balancing")


def _hash(said: Part) -> dict[str, Any]:
    only(said, ("type", "header", "cookie", "queryParameter", "connection"), "hashPolicies")
    match said["type"]:
        case "Header":
            return {"header": said["header"]["name"]}
        case "QueryParameter":
            return {"query": said["queryParameter"]["name"]}
        case "Cookie":
            return {"cookie": dict(said["cookie"])}
        case "Connection":
            return {"sourceIp": bool(said["connection"]["sourceIP"])}
        case other:
            raise Unsayable(f"no neutral field covers a hash by {other}")


def health_check(body: Body, scene: Scene) -> Draft:
    service, said = called(body, scene)
    only(said, ("interval", "timeout", "healthyThreshold", "unhealthyThreshold", "http", "tcp", "grpc"), "default")
    ways = [name for name in ("http", "tcp", "grpc") if name in said]
    if len(ways) != 1:
        raise Unsayable("endpoints are asked in several ways, or in none")
    only(section(said, ways[0]), ("path",), ways[0])
    made = _lengths(renamed(said, {"interval": "interval", "timeout": "timeout"}))
    made |= renamed(said, {"healthyThreshold": "healthy", "unhealthyThreshold": "unhealthy"})
    made |= {"protocol": ways[0].upper(), **renamed(section(said, "http"), {"path": "path"})}
    return policy(body, service, {"healthCheck": made}, scene, about="health-check")
