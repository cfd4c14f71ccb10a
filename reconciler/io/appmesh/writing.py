"""Writes: a resource with its tags, a router with its routes. Marks come before what they are about, so that nothing of
ours is ever without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.io.appmesh.bodies import Held, Wanted
from reconciler.io.appmesh.client import Client
from reconciler.io.appmesh.fields import from_api
from reconciler.io.appmesh.kinds import MESH, RESOURCES, ROUTE, ROUTER
from reconciler.io.appmesh.reading import parameters
from reconciler.io.appmesh.routes import Spec, steps
from reconciler.io.appmesh.tags import listed, removed
from reconciler.ports import Absent, ClusterError

Place = Mapping[str, str]


@dataclass
class Writes:
    """The writes of one object, of which AWS may refuse any: the error then names what was done before it, so that the
    record tells of it."""

    client: Client
    name: str
    done: list[str] = field(default_factory=list)

    async def write(self, operation: str, **params: Any) -> None:
        try:
            await self.client.write(operation, **params)
        except ClusterError as problem:
            if self.done:
                problem.args = (f"{problem}; done before it: {', '.join(self.done)}",)
            raise
        self.done.append(f"{operation} {params.get(ROUTE.named) or self.name}")


async def create(client: Writes, place: Place, wanted: Wanted, tags: Mapping[str, str]) -> None:
    resource = RESOURCES[wanted.key.kind]
    await client.write(f"create_{resource.word}", **place, spec=wanted.spec, tags=listed(tags))
    if wanted.key.kind == ROUTER:
        await _rewrite(client, place, {}, wanted.routes, tags)


async def update(client: Writes, place: Place, held: Held, wanted: Wanted, tags: Mapping[str, str]) -> None:
    """Only what differs is written."""
    await _mark(client, held, tags)
    before: Spec = held.found.get("spec") or {}
    between = _with_ports_of(before, wanted.spec) if wanted.key.kind == ROUTER else wanted.spec
    await _specify(client, place, wanted, before, between)
    if wanted.key.kind == ROUTER:
        routes = {str(one["routeName"]): one["spec"] for one in held.routes}
        await _rewrite(client, place, routes, wanted.routes, tags)
        await _specify(client, place, wanted, between, wanted.spec)


async def delete(client: Writes, place: Place, held: Held) -> None:
    """A router goes after its routes: AWS refuses to delete what has parts, or is referred to."""
    for one in held.routes:
        await _gone(client, "delete_route", {**place, ROUTE.named: str(one["routeName"])})
    left_out = ("meshOwner",) if held.kind == MESH else ()
    await _gone(client, f"delete_{RESOURCES[held.kind].word}", parameters(place, *left_out))


async def _mark(client: Writes, held: Held, tags: Mapping[str, str]) -> None:
    if changed := {key: value for key, value in tags.items() if held.tags.get(key) != value}:
        await client.write("tag_resource", resourceArn=held.arn, tags=listed(changed))
    if gone := removed(held.tags, tags):
        await client.write("untag_resource", resourceArn=held.arn, tagKeys=gone)


async def _specify(client: Writes, place: Place, wanted: Wanted, before: Spec, after: Spec) -> None:
    if from_api(after) != from_api(before):
        left_out = ("meshOwner",) if wanted.key.kind == MESH else ()
        await client.write(f"update_{RESOURCES[wanted.key.kind].word}", **parameters(place, *left_out), spec=after)


async def _rewrite(
    client: Writes, place: Place, before: Mapping[str, Spec], after: Mapping[str, Spec], tags: Mapping[str, str]
) -> None:
    """What is empty makes no difference."""
    for step in steps(_said(before), _said(after)):
        at: dict[str, Any] = {**place, ROUTE.named: step.name}
        if step.spec is None:
            await _gone(client, "delete_route", at)
            continue
        more = {"tags": listed(tags)} if step.operation == "create" else {}
        await client.write(f"{step.operation}_route", **at, spec=after[step.name], **more)


def _said(routes: Mapping[str, Spec]) -> dict[str, Spec]:
    return {name: from_api(spec) for name, spec in routes.items()}


async def _gone(client: Writes, operation: str, place: Mapping[str, Any]) -> None:
    try:
        await client.write(operation, **place)
    except Absent:
        return


def _with_ports_of(before: Spec, after: Spec) -> dict[str, Any]:
    """The listeners that are to be, and those on other ports that routes may still name."""
    ports = {one["portMapping"]["port"] for one in after.get("listeners") or ()}
    left = [one for one in before.get("listeners") or () if one["portMapping"]["port"] not in ports]
    return {**after, "listeners": [*(after.get("listeners") or ()), *left]}
