"""Who is in the mesh and how: namespaces and workloads with a proxy beside each pod, or served by the nodes' own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.istio.gateways import is_gateway
from reconciler.adapters.istio.revisions import REVISION, Revisions
from reconciler.adapters.leaves import section
from reconciler.adapters.raw import Object, annotations_of, labels, mappings, name, namespace, selector, template
from reconciler.model.facts import OUTSIDE

#: the profile of what the proxies of the nodes serve; a proxy beside each pod is the default one
AMBIENT = "ambient"
SIDECAR = ""
MODE = "istio.io/dataplane-mode"
_INJECTION = "istio-injection"
_INJECT = "sidecar.istio.io/inject"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """As one control plane sees it. ``profiles`` by namespace, ``exceptions`` by "namespace/kind/name"."""

    namespaces: tuple[str, ...]
    profiles: Mapping[str, str]
    exceptions: Mapping[str, str]


def enrolment(
    spaces: Iterable[Object], workloads: Iterable[Object], config: Mapping[str, Any], revision: str, known: Revisions
) -> Enrolment:
    """``config``: the mesh's, which may leave namespaces out altogether."""
    by_name = {name(item): item for item in spaces if _is_seen(item, config)}
    profiles = {
        place: profile
        for place, item in sorted(by_name.items())
        if (profile := _of_namespace(labels(item), revision, known)) is not None
    }
    exceptions = {}
    for item in workloads:
        space = by_name.get(namespace(item))
        own = _of_workload(item, labels(space), profiles.get(namespace(item)), revision, known) if space else None
        if own is not None:
            exceptions[f"{namespace(item)}/{item.get('kind')}/{name(item)}"] = own
    return Enrolment(
        tuple(profiles), {key: value for key, value in profiles.items() if value}, dict(sorted(exceptions.items()))
    )


def _of_namespace(own: Mapping[str, Any], revision: str, known: Revisions) -> str | None:
    """Its profile; None where it is not in the mesh. A pod that has a proxy is not served by that of its node."""
    injected = own.get(_INJECTION)
    by_revision = injected is None and REVISION in own and known.is_meant(str(own[REVISION]), revision)
    by_default = injected == "enabled" and known.is_meant("", revision)
    if by_default or by_revision:
        return SIDECAR
    injects_elsewhere = injected == "enabled" or (injected is None and REVISION in own)
    return AMBIENT if own.get(MODE) == AMBIENT and not injects_elsewhere else None


def _of_workload(
    workload: Object, space: Mapping[str, Any], usual: str | None, revision: str, known: Revisions
) -> str | None:
    """The profile that its pods ask for where it is not the usual one, OUTSIDE where they are taken out."""
    pod = template(workload)
    if is_gateway(workload):
        return None
    has_proxy = _has_proxy(pod, space, usual, revision, known)
    mode = labels(pod).get(MODE)
    by_node = not has_proxy and mode != "none" and (mode == AMBIENT or space.get(MODE) == AMBIENT)
    if section(pod, "spec").get("hostNetwork") is True:
        has_proxy = by_node = False
    found = SIDECAR if has_proxy else AMBIENT if by_node else None
    if found == usual:
        return None
    return OUTSIDE if found is None else found


def _has_proxy(pod: Object, space: Mapping[str, Any], usual: str | None, revision: str, known: Revisions) -> bool:
    """By the rules of the injector: its own word, then that of its namespace."""
    own = labels(pod)
    asked = str(own.get(_INJECT, annotations_of(pod).get(_INJECT, ""))).lower()
    if asked == "false":
        return False
    if usual == SIDECAR:
        return True
    if _INJECTION in space or REVISION in space:
        return False  # its namespace says who injects there, and that is not us
    if REVISION in own:
        return known.is_meant(str(own[REVISION]), revision)
    return str(own.get(_INJECT, "")).lower() == "true" and known.is_meant("", revision)


def _is_seen(space: Object, config: Mapping[str, Any]) -> bool:
    """Whether the control plane looks at a namespace at all."""
    selectors = [selector(item) for item in mappings(config.get("discoverySelectors"))]
    return not selectors or any(one.matches({k: str(v) for k, v in labels(space).items()}) for one in selectors)
