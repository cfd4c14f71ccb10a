"""Which control plane a label means: by its revision, or by a tag, which is another name of a revision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.adapters.raw import Object, labels

REVISION = "istio.io/rev"
TAG = "istio.io/tag"
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Revisions:
    """All revisions of a cluster (the unnamed one is "") and the tags that stand for them. ``certain``: the objects
    that show tags were among those read, so that a name which is neither means nobody."""

    known: frozenset[str]
    tags: Mapping[str, str]
    certain: bool

    def is_meant(self, said: str, revision: str) -> bool:
        """Whether a label with this value means a revision. The unnamed one is labelled as default; a tag of that
        name takes its place."""
        said = DEFAULT if said == "" else said
        if said in self.tags:
            return self.tags[said] == revision
        plain = "" if said == DEFAULT else said
        if plain in self.known:
            return plain == revision
        return plain == "" or not self.certain

    def tags_of(self, revision: str) -> tuple[str, ...]:
        own = {tag for tag, meant in self.tags.items() if meant == revision}
        return tuple(sorted(own | ({DEFAULT} if revision == "" and DEFAULT not in self.tags else set())))


def revision_of(plane: Object) -> str:
    """The unnamed revision is "", which istiod itself labels as default."""
    return _plain(labels(plane).get(REVISION))


def revisions(planes: Iterable[Object], webhooks: Iterable[Object]) -> Revisions:
    """``webhooks``: MutatingWebhookConfigurations, by which tags are made."""
    hooks = [item for item in webhooks if REVISION in labels(item)]
    tags = {str(labels(hook)[TAG]): _plain(labels(hook)[REVISION]) for hook in hooks if TAG in labels(hook)}
    return Revisions(frozenset(revision_of(plane) for plane in planes), dict(sorted(tags.items())), bool(hooks))


def _plain(said: object) -> str:
    return "" if said in (None, DEFAULT) else str(said)
