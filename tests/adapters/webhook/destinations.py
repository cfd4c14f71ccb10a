"""DestinationRule."""

from __future__ import annotations

from collections.abc import Iterator

from tests.adapters.webhook.shared import (
    LABEL,
    Body,
    exported,
    hostname,
    percent,
    selector,
)


def destination_rule(spec: Body, meta: Body) -> Iterator[str]:
    yield from hostname(spec.get("host", ""), wildcard=True)
    names = [subset["name"] for subset in spec.get("subsets", ())]
    if len(set(names)) < len(names):
        yield f"two subsets of one name: {names}"
    yield from (f"{name} is no name of a subset" for name in names if not LABEL.fullmatch(name))
    policies = [spec, *spec.get("subsets", ())]
    for policy in [one["trafficPolicy"] for one in policies if "trafficPolicy" in one]:
        yield from _traffic_policy(policy)
        for port in policy.get("portLevelSettings", ()):
            yield from [] if "port" in port else ["settings of no port"]
            yield from _traffic_policy({name: value for name, value in port.items() if name != "port"})
    yield from exported(spec, meta)
    yield from selector(spec.get("workloadSelector", {}).get("matchLabels", {}))


def _traffic_policy(policy: Body) -> Iterator[str]:
    if not policy:
        yield "a traffic policy without a field"
    pool, outlier = policy.get("connectionPool"), policy.get("outlierDetection", {})
    if pool is not None and not {"http", "tcp"} & set(pool):
        yield "a connection pool without a field"
    http = (pool or {}).get("http", {})
    if http.get("useClientProtocol") and http.get("h2UpgradePolicy") == "UPGRADE":
        yield "useClientProtocol and an upgrade"
    if outlier.get("consecutiveLocalOriginFailures") and not outlier.get("splitExternalLocalOriginErrors"):
        yield "local origin failures that are not split"
    if "consecutiveErrors" in outlier:
        yield "consecutiveErrors is deprecated"
    for name in ("maxEjectionPercent", "minHealthPercent"):
        yield from percent(outlier.get(name, 0), least=0)
    yield from _balancer(policy.get("loadBalancer", {}), "outlierDetection" in policy)
    yield from _client_tls(policy.get("tls", {}))


def _balancer(balancer: Body, outlier: bool) -> Iterator[str]:
    hashed, locality = balancer.get("consistentHash", {}), balancer.get("localityLbSetting", {})
    if "httpCookie" in hashed and not hashed["httpCookie"].get("name"):
        yield "a cookie without a name"
    if "minimumRingSize" in hashed:
        yield "minimumRingSize is deprecated"
    if size := hashed.get("maglev", {}).get("tableSize"):
        yield from [] if size < 5000011 and all(size % n for n in range(2, int(size**0.5) + 1)) else ["no prime table"]
    kinds = [name for name in ("distribute", "failover", "failoverPriority") if locality.get(name)]
    priority = " ".join(locality.get("failoverPriority", ()))
    if {"distribute", "failover"} <= set(kinds) or ("failover" in kinds and "topology" in priority):
        yield f"{kinds} together"
    if {"failover", "failoverPriority"} & set(kinds) and not outlier:
        yield "failover without outlier detection"
    for one in locality.get("distribute", ()):
        if sum(one["to"].values()) != 100 or any(not 1 <= weight <= 100 for weight in one["to"].values()):
            yield f"the weights of {one['from']} are not 100 in all"
    if any(one["from"] == one["to"] for one in locality.get("failover", ())):
        yield "failover to itself"


def _client_tls(tls: Body) -> Iterator[str]:
    files = [name for name in ("clientCertificate", "privateKey", "caCertificates", "credentialName") if tls.get(name)]
    if tls.get("insecureSkipVerify") and ("caCertificates" in files or tls.get("subjectAltNames")):
        yield "insecureSkipVerify and something to verify by"
    if "credentialName" in files and len(files) > 1:
        yield "credentialName and files"
    if (
        tls.get("mode") == "MUTUAL"
        and "credentialName" not in files
        and not {"clientCertificate", "privateKey"} <= set(files)
    ):
        yield "MUTUAL without a certificate and key"
    if tls.get("mode") in ("ISTIO_MUTUAL", "DISABLE") and files:
        yield f"{tls['mode']} with {files}"
