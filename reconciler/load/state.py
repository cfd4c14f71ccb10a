"""``load``: a source tree to the desired state, stage by stage; every mistake of the repository at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.load import estate, policies
from reconciler.load.blocks import Decoder
from reconciler.load.checked import Checked, check_all
from reconciler.load.clusters import decode_clusters, gather_variables
from reconciler.load.documents import identify
from reconciler.load.files import ROOT, Files, has_desired_state, read_files
from reconciler.load.inventory import read_inventory
from reconciler.load.ledger import Ledger
from reconciler.load.manifests import Manifests
from reconciler.load.nodes import Map, position
from reconciler.load.notices import aimless
from reconciler.load.precedence import Variables, name_problems, read_variable_files, unknown_owners
from reconciler.load.readings import Reader, Reading, Values
from reconciler.load.references import Registry, reference_problems
from reconciler.load.scope import is_elsewhere
from reconciler.load.targets import clusters_of, find_targets, idle_meshes
from reconciler.load.views import Views, empty_groups
from reconciler.model.clusters import Cluster
from reconciler.model.commits import SourceTree
from reconciler.model.documents import DesiredState, View
from reconciler.model.findings import Finding, Position, Severity, error
from reconciler.model.meshes import Mesh
from reconciler.model.refs import TargetId
from reconciler.model.settings import Settings

_POLICIES = ("TrafficPolicy", "AccessPolicy", "TelemetryPolicy", "Extension", "Ingress")


def load(tree: SourceTree, mesh_types: Sequence[str]) -> tuple[DesiredState | None, tuple[Finding, ...]]:
    """The desired state of a tree and all that is wrong with it, sorted. ``mesh_types`` are the adapters' names.

    None when what is to be reconciled, or how, cannot be known: no desired-state folder, or an inventory or
    Reconciler document that cannot be used.
    """
    if not has_desired_state(tree):
        hint = "it holds what exists; policies/ holds what should hold"
        return None, (error("no-desired-state", f"there is no folder {ROOT}/ here", Position(ROOT), hint),)
    loading = _Loading(tuple(mesh_types), read_files(tree))
    state = loading.run(tree.commit.sha)
    return state, loading.ledger.sorted_findings()


@dataclass(slots=True)
class _Loading:
    """One run of load. The stages fill the fields in their order."""

    mesh_types: tuple[str, ...]
    files: Files
    ledger: Ledger = field(default_factory=Ledger)
    documents: list[Checked] = field(default_factory=list)
    readings: list[Reading[Any]] = field(default_factory=list)

    def run(self, revision: str) -> DesiredState | None:
        inventory = read_inventory(self.files.inventory)
        self.ledger.findings += inventory.findings
        variable_files = read_variable_files(self.files.variables)
        self.ledger.findings += variable_files.findings
        identified = identify(self.files.documents, self.ledger)
        self.documents = check_all(identified, self.ledger)
        variables = gather_variables(((one.ref, one.root) for one in self.documents), inventory, variable_files)
        clusters = decode_clusters(self.documents, variables, self.ledger)
        registry = self._registry(clusters, inventory_usable=not inventory.findings)
        views = self._views(clusters, variables, registry)
        self._check_variables(variables, registry)
        settings = self._settings(registry)
        if inventory.findings or settings is None:
            return None
        places = {
            reading.document.ref: position(reading.document.root.at) for reading in self.readings if reading.whole
        }
        places |= {cluster.ref: cluster.position for cluster in clusters.values()}
        places |= {one.ref: position(one.root.at) for one in self._of("Reconciler")}
        state = DesiredState(
            revision, settings, clusters, views, dict(sorted(places.items())), self.ledger.sorted_broken()
        )
        self.ledger.findings += aimless(state)
        return state

    def _of(self, *kinds: str) -> list[Checked]:
        return sorted((one for one in self.documents if one.ref.kind in kinds), key=lambda one: one.ref)

    def _registry(self, clusters: dict[str, Cluster], *, inventory_usable: bool) -> Registry:
        names = {kind: {one.ref.name for one in self._of(kind)} for kind in ("Mesh", "VirtualMesh", "Destination")}
        many = [one.ref.name for one in self._of("Destination")]
        return Registry(
            known={**names, "Cluster": set(clusters), "type": set(self.mesh_types), "gateway": set()},
            broken={kind: self.ledger.names(kind) for kind in ("Cluster", *names)},
            clusters_known=inventory_usable,
            unread=any(item.ref is None for item in self.ledger.broken),
            ambiguous=frozenset(name for name in many if many.count(name) > 1),
        )

    def _views(self, clusters: dict[str, Cluster], variables: Variables, registry: Registry) -> dict[TargetId, View]:
        """Meshes first, since they say what the targets are; then groups, then the policies that refer to these."""
        meshes = [one for one in self._of("Mesh") if not self._refers_wrongly(one, registry)]
        if registry.clusters_known and not registry.broken["Cluster"]:
            self.ledger.findings += idle_meshes(meshes, clusters)
        values = Values(variables, find_targets(meshes, clusters))
        in_clusters = {mesh.ref: clusters_of(mesh, clusters) for mesh in meshes}
        manifests = Manifests(self.files.manifests, self.files.refused)

        def mesh(root: Map, into: Decoder) -> Mesh:
            found = estate.mesh(root, in_clusters[into.ref], into)
            return replace(found, install=manifests.install(root["spec"], into))

        self._read(meshes, Reader(values, mesh, _no_review), registry)
        self.ledger.findings += manifests.findings()
        values = Values(variables, self._targets(values.targets))
        registry.known["gateway"] |= self._gateways() | {one.ref.name for one in self._of("Ingress")}

        def review(document: Checked, root: Map) -> list[Finding]:
            return reference_problems(document.ref, root, registry)

        self._read(self._of("Destination"), Reader(values, policies.decode, review), registry)
        self._read(self._of("VirtualMesh"), Reader(values, policies.decode, review), registry)
        views = {target: Views(self.readings).on(target) for target in values.targets}
        self._refuse_empty(views, registry)
        views = {target: Views(self.readings).on(target) for target in values.targets}

        def skip(document: Checked, target: TargetId) -> bool:
            return is_elsewhere(document, target, views[target])

        self._read(self._of(*_POLICIES), Reader(values, policies.decode, review, skip, self.files.key_sets), registry)
        made = Views(self.readings)
        return {target: made.on(target) for target in values.targets}

    def _refers_wrongly(self, document: Checked, registry: Registry) -> bool:
        problems = reference_problems(document.ref, document.root, registry)
        if problems:
            self._refuse(document, problems, registry)
        return bool(problems)

    def _refuse(self, document: Checked, findings: list[Finding], registry: Registry) -> None:
        self.ledger.refuse(document.path, document.ref, findings)
        kind, name = document.ref.kind, document.ref.name
        if kind in registry.broken:
            registry.known[kind].discard(name)
            registry.broken[kind].add(name)

    def _read(self, documents: Iterable[Checked], reader: Reader[Any], registry: Registry) -> None:
        """Read documents on all targets. A policy that is wrong on some is left out there; anything else that others
        lean on must be right on all."""
        for document in documents:
            reading = reader.read(document)
            if not reading.whole:
                self._refuse(document, reading.findings, registry)
            if reading.usable and (reading.whole or document.ref.kind in _POLICIES):
                self.readings.append(reading)

    def _targets(self, targets: tuple[TargetId, ...]) -> tuple[TargetId, ...]:
        usable = {reading.document.ref.name for reading in self.readings}
        return tuple(target for target in targets if target.mesh in usable)

    def _gateways(self) -> set[str]:
        meshes = [self._any(reading) for reading in self.readings]
        return {gateway.name for mesh in meshes for gateway in mesh.gateways}

    def _any(self, reading: Reading[Any]) -> Any:
        return reading.shared if reading.shared is not None else next(iter(reading.by_target.values()))

    def _refuse_empty(self, views: dict[TargetId, View], registry: Registry) -> None:
        groups = [reading for reading in self.readings if reading.document.ref.kind == "VirtualMesh"]
        empty = empty_groups(groups, views) if registry.clusters_known else {}
        for reading in groups:
            finding = empty.get(reading.document.ref.name)
            if finding is not None and finding.severity is Severity.ERROR:
                self._refuse(reading.document, [finding], registry)
                self.readings.remove(reading)
            elif finding is not None:
                self.ledger.findings.append(finding)

    def _check_variables(self, variables: Variables, registry: Registry) -> None:
        for group in variables.inventory.groups.values():
            for given in group.vars:
                self.ledger.findings += name_problems(given)
        for _, maps in variables.inventory.hosts.values():
            for given in maps:
                self.ledger.findings += name_problems(given)
        if registry.clusters_known:
            clusters = registry.known["Cluster"] | registry.broken["Cluster"]
            meshes = registry.known["Mesh"] | registry.broken["Mesh"]
            self.ledger.findings += unknown_owners(variables, clusters, meshes)

    def _settings(self, registry: Registry) -> Settings | None:
        """None when there is a Reconciler document, or may be in a file that cannot be read, and it cannot be used."""
        for document in self._of("Reconciler"):
            into = Decoder(document.ref, reference_problems(document.ref, document.root, registry))
            settings = estate.settings(document.root, into)
            if not into.findings:
                return settings
            self._refuse(document, into.findings, registry)
        lost = self.ledger.names("Reconciler") or any(item.ref is None for item in self.ledger.broken)
        return None if lost else Settings()


def _no_review(_document: Checked, _root: Map) -> list[Finding]:
    return []
