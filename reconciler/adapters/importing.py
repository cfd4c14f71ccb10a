"""What an adapter gives to ``import``: neutral documents for native objects, and what objects mean.

An importer proposes; whether a proposal holds is proved by compiling it and comparing what both sides mean.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.model.facts import ClusterFacts, MeshFacts
from reconciler.model.refs import ObjectKey, ServiceRef

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the objects live. ``only``: the cluster that documents are to be limited to, "" for every one. ``rename``:
    made objects may have the names that they would have anyway. ``mesh_name``: of the Mesh document."""

    cluster: ClusterFacts
    mesh: MeshFacts
    cluster_domain: str = "cluster.local"
    only: str = ""
    rename: bool = False
    mesh_name: str = ""

    def short(self, service: ServiceRef) -> str:
        """A service as a target is written, limited to the cluster where documents are."""
        return ".".join(part for part in (service.name, service.namespace, self.only) if part)


@dataclass(frozen=True, slots=True)
class Draft:
    """One object in neutral words: documents without apiVersion, as ``{kind, name, spec}``, with a ``namespace`` where
    that is not the object's own. ``remarks`` tell what was left out because it has no effect. ``otherwise``: what to
    try where this does not come back as it was. ``within``: the object whose documents say this one too, which then
    has none."""

    key: ObjectKey
    documents: tuple[Mapping[str, Any], ...]
    remarks: tuple[str, ...] = ()
    otherwise: Draft | None = None
    within: ObjectKey | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """``kept``: why an object cannot be said in neutral words."""

    drafts: tuple[Draft, ...] = ()
    kept: Mapping[ObjectKey, str] = field(default_factory=dict)

    def __or__(self, other: Imported) -> Imported:
        """What is said of both sets of objects."""
        return Imported((*self.drafts, *other.drafts), {**self.kept, **other.kept})


@dataclass(frozen=True, slots=True)
class Meaning:
    """What objects have the mesh do about one thing (a host, the callers of some workloads), in one form for all
    spellings. ``objects``: those that say it; ``besides``: others that it depends on, of which there are meanings of
    their own."""

    about: str
    content: Any
    objects: tuple[ObjectKey, ...]
    besides: tuple[ObjectKey, ...] = ()


Importer = Callable[[Sequence[Body], Scene], Imported]
#: what is made of one body, Unsayable where no neutral field covers it
Reader = Callable[[Body, Scene], Draft | Iterable[Draft]]
Meanings = Callable[[Iterable[Body], Scene], Mapping[str, Meaning]]


class Unsayable(Exception):
    """An object, or a part of it, that no neutral field covers; the message says which."""


#: why an object is kept that no reader is for
OTHER_KIND = "no neutral document is made of this kind"
#: what reading a body raises that is not of the form that its kind has; files may hold anything
MALFORMED = (TypeError, KeyError, AttributeError, ValueError, IndexError)


def proposed(bodies: Iterable[Body], read: Reader, scene: Scene) -> Imported:
    """Each body as ``read`` makes it, or why it is kept; one of a form that its kind does not have is kept, too."""
    drafts: list[Draft] = []
    kept: dict[ObjectKey, str] = {}
    for body in bodies:
        try:
            made = read(body, scene)
            drafts += [made] if isinstance(made, Draft) else list(made)
        except Unsayable as reason:
            kept[key_of(body)] = str(reason)
        except MALFORMED as problem:
            kept[key_of(body)] = f"it is not of the form that its kind has: {problem!r}"
    return Imported(tuple(drafts), kept)


def reader_of(readers: Mapping[str, Reader], body: Body) -> Reader:
    """That of the kind of a body; Unsayable for a kind that has none."""
    kind = str(body.get("kind", ""))
    if kind not in readers:
        raise Unsayable(OTHER_KIND)
    return readers[kind]


def contested(bodies: Iterable[Body], claims: Callable[[Body], tuple[str, ...]]) -> Callable[[Body], str]:
    """Tells of a body the first thing that another one of ``bodies`` takes for itself, too, or ""."""
    counts = Counter(claim for body in bodies for claim in claimed(claims, body))
    return lambda body: min((claim for claim in claimed(claims, body) if counts[claim] > 1), default="")


def claimed(claims: Callable[[Body], tuple[str, ...]], body: Body) -> frozenset[str]:
    """What a body takes for itself alone; nothing where it is not of the form of its kind, since it will be kept."""
    try:
        return frozenset(claims(body))
    except MALFORMED:
        return frozenset()


def key_of(body: Body) -> ObjectKey:
    given = body.get("metadata")
    metadata: Body = given if isinstance(given, Mapping) else {}
    group = str(body.get("apiVersion", "")).rpartition("/")[0]
    name, namespace = str(metadata.get("name", "")), str(metadata.get("namespace") or "")
    return ObjectKey(group, str(body.get("kind", "")), namespace, name)


def slug(said: Any) -> str:
    """The name that a rule has in its object, as a part of a document's name; "" where it has none."""
    return re.sub(r"[^a-z0-9]+", "-", str(said or "").lower()).strip("-")


def only(given: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    """Unsayable when there is a field that is not known: nothing is left out by not having been thought of."""
    unknown = sorted(key for key, value in given.items() if key not in set(known) and value not in (None, {}, []))
    if unknown:
        raise Unsayable(f"no neutral field covers {', '.join(f'{where}.{key}' for key in unknown)}")


def renamed(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a part under their neutral names; ``names``: ours by theirs."""
    return {ours: given[theirs] for theirs, ours in names.items() if given.get(theirs) is not None}


def named(
    mesh_type: str, body: Body, usual: str, scene: Scene, spec: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The field of a policy by which what it makes has the name of an object that exists, and in ``spec`` what else it
    has to have; empty where it has both."""
    key = key_of(body)
    patch: dict[str, Any] = {} if scene.rename or key.name == usual else {"metadata": {"name": key.name}}
    patch |= {"spec": spec} if spec else {}
    return {"native": {mesh_type: {key.kind: patch}}} if patch else {}


def no_importer(bodies: Sequence[Body], _scene: Scene) -> Imported:
    return Imported(kept={key_of(body): "its mesh has no importer" for body in bodies})


def as_written(bodies: Iterable[Body], _scene: Scene) -> Mapping[str, Meaning]:
    """Each object means what its text says."""
    found = {}
    for body in bodies:
        key = key_of(body)
        found[str(key)] = Meaning(str(key), {name: body.get(name) for name in body if name != "metadata"}, (key,))
    return found
