"""Who may call: MeshTLSAuthentication for identities, NetworkAuthentication for addresses. All that one rule requires
holds together, so that each combination of both is a rule of its own; of each kind there may be one in a rule.

Identities are names below the namespace of the control plane (``a.x.serviceaccount.identity.linkerd.cluster.local``).
Source: linkerd2, policy-controller/k8s/api/src/policy/meshtls_authentication.rs; runtime/src/admission.rs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.envelopes import build, object_name
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.linkerd.kinds import MESH_TLS, NETWORK, POLICY
from reconciler.model.canonical import digest
from reconciler.model.intents import Identity, MeshIntent, Origin
from reconciler.model.native import NativeObject

EVERYONE = ("0.0.0.0/0", "::/0")
_SPIFFE = re.compile(r"spiffe://(?P<domain>[^/*]+)/ns/(?P<namespace>[^/*]+)/sa/(?P<account>[^/*]+|\*)")
_NAMESPACE = re.compile(r"spiffe://(?P<domain>[^/*]+)/ns/(?P<namespace>[^/*]+)/\*")
_DOMAIN = re.compile(r"spiffe://(?P<domain>[^/*]+)/\*")
Native = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Callers:
    """What a rule requires of a caller: one of the references, or of the names (never both), and an address. Empty: no
    identity, or any address."""

    references: tuple[tuple[str, str, str], ...] = ()  # kind, namespace, name
    names: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


def callers(identities: Sequence[Identity] | None, intent: MeshIntent, gaps: Gaps, *, strict: bool) -> list[Callers]:
    """Each alone lets in. ``strict``: nobody without an identity, whatever is asked."""
    if identities is None:
        return [Callers(names=("*",))] if strict else [Callers(include=EVERYONE)]
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Identity]] = {}
    for one in identities:
        found.setdefault((tuple(sorted(one.ip_include)), tuple(sorted(one.ip_exclude))), []).append(one)
    return [
        made
        for (include, exclude), several in sorted(found.items())
        for made in _split(several, include, exclude, intent, gaps, strict=strict)
    ]


def _split(
    several: Iterable[Identity],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    intent: MeshIntent,
    gaps: Gaps,
    *,
    strict: bool,
) -> Iterable[Callers]:
    """References and names are two kinds of the same thing, and only one may be in an object."""
    references: set[tuple[str, str, str]] = set()
    names: set[str] = set()
    anybody = False
    for one in several:
        if reference := _reference(one, intent):
            references.add(reference)
        elif name := _name(one, intent, gaps):
            names.add(name)
        elif include or exclude:
            anybody = True
        else:
            gaps.error("mesh-inexpressible", "a source that names nobody")
    if anybody and strict:
        names.add("*")
    elif anybody:
        yield Callers(include=include or EVERYONE, exclude=exclude)
    networks = include or (EVERYONE if exclude else ())
    if references:
        yield Callers(references=tuple(sorted(references)), include=networks, exclude=exclude)
    if names:
        kept = ("*",) if "*" in names else tuple(sorted(names))
        yield Callers(names=kept, include=networks, exclude=exclude)


def _reference(one: Identity, intent: MeshIntent) -> tuple[str, str, str] | None:
    """An account or a namespace of the mesh's own trust domain, which the mesh puts in itself."""
    if one.raw or not one.namespace or one.trust_domain not in ("", intent.mesh.trust_domain):
        return None
    return ("ServiceAccount", one.namespace, one.service_account) if one.service_account else (
        "Namespace", "", one.namespace,
    )  # fmt: skip


def _name(one: Identity, intent: MeshIntent, gaps: Gaps) -> str:
    if one.raw:
        return _raw(one, intent, gaps)
    if one.trust_domain:
        return _dotted(one.service_account or "*", one.namespace, one.trust_domain, intent)
    return "*" if one.any_identity else ""


def _raw(one: Identity, intent: MeshIntent, gaps: Gaps) -> str:
    """As far as it is of the form that the mesh gives its identities; others are names of machines."""
    if one.namespace or one.service_account or one.trust_domain:
        gaps.error("mesh-inexpressible", f"the mesh cannot ask that a caller is {one.raw!r} and another at once")
    if one.raw == "spiffe://*":
        return "*"
    for form in (_SPIFFE, _NAMESPACE, _DOMAIN):
        if said := form.fullmatch(one.raw):
            parts = said.groupdict()
            return _dotted(parts.get("account") or "*", parts.get("namespace", ""), parts["domain"], intent)
    if "*" in one.raw:
        gaps.error("mesh-inexpressible", f"the mesh has no pattern of identities like {one.raw!r}")
    return one.raw


def _dotted(account: str, namespace: str, domain: str, intent: MeshIntent) -> str:
    below = f"serviceaccount.identity.{intent.mesh.namespace or 'linkerd'}.{domain}"
    return f"{account}.{namespace}.{below}" if namespace else f"*.{below}"


def objects(
    who: Callers, namespace: str, name: str, intent: MeshIntent, origins: Sequence[Origin]
) -> tuple[list[NativeObject], list[Native]]:
    """What says it, and the references to that."""
    made: list[NativeObject] = []
    if who.references or who.names:
        spec: Native = {"identities": list(who.names)} if who.names else {"identityRefs": _references(who)}
        readable = object_name(f"{name}.{_mark(who)}", (namespace, name, _mark(who)))
        made.append(build(intent, MESH_TLS, namespace, readable, spec, origins))
    if who.include:
        networks = [{"cidr": cidr} | _except(cidr, who.exclude) for cidr in who.include]
        readable = object_name(f"{name}.{_mark(who)}", (namespace, name, _mark(who)))
        made.append(build(intent, NETWORK, namespace, readable, {"networks": networks}, origins))
    return made, [{"group": POLICY, "kind": one.key.kind, "name": one.key.name} for one in made]


def _mark(who: Callers) -> str:
    """Stays as long as the callers are the same, so that a rule is not without them while they change."""
    return digest([list(map(list, who.references)), list(who.names), list(who.include), list(who.exclude)])[:6]


def _references(who: Callers) -> list[Native]:
    return [
        {"kind": kind} | ({"namespace": namespace} if namespace else {}) | {"name": name}
        for kind, namespace, name in who.references
    ]


def _except(cidr: str, exclude: Iterable[str]) -> Native:
    """What lies in it; the mesh refuses an exception of another family."""
    kept = sorted(one for one in exclude if (":" in one) == (":" in cidr))
    return {"except": kept} if kept else {}
