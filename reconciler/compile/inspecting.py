"""Every effective rule in and out of the workloads of one target that somebody asks about, from its intent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.adapters.base import Adapter
from reconciler.compile.rule_words import backend_word, callers_of_route, identity_word, leaf_value
from reconciler.compile.site import has_labels
from reconciler.model.inspection import IN, OUT, Link, Rule
from reconciler.model.intents import AccessIntent, HostIntent, Identity, MeshIntent
from reconciler.model.origins import Origin
from reconciler.model.refs import ServiceRef
from reconciler.model.routing import Route, TrafficSource
from reconciler.model.workload_intents import WorkloadScope


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about: pods with these labels in a namespace, their accounts, and the services before them."""

    namespace: str
    labels: Mapping[str, str]
    accounts: frozenset[str]
    services: frozenset[ServiceRef]
    name: str


@dataclass(frozen=True, slots=True)
class Found:
    rules: tuple[Rule, ...]
    links: tuple[Link, ...]


def rules_about(subject: Subject, intent: MeshIntent, adapter: Adapter) -> Found:
    """The rules for calls to the subject, and for calls that it makes."""
    view = _View(subject, intent, adapter)
    rules = [*view.inward(), *view.outward()]
    return Found(
        tuple(rules), tuple(sorted(set(view.links()), key=lambda one: (one.kind, one.source, one.destination)))
    )


