"""Decoding of the common blocks, from their checked long form to ``model.selectors``.

``Decoder`` gathers what a schema cannot see: expressions that RE2 does not take, addresses that are none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.load.nodes import Map, Place, Seq, position
from reconciler.load.values import address_problem, regex_problem
from reconciler.model.findings import Finding, error
from reconciler.model.refs import DocRef, ServiceRef
from reconciler.model.selectors import (
    AccountRef,
    ClaimMatch,
    GrpcMatch,
    LabelExpression,
    Labels,
    Match,
    MeshSet,
    Pairs,
    PathKind,
    PathMatch,
    PolicySource,
    PolicyTarget,
    ValueMatch,
)


@dataclass(slots=True)
class Decoder:
    """The document being decoded and the findings about it so far. ``files``: those that it may name, by path."""

    ref: DocRef
    findings: list[Finding] = field(default_factory=list)
    files: Mapping[str, bytes] = field(default_factory=dict)

    def complain(self, code: str, message: str, at: Place, hint: str = "") -> None:
        self.findings.append(error(code, message, position(at), hint, self.ref))

    def regex(self, node: Map, key: str = "regex") -> str:
        problem = regex_problem(node[key])
        if problem:
            self.complain("wrong-value", f"not an RE2 expression: {problem}", node.values_at[key])
        return str(node[key])

    def addresses(self, node: Map, key: str) -> tuple[str, ...]:
        for text, at in node[key].entries() if key in node else ():
            problem = address_problem(text)
            if problem:
                self.complain("wrong-value", problem, at, "write an address or a block such as 10.0.0.0/8")
        return strings(node, key)


def strings(node: Map, key: str) -> tuple[str, ...]:
    return tuple(node.get(key, ()))


def pairs(node: Map | None) -> Pairs:
    return tuple(sorted(node.items())) if node else ()


def ports(node: Map) -> tuple[int | str, ...]:
    return tuple(port if isinstance(port, str) else int(port) for port in node.get("ports", ()))


def labels(node: Map | None) -> Labels:
    if not node:
        return Labels()
    expressions = tuple(
        LabelExpression(item["key"], item["operator"], strings(item, "values"))
        for item in node.get("matchExpressions", ())
    )
    return Labels(pairs(node.get("matchLabels")), expressions)


def mesh_set(node: Map) -> MeshSet:
    return MeshSet(
        names=strings(node, "names"),
        types=strings(node, "types"),
        clusters=strings(node, "clusters"),
        virtual_meshes=strings(node, "virtualMeshes"),
        labels=labels(node.get("labels")),
        versions=str(node.get("versions", "")),
    )


def lasting_mesh_set(node: Map, into: Decoder) -> MeshSet:
    """Of meshes that are chosen by what Git says: what runs there may change at any time."""
    if "versions" in node:
        told = "what a mesh runs cannot decide this, since it may change without a commit"
        into.complain("wrong-value", told, node.values_at["versions"], "choose by names, types, clusters or labels")
    return mesh_set(node)


def _meshes(node: Map) -> MeshSet | None:
    return mesh_set(node["meshes"]) if "meshes" in node else None


def service(node: Map) -> ServiceRef:
    return ServiceRef(node["name"], node["namespace"], node.get("cluster", ""))


def _services(node: Map) -> tuple[ServiceRef, ...]:
    return tuple(service(item) for item in node.get("services", ()))


def source(node: Map, at: Place, into: Decoder) -> PolicySource:
    workloads = node.get("workloads") or Map(at)
    blocks = node.get("ipBlocks") or Map(at)
    accounts = (service(item) for item in node.get("serviceAccounts", ()))
    return PolicySource(
        meshes=_meshes(node),
        clusters=strings(node, "clusters"),
        namespaces=strings(node, "namespaces"),
        workload_names=strings(workloads, "names"),
        workload_kinds=strings(workloads, "kinds"),
        workload_labels=labels(workloads.get("labels")),
        service_accounts=tuple(AccountRef(one.name, one.namespace, one.cluster) for one in accounts),
        identities=strings(node, "identities"),
        gateways=strings(node, "gateways"),
        ip_include=into.addresses(blocks, "include"),
        ip_exclude=into.addresses(blocks, "exclude"),
        authenticated=node.get("authenticated"),
        services=_services(node),
        position=position(at),
    )


def sources(node: Map, into: Decoder) -> tuple[PolicySource, ...] | None:
    """``from``; None when it is left out."""
    return tuple(source(item, at, into) for item, at in node["from"].entries()) if "from" in node else None


def target(node: Map, at: Place) -> PolicyTarget:
    subset = node.get("subset")
    named = isinstance(subset, str)
    return PolicyTarget(
        meshes=_meshes(node),
        clusters=strings(node, "clusters"),
        namespaces=strings(node, "namespaces"),
        labels=labels(node.get("labels")),
        services=_services(node),
        destinations=strings(node, "destinations"),
        hosts=strings(node, "hosts"),
        subset=() if named else pairs(subset),
        subset_name=str(subset) if named else "",
        ports=ports(node),
        everything=bool(node.get("everything")),
        position=position(at),
    )


def targets(node: Map) -> tuple[PolicyTarget, ...]:
    return tuple(target(item, at) for item, at in node["to"].entries())


def _values(node: Map, key: str, into: Decoder) -> tuple[ValueMatch, ...]:
    return tuple(_value(item, into) for item in node.get(key, ()))


def _value(node: Map, into: Decoder) -> ValueMatch:
    kind = next(kind for kind in ("exact", "prefix", "suffix", "regex", "present") if kind in node)
    value = "" if kind == "present" else into.regex(node) if kind == "regex" else str(node[kind])
    return ValueMatch(node["name"], kind, value, bool(node.get("invert")), bool(node.get("ignoreCase")))


def _path(node: Map, into: Decoder) -> PathMatch:
    kind = next(kind for kind in PathKind if kind in node)
    value = into.regex(node) if kind is PathKind.REGEX else str(node[kind])
    return PathMatch(kind, value, bool(node.get("ignoreCase")))


def claims(node: Map, key: str) -> tuple[ClaimMatch, ...]:
    """Conditions on a token, in one order."""
    found = {(_names(item["name"]), tuple(sorted(set(strings(item, "values"))))) for item in node.get(key, ())}
    return tuple(ClaimMatch(path, values) for path, values in sorted(found))


def _names(name: Any) -> tuple[str, ...]:
    return (name,) if isinstance(name, str) else tuple(name)


def _grpc(node: Map, into: Decoder) -> GrpcMatch:
    if "path" in node:
        told = "a gRPC method is a path, so the two cannot both be asked"
        into.complain("wrong-value", told, node.keys_at["grpc"], "keep one of them")
    return GrpcMatch(node["grpc"].get("service", ""), node["grpc"].get("method", ""))


def matches(node: Map, into: Decoder) -> tuple[Match, ...]:
    found: Seq | tuple[Any, ...] = node.get("match", ())
    return tuple(
        Match(
            path=_path(item["path"], into) if "path" in item else None,
            methods=strings(item, "methods"),
            headers=_values(item, "headers", into),
            query=_values(item, "query", into),
            authority=item.get("authority", ""),
            scheme=item.get("scheme", ""),
            ports=ports(item),
            sni=strings(item, "sni"),
            grpc=_grpc(item, into) if "grpc" in item else None,
            jwt_claims=claims(item, "jwtClaims"),
        )
        for item in found
    )
