"""How a mesh proves who calls: its trust domain, and whether connections without mTLS are taken."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.leaves import section
from reconciler.adapters.raw import Object, mappings, name, namespace

#: what the control plane fills in where a MeshIdentity says nothing
#: (pkg/core/resources/apis/meshidentity/api/v1alpha1/helpers.go)
USUAL_PATH = "/ns/{{ .Namespace }}/sa/{{ .ServiceAccount }}"
_DOMAIN = "{{ .Mesh }}.{{ .Zone }}.mesh.local"
_MODES = {"STRICT": "Strict", "PERMISSIVE": "Permissive"}


def identity_of(identities: Iterable[Object]) -> Object | None:
    """The MeshIdentity that most workloads have: of those for all of them the first by name."""
    wide = [item for item in identities if _selects_all(item)]
    return min(wide, key=lambda item: (name(item), namespace(item)), default=None)


def _selects_all(identity: Object) -> bool:
    chosen = section(section(section(identity, "spec"), "selector"), "dataplane").get("matchLabels")
    return chosen == {}


def trust_domain(identity: Object | None, mesh: str, zone: str) -> str:
    """That of the MeshIdentity; without one the certificates of the mesh have its name in its place."""
    if identity is None:
        return mesh
    said = str(section(section(identity, "spec"), "spiffeID").get("trustDomain") or _DOMAIN)
    found = said.replace("{{ .Mesh }}", mesh).replace("{{ .Zone }}", zone or "default")
    return "" if "{{" in found else found


def mode_of(mesh: Object, identity: Object | None, policies: Iterable[Object], root: str) -> str:
    """What a MeshTLS for all says, else the backend of the Mesh; Strict with a MeshIdentity alone."""
    backend = _backend(mesh)
    if identity is None and not backend:
        return "Disabled"
    said = [mode for item in sorted(policies, key=name) if namespace(item) == root and (mode := _wide_mode(item))]
    return said[0] if said else _MODES.get(str(backend.get("mode", "STRICT")), "Strict")


def _backend(mesh: Object) -> Object:
    mtls = section(section(mesh, "spec"), "mtls")
    enabled = mtls.get("enabledBackend")
    return next((one for one in mappings(mtls.get("backends")) if enabled and one.get("name") == enabled), {})


def _wide_mode(policy: Object) -> str:
    spec = section(policy, "spec")
    if section(spec, "targetRef").get("kind", "Mesh") != "Mesh":
        return ""
    entries = [*mappings(spec.get("rules")), *mappings(spec.get("from"))]
    return next((str(section(one, "default")["mode"]) for one in entries if section(one, "default").get("mode")), "")
