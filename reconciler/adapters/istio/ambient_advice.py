"""What is legal but will not do what was asked where nodes and waypoints serve a part of the mesh."""

from __future__ import annotations

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.enrolment import AMBIENT
from reconciler.adapters.istio.profiles import SIDECAR, has_nodes, profile_of, ways
from reconciler.model.intents import HostIntent, MeshIntent, MtlsIntent
from reconciler.model.refs import ServiceRef


def check_one_way(service: ServiceRef, intent: MeshIntent, gaps: Gaps) -> None:
    """A rule for pods with proxies of their own and pods without cannot be one and the same."""
    if has_nodes(intent.mesh) and not service.host and ways(intent.mesh, intent.cluster, service) >= {SIDECAR, AMBIENT}:
        gaps.error(
            "enrolled-two-ways",
            f"some pods of {service.label} have a proxy beside them and some are served by their nodes",
            hint="restart the pods, or enrol them in one way",
        )


def tell_callers(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> None:
    """Routes to a service without a waypoint are made in the proxies of its callers, if these have one."""
    if not has_nodes(intent.mesh) or not host.routes or profile_of(host.service, intent) != SIDECAR:
        return
    spaces = [one for one in intent.mesh.enrolled_namespaces if intent.mesh.profile(one) == AMBIENT]
    meant = [one for one in spaces for route in host.routes if not route.sources or _names(one, route.sources)]
    if meant:
        gaps.warning(
            "callers-without-proxy",
            f"callers in {', '.join(sorted(set(meant)))} have no proxy, so the routes of {host.service.label} "
            "do not hold for them",
            hint="give the service a waypoint and enrol it in ambient, or leave these callers out by from",
        )


def _names(space: str, sources: tuple[object, ...]) -> bool:
    return any(getattr(source, "namespace", "") in ("", space) for source in sources)


def tell_mode(mtls: MtlsIntent, intent: MeshIntent, gaps: Gaps) -> None:
    spaces = [one for one in intent.mesh.enrolled_namespaces if intent.mesh.profile(one) == AMBIENT]
    if mtls.service is None and mtls.mode == "Disabled" and spaces:
        gaps.warning(
            "mtls-not-disabled",
            f"nodes take encrypted connections whatever the mode: in {', '.join(sorted(spaces))} it is Permissive",
        )
