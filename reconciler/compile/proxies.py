"""How the proxies of a whole mesh are run (``Mesh.config``)."""

from __future__ import annotations

from reconciler.compile.egress import carried
from reconciler.compile.notes import Notes
from reconciler.compile.paths import Use
from reconciler.compile.site import Site
from reconciler.model.origins import Origin
from reconciler.model.reach import ProxyIntent

HOLD, DNS_CAPTURE = "mesh.config.hold", "mesh.config.dnsCapture"


def proxies_of(site: Site, notes: Notes) -> ProxyIntent | None:
    """What the Mesh document asks, as far as the mesh can do it."""
    mesh = site.document
    asked = ((HOLD, mesh.hold), (DNS_CAPTURE, mesh.dns_capture))
    said = {
        path: wanted
        for path, wanted in asked
        if wanted is not None and carried(Use(path, mesh.position, value=str(wanted).lower()), site, notes)
    }
    if not said:
        return None
    return ProxyIntent(said.get(DNS_CAPTURE), said.get(HOLD), (Origin(mesh.ref, mesh.position),))
