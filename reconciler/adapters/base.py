"""What an adapter is: a value that a mesh's folder exports as ``ADAPTER``. See docs/adapters.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.adapters.built import Built
from reconciler.adapters.importing import Importer, Meanings, as_written, no_importer
from reconciler.model.claims import Capability as Capability
from reconciler.model.claims import Level as Level
from reconciler.model.facts import ClusterFacts, MeshFacts, PortFacts
from reconciler.model.health import HEALTHY
from reconciler.model.health import Health as Health
from reconciler.model.health import HealthState as HealthState
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId, ObjectKey, ServiceRef

Emitter = Callable[[MeshIntent], Iterable[Built]]


def unchanged(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return body


def no_bridge(_live: Mapping[str, Any], _desired: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return None


def nobody(_body: Mapping[str, Any]) -> str:
    return ""


def no_claims(_body: Mapping[str, Any]) -> tuple[str, ...]:
    return ()


def one_profile(_mesh: MeshFacts, _cluster: ClusterFacts, _service: ServiceRef | None) -> str:
    return ""


def always_healthy(_body: Mapping[str, Any]) -> Health:
    return HEALTHY


@dataclass(frozen=True, slots=True)
class Adapter:
    """``detect``: raw objects of a cluster (of ``detect_kinds``) to the control planes in it.

    ``capabilities`` of a profile by neutral path (longest prefix wins). ``profile`` names the way in which the mesh
    serves a service of a cluster ("" for the usual one; None asks for the mesh as a whole): a mesh may be able to do
    other things with a proxy beside each pod than with one for all. ``emitters`` are pure, and tell besides what
    cannot be said, and what is legal but will not do what was asked; ``normalize`` brings a body (desired or live)
    into the form in which the two may be compared; ``default_mesh`` stands in where no control plane was found.
    ``claims`` tells what an object takes for itself alone (a routed host): where a foreign object has the same claim,
    the mesh would not merge the two, and ours is not written. ``bridge`` (live, desired) gives what to apply first
    where going straight to desired would break what still refers to live (make before break), or None.
    ``proxied_pods``: a label (``key=value``) of pods with a proxy of the mesh; where proxies are to be counted, these
    are among the objects of ``detect``. ``lending``: by kind the annotations of somebody else's objects that the mesh
    reads, by how they begin. ``raw_kinds`` are those of ``kinds`` that no emitter makes: they are written for Extension
    documents only. ``importer`` proposes neutral documents for existing objects; ``meanings`` says when
    objects mean the same. ``controllers``: words by which Ingress documents ask for a gateway of one of its classes.
    ``caller_port``: where the proxy of a workload takes the calls of that, if it has to be asked for it.
    ``rivals``: kinds beside those that are written whose objects the mesh uses in place of ours with the same claim.
    ``copy_of``: what an object is one of several copies of, which guards count once. ``maker``: who makes an object by
    itself, "" for nobody: such a one is not imported. ``routed``: the hosts whose requests an object routes: where the
    last one of a host goes, a reviewer is told. ``routes_connections`` (profile, ports): whether the mesh chooses where
    connections go to these ports, none of which carries requests; None: it tells by itself what has no effect there.
    ``api``: the connection by which its own API is reached, "" where that is called as the mesh.
    """

    name: str
    kinds: tuple[NativeKind, ...]
    detect_kinds: tuple[NativeKind, ...]
    detect: Callable[[Iterable[Mapping[str, Any]]], tuple[MeshFacts, ...]]
    default_mesh: MeshFacts
    emitters: tuple[Emitter, ...]
    capabilities: Callable[[str], Mapping[str, Capability]]
    normalize: Callable[[Mapping[str, Any]], Mapping[str, Any]] = unchanged
    health: Callable[[Mapping[str, Any]], Health] = always_healthy
    claims: Callable[[Mapping[str, Any]], tuple[str, ...]] = no_claims
    bridge: Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any] | None] = no_bridge
    raw_kinds: tuple[NativeKind, ...] = ()
    proxied_pods: str = ""
    lending: Mapping[KindId, tuple[str, ...]] = field(default_factory=dict)
    importer: Importer = no_importer
    meanings: Meanings = as_written
    controllers: tuple[str, ...] = ()
    caller_port: int = 0
    copy_of: Callable[[ObjectKey], str] = str
    rivals: frozenset[KindId] = frozenset()
    maker: Callable[[Mapping[str, Any]], str] = nobody
    routed: Callable[[Mapping[str, Any]], tuple[str, ...]] = no_claims
    profile: Callable[[MeshFacts, ClusterFacts, ServiceRef | None], str] = one_profile
    profiles: tuple[str, ...] = ("",)
    routes_connections: Callable[[str, Sequence[PortFacts]], bool] | None = None
    api: str = ""

    def build(self, intent: MeshIntent) -> Iterator[Built]:
        """Everything that a target is asked to do, thing by thing."""
        return (built for emitter in self.emitters for built in emitter(intent))

    def kind(self, kind: KindId) -> NativeKind | None:
        return next((native for native in self.kinds if native.kind == kind), None)

    def capability(self, path: str, profile: str = "") -> Capability | None:
        """The claim that covers a path: its own, or the nearest one above it."""
        claims = self.capabilities(profile)
        while path:
            if (found := claims.get(path)) is not None:
                return found
            path = path.rpartition(".")[0]
        return None