@dataclass(frozen=True, slots=True)
class _View:
    subject: Subject
    intent: MeshIntent
    adapter: Adapter

    def inward(self) -> Iterator[Rule]:
        for host in self._own_hosts():
            yield from self._of_host(host, host.routes, IN)
            yield from self._of_host(host, host.inbound, IN)
            for leaf in host.host_leaves:
                origins = (Origin(leaf.policy, leaf.position),)
                yield self._rule(IN, leaf.path, host.service, leaf_value(leaf), origins)
        yield from self._entrances()
        for access in self._own_access():
            yield self._access(access, IN)
        yield from self._whole_mesh()

    def outward(self) -> Iterator[Rule]:
        for host in self.intent.hosts:
            if host.service not in self.subject.services:
                mine = [route for route in host.routes if any(self._is_caller(one) for one in route.sources)]
                yield from self._of_host(host, mine, OUT)
        for access in self.intent.access:
            if access.service not in self.subject.services and self._is_among(access.identities):
                yield self._access(access, OUT)
        for reach in self.intent.reaches:
            if reach.namespace == self.subject.namespace and has_labels(self.subject.labels, dict(reach.labels)):
                value = [service.label for service in reach.services]
                yield self._rule(OUT, "access.scope", None, value, reach.origins)

    def links(self) -> Iterator[Link]:
        target, me = self.intent.target, self.subject.name
        for host in self._own_hosts():
            for route in host.routes:
                for backend in route.backends:
                    label = (
                        f"{backend.weight:g} {backend.subset}".strip() if len(route.backends) > 1 else backend.subset
                    )
                    if backend.service not in self.subject.services or backend.subset:
                        yield Link(target, host.service.label, backend_word(backend), "route", label)
                for mirror in route.mirrors:
                    yield Link(target, host.service.label, backend_word(mirror), "mirror", f"{mirror.weight:g} %")
        for access in self._own_access():
            for caller in [identity_word(one) for one in access.identities or ()] or ["everybody"]:
                yield Link(target, caller, access.service.label, access.action.value.lower(), access.policy.name)
        for access in self.intent.access:
            if access.service not in self.subject.services and self._is_among(access.identities):
                yield Link(target, me, access.service.label, access.action.value.lower(), access.policy.name)
        for gateway, domain, route in self._entering():
            for backend in route.backends:
                yield Link(target, f"gateway {gateway}", backend_word(backend), "route", domain)

    def _own_hosts(self) -> list[HostIntent]:
        return [host for host in self.intent.hosts if host.service in self.subject.services]

    def _own_access(self) -> list[AccessIntent]:
        return [one for one in self.intent.access if one.service in self.subject.services]

    def _of_host(self, host: HostIntent, routes: Iterable[Route], direction: str) -> Iterator[Rule]:
        for route in routes:
            if route.reject:
                yield self._rule(direction, "traffic.unmatched", host.service, "Reject", route.origins)
            for rule in self._of_route(host, route, direction):
                yield replace(rule, callers=callers_of_route(route), matches=route.matches)

    def _of_route(self, host: HostIntent, route: Route, direction: str) -> Iterator[Rule]:
        """What a route does with its requests, whosever they are."""
        if not route.reject and _is_sent_on(route, host):
            shares = {backend_word(one): one.weight for one in route.backends}
            yield self._rule(direction, "traffic.route", host.service, shares, route.origins)
        for mirror in route.mirrors:
            value = {backend_word(mirror): mirror.weight}
            yield self._rule(direction, "traffic.mirror", host.service, value, route.origins)
        for leaf in route.leaves:
            origins = (Origin(leaf.policy, leaf.position),)
            yield self._rule(direction, leaf.path, host.service, leaf_value(leaf), origins)

    def _entering(self) -> Iterator[tuple[str, str, Route]]:
        """Routes of gateways to the subject, each with its gateway and host."""
        for entrance in self.intent.ingress:
            name = entrance.gateway.name if entrance.gateway else entrance.policy.name
            for table in entrance.tables:
                for route in table.routes:
                    if any(backend.service in self.subject.services for backend in route.backends):
                        yield name, table.host, route

    def _entrances(self) -> Iterator[Rule]:
        for gateway, host, route in self._entering():
            value = {backend_word(one): one.weight for one in route.backends}
            rule = self._rule(IN, "ingress.routes", None, value, route.origins)
            callers = (f"gateway {gateway}",)
            yield replace(rule, service=host, side="server", callers=callers, matches=route.matches)

    def _whole_mesh(self) -> Iterator[Rule]:
        for mode in self.intent.mtls:
            if mode.service is None or mode.service in self.subject.services:
                path = "mesh.config.mtls" if mode.service is None else "traffic.mtls"
                yield self._rule(IN, path, mode.service, mode.mode, mode.origins)
        if self.intent.egress is not None:
            yield self._rule(OUT, "mesh.config.egress", None, self.intent.egress.mode, self.intent.egress.origins)
        if self.intent.default_deny is not None:
            yield self._rule(IN, "access.defaultDeny", None, "Deny", self.intent.default_deny.origins)
        own = WorkloadScope(self.subject.namespace, tuple(sorted(self.subject.labels.items())))
        around = [one for one in self.intent.telemetry if one.scope.covers(own)]
        if around:  # the mesh takes one of them, and it holds what the wider ones say
            narrowest = max(around, key=lambda one: (len(one.scope.labels), bool(one.scope.namespace)))
            for leaf in narrowest.leaves:
                origins = (Origin(leaf.policy, leaf.position),)
                yield self._rule(IN, leaf.path, None, leaf_value(leaf), origins)
        for dashboard in self.intent.dashboards:
            if dashboard.scope.covers(own):
                shown = dashboard.leaf
                yield self._rule(IN, shown.path, None, shown.value, (Origin(shown.policy, shown.position),))
        for given in self.intent.filters:
            if given.scope.covers(own):
                value = {"order": given.order, **given.config}
                yield self._rule(IN, f"extension.{given.kind}", None, value, given.origins)

    def _access(self, access: AccessIntent, direction: str) -> Rule:
        callers = tuple(identity_word(one) for one in access.identities or ())
        path = f"access.{access.action.value.lower()}"
        value = {"ports": list(access.ports)} if access.ports else access.action.value
        rule = self._rule(direction, path, access.service, value, access.origins)
        return replace(rule, callers=callers, matches=access.matches)

    def _rule(
        self, direction: str, path: str, service: ServiceRef | None, value: object, origins: Iterable[Origin]
    ) -> Rule:
        """A rule for all requests of everybody."""
        claim = self.adapter.capability(path, self.adapter.profile(self.intent.mesh, self.intent.cluster, service))
        return Rule(
            target=self.intent.target,
            direction=direction,
            capability=path,
            service=service.label if service else "",
            value=value,
            side=claim.side if claim else "",
            origins=tuple(sorted(origins)),
        )

    def _is_caller(self, source: TrafficSource) -> bool:
        here = source.namespace in ("", self.subject.namespace)
        return here and has_labels(self.subject.labels, dict(source.labels))

    def _is_among(self, identities: tuple[Identity, ...] | None) -> bool:
        """Whether a rule names the subject; one about everybody does not."""
        return any(
            one.namespace == self.subject.namespace and one.service_account in ("", *self.subject.accounts)
            for one in identities or ()
        )


def _is_sent_on(route: Route, host: HostIntent) -> bool:
    """Whether requests go anywhere but to the host as a whole."""
    first = route.backends[0]
    return len(route.backends) > 1 or first.service != host.service or bool(first.subset)
