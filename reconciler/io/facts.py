"""Facts of a cluster from its raw objects, however they were read. Beside it ``recordings`` keeps facts in files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from reconciler.model.facts import ClusterFacts, CrdFacts, PortFacts, ProbeFacts, ServiceFacts, WorkloadFacts
from reconciler.model.refs import KindId, ServiceRef

Body = Mapping[str, Any]
TEMPLATED = frozenset({("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet")})
_VERSION = re.compile(r"v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?")


class MalformedObject(ValueError):
    """An object that lacks what every one of its kind has; no API server lets it in, a folder may hold it."""


def cluster_facts(
    cluster: str, objects: Iterable[Body], *, version: str = "", crds: Mapping[KindId, CrdFacts] | None = None
) -> ClusterFacts:
    """Namespaces, services and workloads among the objects; others are passed over. ``version`` and ``crds`` as the
    cluster tells them. Sorted, so that the same objects give the same facts. Raises MalformedObject."""
    namespaces: dict[str, Mapping[str, str]] = {}
    services: list[ServiceFacts] = []
    workloads: list[WorkloadFacts] = []
    for body in objects:
        with _told(body):
            match _kind(body):
                case ("", "Namespace"):
                    namespaces[_meta(body)["name"]] = _strings(_meta(body).get("labels"))
                case ("", "Service"):
                    services.append(_service(cluster, body))
                case ("", "Pod") if not _is_controlled(body) and not _is_over(body):
                    workloads.append(_workload(body, body))
                case kind if kind in TEMPLATED:
                    workloads.append(_workload(body, _mapping(_mapping(body.get("spec")).get("template"))))
    return ClusterFacts(
        cluster=cluster,
        version=version,
        namespaces=dict(sorted(namespaces.items())),
        services=tuple(sorted(services, key=lambda service: service.ref)),
        workloads=tuple(sorted(workloads, key=lambda work: (work.namespace, work.kind, work.name))),
        crds=crds,
    )


@contextmanager
def _told(body: Body) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, AttributeError) as error:
        name = "/".join(str(part) for part in (_meta(body).get("namespace"), _meta(body).get("name")) if part)
        raise MalformedObject(f"{body.get('kind')} {name} is malformed: {error!r}") from error


def crd_facts(objects: Iterable[Body]) -> dict[KindId, CrdFacts]:
    """What the CustomResourceDefinitions among the objects serve, the version that Kubernetes prefers first.
    Raises MalformedObject."""
    found: dict[KindId, CrdFacts] = {}
    for body in objects:
        if body.get("kind") == "CustomResourceDefinition" and _is_established(body):
            with _told(body):
                crd = _crd(body["spec"])
                found |= {crd.kind: crd} if crd.versions else {}
    return dict(sorted(found.items()))


def _crd(spec: Body) -> CrdFacts:
    served = by_priority(entry["name"] for entry in spec.get("versions") or () if entry.get("served", True))
    kind = KindId(spec["group"], spec["names"]["kind"])
    return CrdFacts(kind, spec["names"]["plural"], spec.get("scope") == "Namespaced", served)


def by_priority(versions: Iterable[str]) -> tuple[str, ...]:
    """Kubernetes' order of versions: stable before beta before alpha, newest first, then all others by name."""
    return tuple(sorted(versions, key=_priority))


def _priority(version: str) -> tuple[int, int, int, str]:
    match = _VERSION.fullmatch(version)
    if match is None:
        return (3, 0, 0, version)
    stage = {None: 0, "beta": 1, "alpha": 2}[match[2]]
    return (stage, -int(match[1]), -int(match[3] or 0), version)


def _service(cluster: str, body: Body) -> ServiceFacts:
    meta, spec = _meta(body), _mapping(body.get("spec"))
    return ServiceFacts(
        ref=ServiceRef(meta["name"], meta.get("namespace") or "default", cluster),
        labels=_strings(meta.get("labels")),
        selector=_strings(spec.get("selector")),
        ports=tuple(_port(port) for port in spec.get("ports") or ()),
        headless=spec.get("clusterIP") == "None",
    )


def _port(port: Body) -> PortFacts:
    return PortFacts(
        number=port["port"],
        name=port.get("name") or "",
        target=port.get("targetPort") or 0,
        protocol=port.get("protocol") or "TCP",
        app_protocol=port.get("appProtocol") or "",
    )


def _workload(body: Body, template: Body) -> WorkloadFacts:
    meta, spec = _meta(body), _mapping(template.get("spec"))
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    return WorkloadFacts(
        kind=str(body["kind"]),
        namespace=meta.get("namespace") or "default",
        name=meta["name"],
        labels=_strings(_mapping(template.get("metadata")).get("labels")),
        service_account=spec.get("serviceAccountName") or spec.get("serviceAccount") or "default",
        container_ports={
            port["name"]: port["containerPort"]
            for container in containers
            for port in container.get("ports") or ()
            if port.get("name")
        },
        probes=tuple(sorted({probe for container in containers for probe in _probes(container)})),
    )


def _probes(container: Body) -> Iterator[ProbeFacts]:
    """Those by HTTP; a named port is one of the container's own."""
    named = {port.get("name"): port.get("containerPort") for port in container.get("ports") or ()}
    for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
        asked = _mapping(_mapping(container.get(kind)).get("httpGet"))
        if asked:
            port = asked.get("port")
            number = port if isinstance(port, int) else named.get(port, 0)
            yield ProbeFacts(str(asked.get("path") or "/"), int(number or 0))


def _kind(body: Body) -> tuple[str, str]:
    group = str(body.get("apiVersion", "")).rpartition("/")[0]
    return (group, str(body.get("kind", "")))


def _is_controlled(body: Body) -> bool:
    return any(owner.get("controller") for owner in _meta(body).get("ownerReferences") or ())


def _is_over(body: Body) -> bool:
    return _mapping(body.get("status")).get("phase") in ("Succeeded", "Failed")


def _is_established(body: Body) -> bool:
    """Unless it says that it is not: one that nobody judged (in a folder) counts."""
    conditions = _mapping(body.get("status")).get("conditions") or ()
    return all(c.get("status") == "True" for c in conditions if c.get("type") == "Established")


def _meta(body: Body) -> Body:
    return _mapping(body.get("metadata"))


def _mapping(value: Any) -> Body:
    return value if isinstance(value, Mapping) else {}


def _strings(value: Any) -> dict[str, str]:
    return {str(key): str(item) for key, item in sorted(_mapping(value).items())}
