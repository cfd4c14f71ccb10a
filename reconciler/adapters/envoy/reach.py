"""Which services a proxy knows: all of them, or where a Scope speaks of its workload what these name, those of its own
namespace, hosts outside of the mesh, the servers that it asks about requests, and those that it sends logs and traces
to."""

from __future__ import annotations

from reconciler.adapters.envoy.collectors import collecting_services
from reconciler.adapters.envoy.proxies import Proxy
from reconciler.adapters.envoy.servers import servers_of
from reconciler.model.destination_intents import DestinationIntent
from reconciler.model.intents import MeshIntent
from reconciler.model.reach import ReachIntent


def knows(proxy: Proxy, destination: DestinationIntent, intent: MeshIntent) -> bool:
    service = destination.service
    told = _reaches(proxy, intent)
    if not told or destination.external or service.namespace == proxy.namespace:
        return True
    if any(service in reach.services for reach in told):
        return True
    own = {(one.service.name, one.service.namespace) for one in proxy.served}
    asking = [host for name in sorted(own) for host in intent.hosts_by_name.get(name, ())]
    asked = (server for host in asking for server in servers_of(host, intent))
    return service in (*asked, *collecting_services(proxy, intent))


def _reaches(proxy: Proxy, intent: MeshIntent) -> list[ReachIntent]:
    """Those for its labels, else that of its namespace. A gateway knows every service."""
    if proxy.gateway is not None:
        return []
    near = [one for one in intent.reaches if one.namespace == proxy.namespace]
    labelled = [one for one in near if one.labels and set(one.labels) <= set(proxy.labels.items())]
    return labelled or [one for one in near if not one.labels]
