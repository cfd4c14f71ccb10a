"""Answers what holds for a service, a workload, a policy or a mesh: the stages up to the compile, and no further."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

from reconciler.compile import intents
from reconciler.compile.gateways import known_gateways
from reconciler.compile.inspecting import rules_about
from reconciler.compile.subjects import known_names, service_subject, workload_subject
from reconciler.model.documents import DesiredState
from reconciler.model.facts import GatewayFacts, MeshFacts
from reconciler.model.findings import Finding
from reconciler.model.inspection import Inspection, Link, Rule
from reconciler.model.intents import MeshIntent
from reconciler.model.meshes import Mesh
from reconciler.model.native import Compiled
from reconciler.model.refs import DocRef, TargetId
from reconciler.pipeline.blame import Lines
from reconciler.pipeline.discover import discover
from reconciler.pipeline.planning import Basis, based
from reconciler.pipeline.world import Request, World, connections

_SUBJECTS = {"service": service_subject, "workload": workload_subject}


class Unknown(Exception):
    """There is nothing of that name; the text says what there is."""


@dataclass(frozen=True)
class Answer:
    """``findings``: what is wrong with the repository, since what holds depends on it. ``compiled``: for a policy."""

    inspection: Inspection
    findings: tuple[Finding, ...]
    compiled: Compiled | None = None
    document: DocRef | None = None


async def inspect(world: World, request: Request, kind: str, name: str) -> Answer:
    """What holds for a thing on every target that has it. Unknown where none does; SourceError passes."""
    async with connections(world) as opened:
        basis = await based(world, request, opened)
        if not isinstance(basis, Basis):
            return Answer(Inspection(f"{kind} {name}"), basis.findings)
        facts = request.facts
        if facts is None:
            facts = await discover(world, basis.desired, opened, basis.prepared.selected, request)
        compilation = await basis.compiled(facts)
    chosen = basis.prepared.selected
    asked = intents(basis.desired, facts, world.adapters, world.now())
    known = {target: intent for target, intent in asked.items() if chosen is None or target in chosen}
    findings = (*basis.prepared.findings, *compilation.compiled.findings)
    if kind == "policy":
        return _policy(name, compilation.compiled, basis, findings)
    if kind == "mesh":
        return Answer(_mesh(name, known, basis.desired), findings)
    return Answer(await _with_commits(_of_workloads(kind, name, known, world, basis), world, basis), findings)


def _of_workloads(kind: str, name: str, known: Mapping[TargetId, MeshIntent], world: World, basis: Basis) -> Inspection:
    facts: list[tuple[TargetId, tuple[tuple[str, str], ...]]] = []
    rules: list[Rule] = []
    links: list[Link] = []
    for target, intent in sorted(known.items()):
        subject = _SUBJECTS[kind](name, intent)
        if subject is None:
            continue
        found = rules_about(subject, intent, world.adapters[basis.desired.mesh(target).type])
        labels = ", ".join(f"{key}={value}" for key, value in sorted(subject.labels.items()))
        told = (("labels", labels), ("accounts", ", ".join(sorted(subject.accounts))))
        facts.append((target, tuple(pair for pair in told if pair[1])))
        rules += found.rules
        links += found.links
    if not facts:
        raise Unknown(_nothing(kind, name, known_names(kind, known.values())))
    return Inspection(f"{kind} {name}", tuple(facts), tuple(rules), tuple(links))


def _nothing(kind: str, name: str, names: Iterable[str]) -> str:
    close = get_close_matches(name, list(names), 1)
    several = [one for one in names if one.startswith(f"{name}.")]
    if several:
        return f"several {kind}s are called {name}: write {' or '.join(several)}"
    return f"no target has a {kind} {name}" + (f"; did you mean {close[0]}?" if close else "")


def _policy(name: str, compiled: Compiled, basis: Basis, findings: tuple[Finding, ...]) -> Answer:
    found = sorted(ref for ref in basis.desired.documents if name in (ref.name, f"{ref.kind}/{ref.name}", str(ref)))
    if not found:
        names = sorted({ref.name for ref in basis.desired.documents})
        raise Unknown(_nothing("policy", name, names))
    if len(found) > 1:
        raise Unknown(f"several documents are called {name}: write {' or '.join(map(str, found))}")
    ref = found[0]
    position = basis.desired.documents[ref]
    about = tuple(one for one in findings if ref in one.documents)
    facts = ((TargetId("", ""), (("document", str(ref)), ("at", f"{position.path}:{position.line}"))),)
    return Answer(Inspection(f"policy {ref}", facts), about, compiled, ref)


def _mesh(name: str, known: Mapping[TargetId, MeshIntent], desired: DesiredState) -> Inspection:
    here = {target: intent for target, intent in known.items() if target.mesh == name}
    if not here:
        raise Unknown(_nothing("mesh", name, sorted({target.mesh for target in known})))
    told = {target: _facts(intent.mesh, desired.mesh(target)) for target, intent in sorted(here.items())}
    return Inspection(f"mesh {name}", tuple((target, tuple(facts)) for target, facts in told.items()))


def _facts(mesh: MeshFacts, document: Mesh) -> Iterable[tuple[str, str]]:
    gateways = known_gateways(document, mesh)
    told = (
        ("type", mesh.type),
        ("version", mesh.version),
        ("channel", mesh.channel),
        ("namespace", mesh.namespace),
        ("revision", mesh.revision),
        ("tags", ", ".join(mesh.tags)),
        ("trust domain", mesh.trust_domain),
        ("trust domain aliases", ", ".join(mesh.trust_domain_aliases)),
        ("mTLS", mesh.mtls),
        ("enrolled namespaces", ", ".join(mesh.enrolled_namespaces)),
        ("profiles", ", ".join(f"{namespace}: {kind}" for namespace, kind in sorted(mesh.profiles.items()) if kind)),
        ("gateways", ", ".join(f"{one.namespace}/{one.name} ({one.role})" for one in gateways)),
        ("addresses", ", ".join(dict.fromkeys(place for one in gateways for place in _places(one)))),
        ("waypoints", ", ".join(f"{one.namespace}/{one.name} ({one.serves})" for one in mesh.waypoints)),
        ("proxies", ", ".join(f"{count} x {version}" for version, count in sorted(mesh.proxies.items()))),
        ("components", ", ".join(f"{part} {version}".strip() for part, version in sorted(mesh.components.items()))),
        ("providers", ", ".join(f"{one} ({kind})" for one, kind in sorted(mesh.providers.items()))),
    )
    return (pair for pair in told if pair[1])


def _places(gateway: GatewayFacts) -> Iterable[str]:
    """Its addresses, each with the ports at which it is reached."""
    ports = ",".join(str(port.number) for port in gateway.ports)
    bare = (f"[{one}]" if ":" in one and ports else one for one in gateway.addresses)
    return (f"{one}:{ports}" if ports else one for one in bare)


async def _with_commits(inspection: Inspection, world: World, basis: Basis) -> Inspection:
    """The rules with the commit since which each of their lines has read so."""
    lines = Lines(world.source, basis.desired.revision)

    def told(rule: Rule) -> Rule:
        return replace(rule, origins=tuple(replace(one, commit=lines.commit(one.position)) for one in rule.origins))

    rules = await asyncio.to_thread(lambda: tuple(told(rule) for rule in inspection.rules))
    return replace(inspection, rules=rules)
