"""From the fields of a source that name workloads in some way to the service accounts that these run under."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.compile.callers import is_meant, uses_workloads
from reconciler.compile.gateways import gateway_names
from reconciler.compile.site import Site, behind, has_labels
from reconciler.compile.targets import nearest
from reconciler.compile.trust import Homes, Nobody, unknown
from reconciler.model.facts import ClusterFacts, WorkloadFacts
from reconciler.model.findings import Finding, warning
from reconciler.model.refs import DocRef, ServiceRef, TargetId
from reconciler.model.selectors import AccountRef, PolicySource


@dataclass(frozen=True, slots=True, order=True)
class Account:
    domain: str
    namespace: str
    name: str


def names_accounts(source: PolicySource) -> bool:
    """Whether a source is about workloads, and so about accounts."""
    return bool(source.service_accounts or source.services or source.gateways or uses_workloads(source))


class Accounts:
    """Reads the accounts of one source; ``remarks`` tell who else has them."""

    def __init__(self, policy: DocRef, source: PolicySource, homes: Homes, site: Site) -> None:
        self.policy, self.source, self.homes, self.site = policy, source, homes, site
        self.remarks: list[Finding] = []

    def found(self) -> list[Account]:
        """The accounts that every field allows, sorted; raises Nobody when there is none."""
        source = self.source
        fields: list[set[Account]] = []
        if source.service_accounts:
            fields.append({one for ref in source.service_accounts for one in self._named(ref)})
        if source.services:
            fields.append({one for ref in source.services for one in self._of_service(ref)})
        if uses_workloads(source):
            fields.append(self._of_workloads())
        if source.gateways:
            fields.append({one for name in self._gateways() for one in self._of_gateway(name)})
        both = set.intersection(*fields)
        found = sorted(one for one in both if not source.namespaces or one.namespace in source.namespaces)
        if not found:
            raise Nobody("the fields of a source have no caller in common")
        return found

    def _named(self, ref: AccountRef) -> set[Account]:
        homes = self.homes.within(ref.cluster)
        if not homes:
            raise Nobody(f"there is no mesh in cluster {ref.cluster}")
        return {Account(domain, ref.namespace, ref.name) for domain in self.homes.domains(homes)}

    def _of_service(self, ref: ServiceRef) -> set[Account]:
        found: set[Account] = set()
        missing = f"there is no service {ref} to call from"
        for home in self.homes.within(ref.cluster):
            facts = self.site.world.facts.clusters.get(home.cluster)
            if facts is None:
                raise unknown(home.cluster)
            service = facts.service(ref.name, ref.namespace)
            if service is None:
                continue
            workloads = behind(service, facts)
            missing = missing if workloads else f"no workload behind service {ref} is known"
            self._tell_shared(f"service {ref}", workloads, facts)
            found |= self._of(workloads, home)
        if not found:
            known = sorted(f"{name}.{namespace}" for namespace, name in self.site.services)
            raise Nobody(missing, nearest(f"{ref.name}.{ref.namespace}", known))
        return found

    def _of_workloads(self) -> set[Account]:
        found: set[Account] = set()
        for home in self.homes.targets:
            facts = self.site.world.facts.clusters.get(home.cluster)
            if facts is None:
                raise unknown(home.cluster)
            workloads = tuple(one for one in facts.workloads if is_meant(self.source, one))
            self._tell_shared("what is named by workload", workloads, facts)
            found |= self._of(workloads, home)
        if not found:
            raise Nobody("no workload is meant by a source")
        return found

    def _gateways(self) -> set[str]:
        return {one for name in self.source.gateways for one in gateway_names(name, self.site)}

    def _of_gateway(self, name: str) -> set[Account]:
        declared = next((one for one in self.site.document.gateways if one.name == name), None)
        known = next((one for one in self.site.mesh.gateways if one.name == name), None)
        if declared is None and known is None:
            names = {one.name for one in self.site.document.gateways} | {one.name for one in self.site.mesh.gateways}
            raise Nobody(f"there is no gateway {name}", nearest(name, sorted(names)))
        workloads = tuple(
            one
            for one in self.site.cluster.workloads
            if (declared and one.namespace == declared.namespace and declared.selector.matches(one.labels))
            or (known and known.labels and one.namespace == known.namespace and has_labels(one.labels, known.labels))
        )
        if not workloads:
            raise Nobody(f"no workload of gateway {name} is known, so its service account is unknown")
        self._tell_shared(f"gateway {name}", workloads, self.site.cluster)
        return self._of(workloads, self.site.target)

    def _of(self, workloads: Iterable[WorkloadFacts], home: TargetId) -> set[Account]:
        names = {(one.namespace, one.service_account) for one in workloads}
        domains = self.homes.domains([home]) if names else set()
        return {Account(domain, namespace, name) for namespace, name in names for domain in domains}

    def _tell_shared(self, what: str, meant: tuple[WorkloadFacts, ...], cluster: ClusterFacts) -> None:
        """A rule for workloads is a rule for their account, and so for every other workload that has it."""
        for namespace, name in sorted({(one.namespace, one.service_account) for one in meant}):
            others = sorted(
                f"{one.namespace}/{one.name}" for one in cluster.workloads_under(namespace, name) if one not in meant
            )
            if not others and name != "default":
                continue
            run = f"{', '.join(others)} run under it too" if others else "so does each workload that names none"
            message = f"{self.policy}: {what} is known by service account {namespace}/{name}, and {run}"
            hint = "give the workload a service account of its own"
            self.remarks.append(warning("account-shared", message, self.source.position, hint, self.policy))
