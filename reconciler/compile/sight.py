"""Where requests are seen, and where only connections are: of services on what their ports are declared to speak."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.adapters.protocols import all_opaque
from reconciler.compile.capabilities import Connections
from reconciler.compile.site import Site
from reconciler.compile.targets import Chosen
from reconciler.model.facts import PortFacts
from reconciler.model.selectors import Match


def by_sight(
    served: Sequence[Chosen], matches: Iterable[Match], profile: str, site: Site
) -> list[tuple[Connections | None, list[Chosen]]]:
    """Destinations that are served in one profile by what is seen of calls to the ports that a policy means: all of
    which requests may be seen together (None), and each of the others by itself, since what is told names it."""
    tells = site.adapter.routes_connections
    if tells is None:
        return [(None, list(served))]
    asked = _of_matches(matches)
    seen: list[Chosen] = []
    found: list[tuple[Connections | None, list[Chosen]]] = []
    for one in served:
        ports = _meant(one, asked)
        if all_opaque(ports):
            found.append((Connections.ROUTED if tells(profile, ports) else Connections.LEFT, [one]))
        else:
            seen.append(one)
    return [(None, seen), *found] if seen else found


def _of_matches(matches: Iterable[Match]) -> frozenset[int | str]:
    """The ports that the conditions of a policy name, if each of them does."""
    named = [match.ports for match in matches]
    return frozenset(port for ports in named for port in ports) if all(named) else frozenset()


def _meant(chosen: Chosen, asked: frozenset[int | str]) -> list[PortFacts]:
    facts = chosen.facts
    found = list(facts.ports) if facts else []
    for wanted in (chosen.ports, asked):
        found = [port for port in found if not wanted or port.number in wanted or port.name in wanted]
    return found
