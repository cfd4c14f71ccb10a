"""Decoding of what exists, Cluster and Mesh, and of the Reconciler document. Long forms in, values out."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.load.blocks import Decoder, labels, lasting_mesh_set, strings
from reconciler.load.destinations import locality
from reconciler.load.nodes import Map, Place, place_of, position
from reconciler.load.notices import notify
from reconciler.load.policies import mode_or_none, time_at
from reconciler.load.terms import native, on_unsupported
from reconciler.load.values import field_path, kind_id, seconds
from reconciler.model.clusters import (
    ApiConnection,
    AwsConnection,
    Cluster,
    ClusterLimits,
    Connection,
    DirectoryConnection,
    Discovery,
    InClusterConnection,
    KubeconfigConnection,
    ProxiesConnection,
    SecretPlace,
)
from reconciler.model.meshes import Mesh, MeshGateway
from reconciler.model.settings import AdoptRule, IgnoreRule, Limits, Mode, ModeOverride, Settings, Suspend

GROUP_LABEL = "group.reconciler.dev/"
_DEFAULT = Settings()


def cluster(root: Map, groups: Iterable[str], into: Decoder) -> Cluster:
    """A Cluster document or inventory host; ``groups`` become labels."""
    spec, groups = root["spec"], tuple(sorted(groups))
    limits, discovery = spec.get("limits") or Map(spec.at), spec.get("discovery") or Map(spec.at)
    return Cluster(
        name=root["metadata"]["name"],
        position=position(root.at),
        connection=_connection(spec["connection"], into),
        labels={**root["metadata"].get("labels", {}), **{f"{GROUP_LABEL}{name}": "" for name in groups}},
        groups=groups,
        cluster_domain=spec.get("clusterDomain", "cluster.local"),
        locality=locality(spec.get("locality")),
        mode=Mode(spec["mode"]) if "mode" in spec else None,
        read_only=spec.get("access") == "ReadOnly",
        prune_when_removed=spec.get("onRemoved") == "Prune",
        counts_proxies=discovery.get("proxies", False),
        discovery=_discovery(discovery),
        is_remembered=_is_remembered(spec, into),
        suspend=suspend(spec, into),
        limits=ClusterLimits(
            qps=float(limits.get("qps", ClusterLimits().qps)),
            burst=int(limits.get("burst", ClusterLimits().burst)),
            timeout=_duration(limits, "timeout", ClusterLimits().timeout, into),
        ),
    )


def _is_remembered(spec: Map, into: Decoder) -> bool:
    node = spec.get("onUnreachable") or Map(spec.at)
    policy = node.get("policy", "Freeze")
    if policy == "Evict":
        told = "`Evict` is not supported yet: it takes endpoints of the cluster from others, which needs federation"
        into.complain("unsupported-field", told, node.values_at["policy"], "Freeze, or Report")
    return bool(policy != "Report")


def _discovery(node: Map) -> Discovery:
    namespaces = node.get("namespaces") or Map(node.at)
    return Discovery(
        enabled=node.get("enabled", True),
        mesh_types=strings(node, "meshTypes"),
        include=strings(namespaces, "include"),
        exclude=strings(namespaces, "exclude"),
    )


def _connection(node: Map, into: Decoder) -> Connection:
    if "directory" in node:
        folder = _inside(node["directory"], into)
        return DirectoryConnection(folder["path"], folder.get("facts", ""))
    if "proxies" in node:
        folder = _inside(node["proxies"], into)
        return ProxiesConnection(
            folder["path"],
            folder.get("authority", ""),
            _duration(folder, "lifetime", ProxiesConnection("").lifetime, into),
        )
    if "kubeconfig" in node:
        return KubeconfigConnection(node["kubeconfig"].get("path", ""), node["kubeconfig"].get("context", ""))
    if "inCluster" in node:
        return InClusterConnection()
    if "aws" in node:
        return _aws(node["aws"], into)
    return _api(*next(iter(node.items())), into)


def _api(name: str, node: Map, into: Decoder) -> ApiConnection:
    """The schema has no other keys than the names of APIs besides."""
    if "caRef" in node and not node["address"].startswith("https://"):
        into.complain("wrong-value", "`caRef` is of no use without https", node.at, "write https:// in `address`")
    return ApiConnection(
        name,
        node["address"],
        node.get("datacenter", ""),
        node.get("partition", ""),
        _secret(node.get("tokenRef"), into),
        _secret(node.get("caRef"), into),
    )


def _aws(node: Map, into: Decoder) -> AwsConnection:
    regions = strings(node, "regions")
    if len(regions) > 1:
        told = "a cluster is one region: objects of one name may lie in each"
        into.complain("wrong-value", told, node.values_at["regions"], "make a Cluster of each region")
    return AwsConnection(
        region=regions[0],
        account=node.get("accountId", ""),
        role=node.get("roleArn", ""),
        secret=_secret(node.get("secretRef"), into),
        endpoint=node.get("endpoint", ""),
    )


def _secret(node: Map | None, into: Decoder) -> SecretPlace | None:
    if node is None:
        return None
    return SecretPlace(node.get("env", ""), _inside(node, into).get("file", ""))


def _inside(folder: Map, into: Decoder) -> Map:
    for key in {"path", "facts", "authority", "file"} & set(folder):
        if ".." in folder[key].split("/"):
            told = f"`{folder[key]}` leads out of its folder"
            into.complain("wrong-value", told, folder.values_at[key], "write a path without `..`")
    return folder


def suspend(spec: Map, into: Decoder) -> Suspend | None:
    node = spec.get("suspend")
    return None if node is None else Suspend(node["reason"], time_at(node, "until", into))


def _duration(node: Map, key: str, default: float, into: Decoder) -> float:
    """In seconds, more than none."""
    if key not in node:
        return default
    if seconds(node[key]) <= 0:
        into.complain("wrong-value", f"`{key}` must be more than nothing", node.values_at[key])
    return seconds(node[key])


def mesh(root: Map, clusters: Iterable[str], into: Decoder) -> Mesh:
    """``clusters``: those that it lists or selects."""
    spec = root["spec"]
    recognise, config = spec.get("match") or Map(spec.at), spec.get("config") or Map(spec.at)
    gateways = tuple(
        MeshGateway(
            name=item["name"],
            role=item["role"],
            namespace=item["namespace"],
            selector=labels(item["selector"]),
            port=item.get("port", 0),
            addresses=strings(item, "addresses"),
        )
        for item in spec.get("gateways", ())
    )
    return Mesh(
        ref=into.ref,
        position=position(root.at),
        type=spec["type"],
        clusters=tuple(sorted(clusters)),
        labels=dict(root["metadata"].get("labels", {})),
        namespace=recognise.get("namespace", ""),
        revision=recognise.get("revision", ""),
        mtls=mode_or_none(config.get("mtls", "")),
        egress=config.get("egress", ""),
        dns_capture=config.get("dnsCapture"),
        hold=config.get("hold"),
        trust_domain=config.get("trustDomain", ""),
        trust_domain_aliases=strings(config, "trustDomainAliases") if "trustDomainAliases" in config else None,
        version=spec.get("version", ""),
        gateways=gateways,
        disabled_capabilities=strings(spec.get("capabilities") or Map(spec.at), "disable"),
        suspend=suspend(spec, into),
        native=native(spec),
    )


def settings(root: Map, into: Decoder) -> Settings:
    """The Reconciler document with the defaults where it is silent."""
    spec = root.get("spec") or Map(root.at)
    name = root["metadata"]["name"]
    sources = spec.get("sources") or [Map(spec.at)]
    return Settings(
        name=name,
        position=position(root.at),
        owner=_owner(spec, name, root, into),
        interval=_duration(spec, "interval", _DEFAULT.interval, into),
        jitter=seconds(spec["jitter"]) if "jitter" in spec else _DEFAULT.jitter,
        mode=Mode(spec.get("mode", _DEFAULT.mode)),
        overrides=tuple(_override(item, into) for item in spec.get("overrides", ())),
        prune=spec.get("prune", _DEFAULT.prune),
        self_heal=spec.get("selfHeal", _DEFAULT.self_heal),
        adopt_unowned=spec.get("unowned") == "Adopt",
        adopt=tuple(
            AdoptRule(kind_id(one["gvk"]), one.get("namespace", ""), one["name"]) for one in spec.get("adopt", ())
        ),
        replace_immutable=spec.get("replace") == "Allow",
        ignore=tuple(_ignore(item, at, into) for item, at in (spec["ignore"].entries() if "ignore" in spec else ())),
        limits=_limits(spec.get("limits") or Map(spec.at), into),
        protect=tuple(dict.fromkeys((*_DEFAULT.protect, *(kind_id(gvk) for gvk in spec.get("protect", ()))))),
        strict=spec.get("strict", _DEFAULT.strict),
        follow_rewrites=sources[0].get("onRewrite") == "Follow",
        suspend=suspend(spec, into),
        on_unsupported=on_unsupported(spec),
        redact=strings(spec.get("audit") or Map(spec.at), "redact"),
        notify=notify(spec, into),
        health_wait=seconds(spec["health"]["wait"]) if "wait" in spec.get("health", {}) else _DEFAULT.health_wait,
    )


def _owner(spec: Map, name: str, root: Map, into: Decoder) -> str:
    if "owner" not in spec and len(name) > 63:
        at = place_of(root, ["metadata", "name"])
        into.complain("wrong-value", "too long for the label of its objects", at, "shorten it, or set `spec.owner`")
    return str(spec.get("owner", name))


def _override(node: Map, into: Decoder) -> ModeOverride:
    chosen = node["select"]
    return ModeOverride(
        mode=Mode(node["mode"]),
        meshes=lasting_mesh_set(chosen["meshes"], into) if "meshes" in chosen else None,
        clusters=strings(chosen, "clusters"),
    )


def _ignore(node: Map, at: Place, into: Decoder) -> IgnoreRule:
    paths: list[str] = []
    for text, where in node["jsonPaths"].entries() if "jsonPaths" in node else ():
        path = field_path(text)
        if path is None:
            into.complain("wrong-value", f"`{text[:80]}` is not a path", where, "write it as spec.http[*].timeout")
        else:
            paths.append(path)
    return IgnoreRule(
        kind=kind_id(node["gvk"]) if "gvk" in node else None,
        names=strings(node, "names"),
        paths=tuple(paths),
        managers=strings(node, "managers"),
        position=position(at),
    )


def _limits(node: Map, into: Decoder) -> Limits:
    default = Limits()
    return Limits(
        max_deletes=int(node.get("maxDeletes", default.max_deletes)),
        max_delete_percent=float(node.get("maxDeletePercent", default.max_delete_percent)),
        max_changed_percent=float(node.get("maxChangedPercent", default.max_changed_percent)),
        parallel_clusters=int(node.get("parallelClusters", default.parallel_clusters)),
        timeout=_duration(node, "timeout", default.timeout, into),
    )
