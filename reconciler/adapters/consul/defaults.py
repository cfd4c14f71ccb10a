"""ServiceDefaults: all that several policies, about several services, want of the one object that each service has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.consul.kinds import SERVICE_DEFAULTS
from reconciler.adapters.envelopes import build
from reconciler.adapters.gaps import Gaps
from reconciler.model.intents import MeshIntent, Origin
from reconciler.model.refs import ServiceRef


@dataclass
class _Wanted:
    protocol: str = ""
    mutual_tls: str = ""
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)
    extensions: list[dict[str, Any]] = field(default_factory=list)
    origins: set[Origin] = field(default_factory=set)


class Defaults:
    """Gathers it, by service. What is wanted of one is checked by who wants it."""

    def __init__(self) -> None:
        self._wanted: dict[ServiceRef, _Wanted] = {}

    def protocol(self, service: ServiceRef, protocol: str, origins: Iterable[Origin]) -> None:
        self._of(service, origins).protocol = protocol

    def mutual_tls(self, service: ServiceRef, mode: str, origins: Iterable[Origin]) -> None:
        self._of(service, origins).mutual_tls = mode

    def override(self, caller: ServiceRef, upstream: dict[str, Any], origins: Iterable[Origin]) -> None:
        """What a caller keeps to when it calls the service that the override names."""
        self._of(caller, origins).overrides[upstream["name"]] = upstream

    def extension(self, service: ServiceRef, extension: dict[str, Any], origins: Iterable[Origin]) -> None:
        """What the proxies of a service do besides; in the order in which they do it."""
        self._of(service, origins).extensions.append(extension)

    def objects(self, intent: MeshIntent) -> Iterable[Built]:
        for service, wanted in sorted(self._wanted.items()):
            spec: dict[str, Any] = {"protocol": wanted.protocol} if wanted.protocol else {}
            spec |= {"mutualTLSMode": wanted.mutual_tls} if wanted.mutual_tls else {}
            if wanted.overrides:
                spec["upstreamConfig"] = {"overrides": [wanted.overrides[name] for name in sorted(wanted.overrides)]}
            if wanted.extensions:
                spec["envoyExtensions"] = wanted.extensions
            made = build(intent, SERVICE_DEFAULTS, service.namespace, service.name, spec, wanted.origins)
            yield built([made], Gaps(), wanted.origins, intent, service)

    def _of(self, service: ServiceRef, origins: Iterable[Origin]) -> _Wanted:
        found = self._wanted.setdefault(service, _Wanted())
        found.origins.update(origins)
        return found
