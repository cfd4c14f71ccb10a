"""Names of things: documents in Git, services, native objects, targets. All sortable, all printable."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

API_VERSION = "reconciler.dev/v1alpha1"


@dataclass(frozen=True, slots=True, order=True)
class DocRef:
    """A document in Git: unique per kind and namespace (the namespace of Git, not of a cluster)."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> DocRef:
        """The inverse of ``str``; ValueError when the text is not of that form."""
        kind, namespace, name = text.split("/")
        return cls(kind, namespace, name)


@dataclass(frozen=True, slots=True, order=True)
class ServiceRef:
    """A Kubernetes-style service; an empty cluster means the cluster that the reader is about.

    With ``host`` it is no Service of a cluster but a literal host: of a Destination document, whose name it then has,
    or of nobody known. ``namespace`` is where its objects lie.
    """

    name: str
    namespace: str
    cluster: str = ""
    host: str = ""

    def __str__(self) -> str:
        return self.host or ".".join(part for part in (self.name, self.namespace, self.cluster) if part)

    @property
    def label(self) -> str:
        """How people call it, within one cluster."""
        return self.host or f"{self.name}.{self.namespace}"


#: the fields by which services are in order: many are sorted sooner by them than by asking each for its order
BY_SERVICE = attrgetter("name", "namespace", "cluster", "host")


@dataclass(frozen=True, slots=True, order=True)
class TargetId:
    """A cluster and a mesh in it: where objects go to."""

    cluster: str
    mesh: str

    def __str__(self) -> str:
        return f"{self.cluster}/{self.mesh}"


@dataclass(frozen=True, slots=True, order=True)
class KindId:
    """A native kind without its version. The core group is the empty string."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


@dataclass(frozen=True, slots=True, order=True)
class ObjectKey:
    """A native object within one cluster, whatever version it is read in; namespace is empty if cluster-wide."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {place}"

    @property
    def kind_id(self) -> KindId:
        return KindId(self.group, self.kind)
