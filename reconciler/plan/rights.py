"""The least rights that runs need, from what they read and may write; as a role, sorted and with its reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.model.native import NativeKind
from reconciler.model.rights import Right, Role, RoleRule, RoleSection

CRD = ("apiextensions.k8s.io", "customresourcedefinitions")
#: an apply that creates asks for both; get is for the look that settles whether a write happened
APPLY = ("create", "get", "patch")
DELETE = "delete"
#: for keys on objects of others
LENT = ("get", "patch")
WATCH = "watch"
GRANTING = "rbac.authorization.k8s.io"

_WHY_FACTS = (
    "Discovery: the namespaces, services and workloads that policies are compiled against. They are listed whole,"
    " which resourceNames cannot narrow. Here and below, watch lets a daemon follow long lists instead of reading them"
    " again each round; it works without."
)
_WHY_CRDS = (
    "Discovery: which custom kinds and versions are served, and their schemas, by which objects are compared without"
    " asking the server. A list shows whole objects, so narrowing get by resourceNames would hide nothing."
)
_WHY_DETECT = (
    "Detection of {}: its control planes may be in any namespace and under the name of any revision, so what shows"
    " them is listed and cannot be read by resourceNames."
)
_WHY_LIST = (
    "Kinds of {}: each is listed whole to compare it with Git, to find what is ours when the state is lost, and to"
    " find what others wrote for the same host."
)
_WHY_LIST_MORE = "Kinds of Extension documents, and kinds that were written before: listed for the same reasons."
_WHY_WRITE = (
    "Writing what {} policies become: server-side apply asks for create and patch{}; get is for the look that tells"
    " whether a write happened."
)
_WHY_WRITE_MORE = "Writing the objects of Extension documents, and pruning kinds that were written before."
_WHY_GRANTING = (
    " The API server lets an account grant by a role only what it holds itself: bind it to what these grant, too."
)


@dataclass(frozen=True, slots=True)
class Use:
    """What runs do with which kinds. ``detected``, ``listed`` and ``written`` by mesh type; ``more_`` are kinds beyond
    what policies become. ``deletes``: pruning or replacing may happen."""

    facts: tuple[NativeKind, ...]
    detected: Mapping[str, tuple[NativeKind, ...]] = field(default_factory=dict)
    listed: Mapping[str, tuple[NativeKind, ...]] = field(default_factory=dict)
    written: Mapping[str, tuple[NativeKind, ...]] = field(default_factory=dict)
    more_listed: tuple[NativeKind, ...] = ()
    more_written: tuple[NativeKind, ...] = ()
    deletes: bool = True


def listing(kinds: Iterable[NativeKind]) -> frozenset[Right]:
    return frozenset(Right(kind.kind.group, kind.plural, "list") for kind in kinds)


def following(kinds: Iterable[NativeKind]) -> frozenset[Right]:
    """What listing asks for, and a daemon's watches of long lists; without them it lists again and again."""
    rights = listing(kinds)
    return rights | {replace(right, verb=WATCH) for right in rights}


def looking_up_kinds() -> frozenset[Right]:
    return frozenset(Right(*CRD, verb) for verb in ("get", "list"))


def writing(kinds: Iterable[NativeKind], *, deletes: bool) -> frozenset[Right]:
    """What writing objects of these kinds asks for; ``deletes``: also removing them. What is lent is only changed."""
    verbs = (*APPLY, DELETE) if deletes else APPLY
    return frozenset(
        Right(kind.kind.group, kind.plural, verb) for kind in kinds for verb in (LENT if kind.lent else verbs)
    )


def role(use: Use, notes: tuple[str, ...] = ()) -> Role:
    """The role for this use; a right that several purposes need stands with the first of them."""
    wanted: list[tuple[str, frozenset[Right]]] = [(_WHY_FACTS, following(use.facts))]
    wanted.append((_WHY_CRDS, looking_up_kinds() | {Right(*CRD, WATCH)}))
    wanted += [(_WHY_DETECT.format(mesh), following(kinds)) for mesh, kinds in sorted(use.detected.items())]
    wanted += [(_WHY_LIST.format(mesh), following(kinds)) for mesh, kinds in sorted(use.listed.items())]
    wanted.append((_WHY_LIST_MORE, following(use.more_listed)))
    also = ", delete is for pruning" if use.deletes else ""
    for mesh, kinds in sorted(use.written.items()):
        wanted.append((_WHY_WRITE.format(mesh, also), writing(kinds, deletes=use.deletes)))
    grants = any(kind.kind.group == GRANTING for kind in use.more_written)
    why_more = _WHY_WRITE_MORE + (_WHY_GRANTING if grants else "")
    wanted.append((why_more, writing(use.more_written, deletes=use.deletes)))
    sections = []
    granted: frozenset[Right] = frozenset()
    for why, rights in wanted:
        if rights - granted:
            sections.append(RoleSection(why, _rules(rights - granted)))
        granted |= rights
    return Role(notes, tuple(sections))


def _rules(rights: frozenset[Right]) -> tuple[RoleRule, ...]:
    """As few rules as say the same: resources of one group with the same verbs together."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for right in sorted(rights):
        verbs.setdefault((right.group, right.resource), []).append(right.verb)
    together: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (group, resource), allowed in verbs.items():
        together.setdefault((group, tuple(allowed)), []).append(resource)
    return tuple(RoleRule(group, tuple(names), allowed) for (group, allowed), names in sorted(together.items()))
