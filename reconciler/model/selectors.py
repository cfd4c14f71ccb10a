"""The common blocks of the neutral API: who (PolicySource), to whom (PolicyTarget), when (Match).

Long forms only; ``reconciler.load.shortforms`` expands the short ones. Field names follow docs/api.md in
snake_case. An empty tuple means "not restricted by this".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.findings import NOWHERE, Position
from reconciler.model.refs import ServiceRef

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LabelExpression:
    key: str
    operator: str  # In | NotIn | Exists | DoesNotExist
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        present = self.key in labels
        match self.operator:
            case "In":
                return present and labels[self.key] in self.values
            case "NotIn":
                return not present or labels[self.key] not in self.values
            case "Exists":
                return present
            case _:
                return not present


@dataclass(frozen=True, slots=True)
class Labels:
    """A label selector with the meaning of Kubernetes; an empty one matches everything."""

    match_labels: Pairs = ()
    match_expressions: tuple[LabelExpression, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(labels.get(key) == value for key, value in self.match_labels) and all(
            expression.matches(labels) for expression in self.match_expressions
        )


@dataclass(frozen=True, slots=True)
class MeshSet:
    """Which meshes; the fields are ANDed, the items of a field ORed; empty means all."""

    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    virtual_meshes: tuple[str, ...] = ()
    labels: Labels = Labels()
    versions: str = ""  # a range, of what runs there


@dataclass(frozen=True, slots=True)
class AccountRef:
    """A Kubernetes service account; an empty cluster means the destination's own (and those it trusts)."""

    name: str
    namespace: str
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class PolicySource:
    """One item of ``from[]``: fields are ANDed. ``None`` for ``meshes`` means no restriction."""

    meshes: MeshSet | None = None
    clusters: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    workload_names: tuple[str, ...] = ()
    workload_kinds: tuple[str, ...] = ()
    workload_labels: Labels = Labels()
    service_accounts: tuple[AccountRef, ...] = ()
    identities: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    ip_include: tuple[str, ...] = ()
    ip_exclude: tuple[str, ...] = ()
    authenticated: bool | None = None
    services: tuple[ServiceRef, ...] = ()
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class PolicyTarget:
    """One item of ``to[]`` (or of a route): fields are ANDed. A service named ``*`` is all of its namespace."""

    meshes: MeshSet | None = None
    clusters: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    labels: Labels = Labels()
    services: tuple[ServiceRef, ...] = ()
    destinations: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    subset: Pairs = ()
    subset_name: str = ""  # from the short form {v1: 90}: a Destination's subset, else the value of label "version"
    ports: tuple[int | str, ...] = ()
    everything: bool = False  # to: ["*"]
    position: Position = NOWHERE


class PathKind(StrEnum):
    EXACT = "exact"
    PREFIX = "prefix"  # by path elements: /api matches /api and /api/x, not /apis
    STRING_PREFIX = "stringPrefix"
    REGEX = "regex"  # RE2, the whole value
    SUFFIX = "suffix"


@dataclass(frozen=True, slots=True)
class PathMatch:
    kind: PathKind
    value: str
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class ValueMatch:
    """A header or query parameter. ``kind`` is exact, prefix, suffix, regex or present (then value is empty)."""

    name: str
    kind: str
    value: str = ""
    invert: bool = False
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class GrpcMatch:
    """A gRPC service (with its package), one of its methods, or both; empty means any."""

    service: str = ""
    method: str = ""

    @property
    def path(self) -> PathMatch:
        """What it is on the wire."""
        if self.service and self.method:
            return PathMatch(PathKind.EXACT, f"/{self.service}/{self.method}")
        if self.service:
            return PathMatch(PathKind.STRING_PREFIX, f"/{self.service}/")
        return PathMatch(PathKind.REGEX, f"/[^/]+/{self.method}")


@dataclass(frozen=True, slots=True)
class ClaimMatch:
    """A claim of a caller's token has one of these values; ``path``: its name, and the names inside it."""

    path: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """One item of ``match[]``: fields are ANDed. Equality leaves the position and the name out."""

    path: PathMatch | None = None
    methods: tuple[str, ...] = ()
    headers: tuple[ValueMatch, ...] = ()
    query: tuple[ValueMatch, ...] = ()
    authority: str = ""
    scheme: str = ""
    ports: tuple[int | str, ...] = ()
    sni: tuple[str, ...] = ()  # names, or *.suffix
    grpc: GrpcMatch | None = None  # never beside a path
    jwt_claims: tuple[ClaimMatch, ...] = ()

    @property
    def called(self) -> PathMatch | None:
        """The condition on the path, whichever way it is said."""
        return self.grpc.path if self.grpc else self.path
