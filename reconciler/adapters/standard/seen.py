"""What shows of Gateway API in a cluster: the release of its definitions, its classes, and Gateways with addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.adapters.leaves import section
from reconciler.adapters.raw import Object, annotations_of, mappings, name, namespace
from reconciler.adapters.standard.kinds import GROUP
from reconciler.model.facts import GatewayFacts, PortFacts

_VERSION = f"{GROUP}/bundle-version"
_CHANNEL = f"{GROUP}/channel"
#: the definition that tells version and channel: others of another channel are often installed beside it
_DECISIVE = f"httproutes.{GROUP}"


def release(definitions: Iterable[Object]) -> tuple[str, str] | None:
    """Version and channel of the definitions, as their metadata says; None where there are none."""
    own = {name(item): annotations_of(item) for item in definitions if name(item).endswith(f".{GROUP}")}
    said = own.get(_DECISIVE, own[min(own)]) if own else None
    return None if said is None else (str(said.get(_VERSION, "")).removeprefix("v"), str(said.get(_CHANNEL, "")))


def classes(found: Iterable[Object]) -> Mapping[str, str]:
    """The classes of gateways, each with its controller."""
    known = {name(item): str(section(item, "spec").get("controllerName", "")) for item in found}
    return dict(sorted(known.items()))


def gateway(found: Object) -> GatewayFacts:
    """A Gateway object; the addresses are those of its status."""
    listeners = mappings(section(found, "spec").get("listeners"))
    given = mappings(section(found, "status").get("addresses"))
    return GatewayFacts(
        name=name(found),
        namespace=namespace(found),
        role="Ingress",
        addresses=tuple(sorted({str(item["value"]) for item in given if item.get("value")})),
        ports=tuple(_port(item) for item in listeners if isinstance(item.get("port"), int)),
        resource=name(found),
        class_name=str(section(found, "spec").get("gatewayClassName", "")),
    )


def _port(listener: Object) -> PortFacts:
    return PortFacts(listener["port"], str(listener.get("name", "")), app_protocol=str(listener.get("protocol", "")))
