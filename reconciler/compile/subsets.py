"""Parts of a service by label: those that Destination documents declare, and those that routes ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from reconciler.compile.ages import oldest
from reconciler.compile.notes import Notes
from reconciler.compile.site import Site, behind, has_labels
from reconciler.compile.targets import Chosen
from reconciler.model.canonical import digest
from reconciler.model.destinations import Destination, Subset
from reconciler.model.findings import Finding, error, warning
from reconciler.model.refs import DocRef, ServiceRef
from reconciler.model.selectors import Pairs, PolicyTarget

_SAFE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def declared(service: ServiceRef, site: Site) -> tuple[tuple[Destination, Subset], ...]:
    """Every subset that a Destination document gives to a service here, with its document."""
    known: Mapping[ServiceRef, list[tuple[Destination, Subset]]] | None = site.answered.get(declared)
    if known is None:
        known = site.answered[declared] = _declared(site)
    return tuple(known.get(site.here(service), ()))


def _declared(site: Site) -> Mapping[ServiceRef, list[tuple[Destination, Subset]]]:
    found: dict[ServiceRef, list[tuple[Destination, Subset]]] = {}
    for doc in site.view.destinations:
        for service in dict.fromkeys(site.meant(doc)) if doc.subsets else ():
            found.setdefault(service, []).extend((doc, subset) for subset in doc.subsets)
    return found


def held(service: ServiceRef, site: Site, notes: Notes) -> dict[str, tuple[Destination, Subset]]:
    """The declared subsets of a service by name. Where documents contradict each other the older one holds,
    and an error names both."""
    by_name: dict[str, list[tuple[Destination, Subset]]] = {}
    for doc, subset in declared(service, site):
        by_name.setdefault(subset.name, []).append((doc, subset))
    found = {}
    for name, several in sorted(by_name.items()):
        first = several[0]
        if len({pairs(subset.labels) for _, subset in several}) > 1:
            ages = site.world.ages
            first, why = oldest(several, lambda one: one[1].position, lambda one: one[0].ref, ages, notes)
            for other in several:
                if pairs(other[1].labels) != pairs(first[1].labels):
                    notes.find(_contradiction(first, other, why))
        found[name] = first
    return found


def _contradiction(holder: tuple[Destination, Subset], other: tuple[Destination, Subset], why: str) -> Finding:
    (held_by, subset), (doc, loser) = holder, other
    message = (
        f"{doc.ref} gives a subset {loser.name} other labels "
        f"than {held_by.ref} at {subset.position}, which holds: {why}"
    )
    return error("subset-conflict", message, loser.position, "rename one of the two", doc.ref, held_by.ref)


def wanted_subset(to: PolicyTarget, service: ServiceRef, site: Site, notes: Notes) -> Subset | None:
    """The subset that an entry of a route asks of a service; None where it asks for all of it."""
    if not to.subset and not to.subset_name:
        return None
    known = {name: pairs(subset.labels) for name, (_, subset) in held(service, site, notes).items()}
    if to.subset_name in known:
        return Subset(to.subset_name, known[to.subset_name])
    labels = pairs(to.subset) or (("version", to.subset_name),)
    same = next((name for name, own in known.items() if own == labels), None)
    return Subset(same or derived_name(labels, known), labels)


def part_of(chosen: Chosen, site: Site, notes: Notes) -> Subset | None:
    """The part of a service that is meant; None where all of it is."""
    return wanted_subset(chosen.part, chosen.service, site, notes) if chosen.part is not None else None


def derived_name(labels: Pairs, taken: Iterable[str] = ()) -> str:
    """A DNS label for a set of labels, by these alone: ``version: v2`` is v2, others are key-value joined by dashes.

    Where the text had to be changed to fit, or is the name of a declared subset, a hash of the labels is added.
    """
    plain = labels[0][1] if len(labels) == 1 and labels[0][0] == "version" else "-".join(f"{k}-{v}" for k, v in labels)
    if _SAFE.fullmatch(plain) and plain not in set(taken):
        return plain
    text = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:54].rstrip("-")
    return f"{text or 'subset'}-{digest(dict(labels))[:8]}"


def nobody(subset: Subset, service: ServiceRef, policy: DocRef, site: Site) -> Finding | None:
    """A warning where the workloads behind a service are known and none is in the subset."""
    facts = site.service(service)
    workloads = behind(facts, site.cluster) if facts else ()
    if not workloads or any(has_labels(workload.labels, dict(subset.labels)) for workload in workloads):
        return None
    labels = ", ".join(f"{key}={value}" for key, value in subset.labels)
    message = f"no workload behind {service.label} has {labels}: requests sent there will fail"
    return warning("subset-empty", message, subset.position, "", policy)


def pairs(labels: Pairs) -> Pairs:
    return tuple(sorted(labels))
