"""Extension documents with code or configuration for proxies, to one intent for each scope."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.compile.made_for import is_made_for
from reconciler.compile.negotiation import negotiate, paths_of, terms_of
from reconciler.compile.notes import Notes
from reconciler.compile.paths import Use
from reconciler.compile.scopes import scopes_of
from reconciler.compile.site import Site
from reconciler.model.extensions import Extension, ProxyFilter
from reconciler.model.origins import Origin
from reconciler.model.workload_intents import FilterIntent


def filters_of(site: Site, notes: Notes) -> tuple[FilterIntent, ...]:
    """The filters of a site, by document and scope."""
    return tuple(
        intent
        for extension in sorted(site.view.extensions, key=lambda one: one.ref)
        if extension.filter is not None
        for intent in _intents(extension, extension.filter, site, notes)
    )


def _intents(extension: Extension, given: ProxyFilter, site: Site, notes: Notes) -> Iterator[FilterIntent]:
    config = _config(given, site.document.type)
    if config is None:
        return
    scopes, problems = scopes_of(extension.ref, extension.scope or None, site)
    if not scopes and not problems:
        return
    notes.matched.add(extension.ref)
    if not is_made_for(extension, site, notes):
        return
    uses = tuple(filter_uses(given))
    if problems:
        notes.refuse(extension.ref, paths_of(uses, site), *problems)
        return
    terms = terms_of(extension.ref, uses, extension.on_unsupported, site)
    if not negotiate(terms, site.profile(), (), site, notes).able:
        return
    for scope in scopes:
        origins = (Origin(extension.ref, given.position),)
        yield FilterIntent(extension.ref, given.kind, scope, given.order, config, origins)


def _config(given: ProxyFilter, mesh_type: str) -> Mapping[str, Any] | None:
    """What a mesh of a type is given; None where a filterPatch has nothing for it."""
    if given.kind != "filterPatch":
        return given.config
    found = given.config.get(mesh_type)
    return found if isinstance(found, Mapping) else None


def filter_uses(given: ProxyFilter) -> Iterator[Use]:
    """What a filter asks of the mesh of a target."""
    base = f"extension.{given.kind}"
    if given.kind == "filterPatch":
        yield Use(base, given.position)
        return
    for field in sorted(given.config):
        yield Use(base, given.position, f"{base}.{field}")
    if given.order:
        yield Use("extension.order", given.position)
