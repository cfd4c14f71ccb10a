"""What lies in the meshes: every page of every list, the description of each resource, and its tags.

A list tells the version of each resource, so that a description is asked for once for each version. Tags are asked for
every time: no version moves with them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from reconciler.io.appmesh.bodies import Found, Held, described
from reconciler.io.appmesh.client import AT_ONCE, Client
from reconciler.io.appmesh.kinds import (
    GATEWAY,
    GATEWAY_ROUTE,
    MESH,
    RESOURCES,
    ROUTE,
    ROUTER,
    SERVICE,
    Resource,
    place_of,
)
from reconciler.io.appmesh.tags import read
from reconciler.model.refs import ObjectKey
from reconciler.ports import Absent, Forbidden, Rejected

_T = TypeVar("_T")
_S = TypeVar("_S")
Place = Mapping[str, str]


@dataclass
class Reader:
    """``seen``: descriptions by ARN, each with what its list told. ``owners``: of meshes by their names."""

    client: Client
    seen: dict[str, tuple[tuple[str, ...], Found]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)

    async def held(self, kinds: Collection[str]) -> tuple[list[Held], dict[str, str]]:
        """All resources of these kinds, and of the others why they could not be read."""
        found: list[Held] = []
        unread: dict[str, str] = {}
        meshes = await self._meshes()
        for kind in sorted(kinds):
            try:
                places = await self._places(kind, meshes)
                found += [one for one in await _each(places, partial(self._whole, kind)) if one]
            except Forbidden as problem:
                unread[kind] = str(problem)
        self._forget(found, complete=not unread and set(kinds) >= RESOURCES.keys())
        return found, unread

    async def one(self, key: ObjectKey) -> Held | None:
        """A resource as it is now."""
        place = await self.place(key)
        resource = RESOURCES[key.kind]
        answer = await self.client.find(f"describe_{resource.word}", **place)
        if answer is None:
            return None
        found = described(key.kind, answer)
        routes = await self._routes(place, fresh=True) if key.kind == ROUTER else []
        return Held(key.kind, found, await self._tags(found["metadata"]["arn"]), routes)

    async def services(self, mesh: str) -> list[Held]:
        """The VirtualServices of a mesh, without their tags."""
        within = {"meshName": mesh, "meshOwner": self.owners[mesh]}
        listed = await self._listed(RESOURCES[SERVICE], within)
        found = await _each(listed, lambda at: self._description(RESOURCES[SERVICE], *at))
        return [Held(SERVICE, one, {}) for one in found if one is not None]

    async def place(self, key: ObjectKey) -> dict[str, str]:
        """The parameters of operations on the resource of an object."""
        place = place_of(key)
        if key.kind == MESH:
            return place
        if key.namespace not in self.owners:
            await self._meshes()
        if (owner := self.owners.get(key.namespace)) is None:
            raise Absent(f"{key}: there is no mesh {key.namespace}", 404)
        return {**place, "meshOwner": owner}

    async def _meshes(self) -> list[Found]:
        found = [one async for one in self.client.pages("list_meshes", "meshes")]
        names = [str(one["meshName"]) for one in found]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise Rejected(f"several accounts share a mesh called {', '.join(twice)}: it is not known which is meant")
        self.owners = {str(one["meshName"]): str(one["meshOwner"]) for one in found}
        return found

    async def _places(self, kind: str, meshes: Iterable[Found]) -> list[tuple[Place, Found]]:
        """Where each resource of a kind is, and what the list says of it."""
        if kind == MESH:
            return [({"meshName": one["meshName"], "meshOwner": one["meshOwner"]}, one) for one in meshes]
        within: list[Place] = [{"meshName": str(m["meshName"]), "meshOwner": str(m["meshOwner"])} for m in meshes]
        if kind == GATEWAY_ROUTE:
            gateways = await _each(within, lambda place: self._listed(RESOURCES[GATEWAY], place))
            within = [place for several in gateways for place, _ in several]
        lists = await _each(within, lambda place: self._listed(RESOURCES[kind], place))
        return [one for several in lists for one in several]

    async def _listed(self, resource: Resource, within: Place) -> list[tuple[Place, Found]]:
        """None of them where what they lie in went meanwhile."""
        try:
            pages = self.client.pages(f"list_{resource.operations}", resource.several, **within)
            return [({**within, resource.named: str(one[resource.named])}, one) async for one in pages]
        except Absent:
            return []

    async def _whole(self, kind: str, at: tuple[Place, Found]) -> Held | None:
        """None for one that went meanwhile."""
        place, listed = at
        found = await self._description(RESOURCES[kind], place, listed)
        if found is None:
            return None
        routes = await self._routes(place) if kind == ROUTER else []
        try:
            return Held(kind, found, await self._tags(found["metadata"]["arn"]), routes)
        except Absent:
            return None

    async def _routes(self, router: Place, *, fresh: bool = False) -> list[Found]:
        places = await self._listed(ROUTE, router)
        if fresh:
            places = [(place, {}) for place, _ in places]
        found = [await self._description(ROUTE, place, listed) for place, listed in places]
        return [one for one in found if one is not None]

    async def _description(self, resource: Resource, place: Place, listed: Found) -> Found | None:
        arn = str(listed.get("arn") or "")
        mark = tuple(str(listed.get(name)) for name in ("version", "createdAt", "lastUpdatedAt"))
        if arn and (known := self.seen.get(arn)) and known[0] == mark:
            return known[1]
        answer = await self.client.find(f"describe_{resource.word}", **place)
        if answer is None:
            return None
        found = described(resource.kind, answer)
        if arn and str(found["metadata"]["version"]) == mark[0]:
            self.seen[arn] = (mark, found)
        return found

    async def _tags(self, arn: str) -> dict[str, str]:
        pages = self.client.pages("list_tags_for_resource", "tags", resourceArn=arn)
        return read([one async for one in pages])

    def _forget(self, found: Iterable[Held], *, complete: bool) -> None:
        """What is gone need not be kept."""
        if complete:
            held = list(found)
            arns = {one.arn for one in held} | {str(r["metadata"]["arn"]) for one in held for r in one.routes}
            self.seen = {arn: known for arn, known in self.seen.items() if arn in arns}


async def _each(items: Iterable[_S], ask: Callable[[_S], Awaitable[_T]]) -> list[_T]:
    """All answers in the order of the items, a few asked for at once. The first error ends it."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(item: _S) -> _T:
        async with turn:
            return await ask(item)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(item)) for item in items]
    except* Exception as problems:
        raise problems.exceptions[0] from None
    return [task.result() for task in tasks]


def parameters(place: Mapping[str, Any], *left_out: str) -> dict[str, Any]:
    """Without those that an operation does not take."""
    return {name: value for name, value in place.items() if name not in left_out}
