"""Decides what is taken over: documents are compiled, and each object must come back meaning what it meant.

What does not is kept as an object, and the rest is tried again, until all that stands holds together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from reconciler.adapters.base import Adapter
from reconciler.adapters.importing import Body, Draft, Meaning, Scene, key_of
from reconciler.compile import compile_state, intents
from reconciler.load import load
from reconciler.model.canonical import encode
from reconciler.model.commits import SourceTree
from reconciler.model.facts import Facts
from reconciler.model.findings import Finding, Severity
from reconciler.model.imports import Back, Fate, Import, Taken
from reconciler.model.native import Compiled, NativeObject
from reconciler.model.refs import DocRef, ObjectKey, TargetId
from reconciler.pipeline.importing.difference import difference
from reconciler.pipeline.importing.documents import Place, Written, files
from reconciler.pipeline.importing.objects import Sorted, sorted_out
from reconciler.plan.structural import complete
from reconciler.ports import Schemas


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the documents are to stand. ``tree``: what the repository says already; ``exact``: only what comes back as
    the very same object is said in neutral words; ``rename``: names of objects may change; ``schemas``: of the
    cluster's kinds, by which it fills in what is left out."""

    tree: SourceTree
    target: TargetId
    facts: Facts
    adapters: Mapping[str, Adapter]
    now: datetime
    place: Place
    exact: bool = False
    rename: bool = False
    schemas: Schemas = field(default_factory=dict)


class Unusable(Exception):
    """The repository has no such target, or cannot be loaded at all."""


def import_objects(bodies: Iterable[Body], ground: Ground) -> Import:
    """Everything that became of the objects. Raises Unusable."""
    adapter, scene = _scene(ground)
    given = sorted_out(bodies, adapter)
    return _Proof(ground, adapter, scene, given).run()


def _scene(ground: Ground) -> tuple[Adapter, Scene]:
    desired, findings = load(ground.tree, tuple(ground.adapters))
    if desired is None or ground.target not in desired.targets:
        wrong = next((str(one) for one in findings if one.severity is Severity.ERROR), "")
        raise Unusable(wrong or f"there is no mesh {ground.target} in this repository")
    adapter = ground.adapters[desired.mesh(ground.target).type]
    intent = intents(desired, ground.facts, ground.adapters, ground.now)[ground.target]
    return adapter, Scene(
        intent.cluster, intent.mesh, intent.cluster_domain, ground.place.only, ground.rename, ground.target.mesh
    )


@dataclass(slots=True)
class _Trial:
    """One attempt: what was written, what came of it, and why which objects cannot stay as they are."""

    written: dict[ObjectKey, Written]
    files: dict[str, str]
    compiled: Compiled
    made: tuple[NativeObject, ...]
    findings: tuple[Finding, ...]
    blamed: dict[ObjectKey, str]
    by_key: dict[ObjectKey, NativeObject] = field(init=False)

    def __post_init__(self) -> None:
        self.by_key = {one.key: one for one in reversed(self.made)}


class _Proof:
    def __init__(self, ground: Ground, adapter: Adapter, scene: Scene, given: Sorted) -> None:
        self.ground, self.adapter, self.scene, self.given = ground, adapter, scene, given
        self.bodies: Mapping[ObjectKey, Body] = given.wanted
        bodies = self.bodies
        imported = adapter.importer(list(bodies.values()), scene)
        self.drafts: dict[ObjectKey, Draft] = {draft.key: draft for draft in imported.drafts}
        rest = {key: imported.kept.get(key, "") for key in bodies if key not in self.drafts}
        self.kept: dict[ObjectKey, str] = {key: reason for key, reason in rest.items() if key not in given.lent}
        self.lost: dict[ObjectKey, str] = {key: reason for key, reason in rest.items() if key in given.lent}
        self.meant = adapter.meanings(bodies.values(), scene)

    def run(self) -> Import:
        """Each round takes back at least one proposal or object, so there is an end. Those for which there is another
        go first, since it may put the others right."""
        while (trial := self._try()).blamed:
            open_ = {key for key in trial.blamed if key in self.drafts and self.drafts[key].otherwise is not None}
            for key, reason in trial.blamed.items():
                if not open_ or key in open_:
                    self._take_back(key, reason)
        taken = [*self.given.skipped, *(self._taken(key, trial) for key in self.bodies)]
        return Import(self.ground.target, tuple(sorted(taken, key=lambda one: one.key)), trial.files, self._told(trial))

    def _take_back(self, key: ObjectKey, reason: str) -> None:
        draft = self.drafts.pop(key, None)
        if draft is None:
            del self.kept[key]
            self.lost[key] = reason
        elif draft.otherwise is not None:
            self.drafts[key] = draft.otherwise
        elif key in self.given.lent:
            self.lost[key] = reason  # nothing but its owner can keep an object of somebody else
        else:
            self.kept[key] = reason

    def _try(self) -> _Trial:
        written = {key: self.ground.place.of_draft(draft) for key, draft in self.drafts.items()}
        written |= {key: self.ground.place.of_object(self.bodies[key]) for key in self.kept}
        texts = files(written.values())
        encoded = {path: text.encode() for path, text in texts.items()}
        tree = replace(self.ground.tree, files={**self.ground.tree.files, **encoded})
        desired, findings = load(tree, tuple(self.ground.adapters))
        if desired is None:
            raise Unusable(str(findings[0]))
        compiled = compile_state(desired, self.ground.facts, self.ground.adapters, self.ground.now)
        made = compiled.objects.get(self.ground.target, ())
        trial = _Trial(written, texts, compiled, made, (*findings, *compiled.findings), {})
        trial.blamed = self._blamed(trial)
        return trial

    def _blamed(self, trial: _Trial) -> dict[ObjectKey, str]:
        owners = {ref: key for key, one in trial.written.items() for ref, _ in one.documents}
        found = self._refused(trial, owners)
        if found:
            return found
        back = self.adapter.meanings([one.body for one in trial.made if self._ours(one, owners)], self.scene)
        for about in sorted({*self.meant, *back}):
            reason = self._differs(about, back)
            if reason:
                found |= dict.fromkeys(self._concerned(about, back, trial, owners), reason)
        return found or self._mixed(trial, owners) or self._inexact(trial)

    def _refused(self, trial: _Trial, owners: Mapping[DocRef, ObjectKey]) -> dict[ObjectKey, str]:
        """Objects with a document that is wrong, refused, or made less of than it says."""
        found: dict[ObjectKey, str] = {}
        by_path: dict[str, list[ObjectKey]] = {}
        for key, one in trial.written.items():
            by_path.setdefault(one.path, []).append(key)
        for finding in trial.findings:
            if finding.severity is Severity.ERROR:
                named = [owners[ref] for ref in finding.documents if ref in owners]
                for key in self._to_blame(named or by_path.get(finding.position.path, [])):
                    found.setdefault(key, _reason(finding))
        for hold in trial.compiled.holds:
            if hold.ref is not None and hold.ref in owners and owners[hold.ref] in self.drafts:
                found.setdefault(owners[hold.ref], hold.reason)
        return found

    def _to_blame(self, keys: Iterable[ObjectKey]) -> list[ObjectKey]:
        """Where proposals and kept objects are concerned, the proposals: they can still be kept as objects."""
        several = list(keys)
        return [key for key in several if key in self.drafts] or several

    def _ours(self, one: NativeObject, owners: Mapping[DocRef, ObjectKey]) -> bool:
        return any(origin.ref in owners for origin in one.origins)

    def _differs(self, about: str, back: Mapping[str, Meaning]) -> str:
        before, after = self.meant.get(about), back.get(about)
        if before is not None and before.objects and set(before.objects) <= self.lost.keys():
            return ""
        if before is None or after is None:
            return f"compiling gives {'nothing' if after is None else 'something else'} for {about}"
        if encode(before.content) == encode(after.content):
            return ""
        return f"it would come back with another meaning: {difference(before.content, after.content)}"

    def _concerned(
        self, about: str, back: Mapping[str, Meaning], trial: _Trial, owners: Mapping[DocRef, ObjectKey]
    ) -> set[ObjectKey]:
        """The drafts that say something of a thing, now or in what came back of them; else those it depends on."""
        before, after = self.meant.get(about), back.get(about)

        def of(keys: Iterable[ObjectKey], made: Iterable[ObjectKey]) -> set[ObjectKey]:
            wanted = set(made)
            origins = {origin.ref for one in trial.made if one.key in wanted for origin in one.origins}
            return {*keys, *(owners[ref] for ref in origins if ref in owners)}

        keys = of(before.objects if before else (), after.objects if after else ())
        besides = of(before.besides if before else (), after.besides if after else ())
        concerned = keys & self.drafts.keys() or besides & self.drafts.keys() or keys & self.kept.keys()
        if not concerned:
            raise RuntimeError(f"no object answers for {about}")
        return concerned

    def _mixed(self, trial: _Trial, owners: Mapping[DocRef, ObjectKey]) -> dict[ObjectKey, str]:
        """Objects that documents of the repository have a part in: the two would be one from now on."""
        found: dict[ObjectKey, str] = {}
        for one in trial.made:
            others = sorted({str(origin.ref) for origin in one.origins if origin.ref not in owners})
            if others and self._ours(one, owners):
                keys = {owners[origin.ref] for origin in one.origins if origin.ref in owners}
                found |= dict.fromkeys(keys & self.drafts.keys(), f"{others[0]} has a part in {one.key}, too")
        return found

    def _inexact(self, trial: _Trial) -> dict[ObjectKey, str]:
        if not self.ground.exact:
            return {}
        reasons = {Back.RESPELLED: "it would come back in another spelling", Back.RENAMED: "... under another name"}
        backs = {key: self._back(key, trial) for key in self.drafts}
        return {key: reasons[back] for key, back in backs.items() if back in reasons}

    def _back(self, key: ObjectKey, trial: _Trial) -> Back:
        made = trial.by_key.get(key)
        if made is None:
            return Back.RENAMED
        content, given = self._content(made.body), self._content(self.bodies[key])
        return Back.SAME if content == given and _marked(made.body, self.bodies[key]) else Back.RESPELLED

    def _content(self, body: Body) -> str:
        """What the cluster would hold of it, in the form in which it is compared."""
        schema = self.ground.schemas.get((key_of(body).kind_id, str(body.get("apiVersion", "")).rpartition("/")[2]))
        normal: Mapping[str, Any] = self.adapter.normalize(complete(body, schema) if schema else body)
        return encode({name: value for name, value in normal.items() if name not in ("apiVersion", "metadata")})

    def _taken(self, key: ObjectKey, trial: _Trial) -> Taken:
        if key in self.lost:
            return Taken(key, Fate.SKIPPED, reason=self.lost[key])
        draft = self.drafts.get(key)
        one = trial.written[draft.within if draft and draft.within in trial.written else key]
        refs = tuple(ref for ref, _ in one.documents)
        if draft is None:
            return Taken(key, Fate.OBJECT, Back.SAME, refs, one.path, self.kept[key], self.given.remarks[key])
        back = self._back(key, trial)
        native = any(_patched(document["spec"]) for document in draft.documents)
        becomes = self._becomes(key, set(refs), trial) if back is Back.RENAMED else ()
        fate = Fate.NATIVE if native else Fate.NEUTRAL
        return Taken(key, fate, back, refs, one.path, "", (*draft.remarks, *self.given.remarks[key]), becomes)

    def _becomes(self, key: ObjectKey, origins: set[DocRef], trial: _Trial) -> tuple[ObjectKey, ...]:
        """The objects of its kind that its documents make."""
        others = (made for made in trial.made if made.key.kind_id == key.kind_id)
        return tuple(made.key for made in others if origins & {origin.ref for origin in made.origins})

    def _told(self, trial: _Trial) -> tuple[Finding, ...]:
        ours = {ref for one in trial.written.values() for ref, _ in one.documents}
        return tuple(one for one in trial.findings if ours & set(one.documents) or one.position.path in trial.files)


def _marked(made: Body, given: Body) -> bool:
    """Whether an object has the labels and annotations already that are made."""
    has = {part: (given.get("metadata") or {}).get(part) or {} for part in ("labels", "annotations")}
    wanted = {part: (made.get("metadata") or {}).get(part) or {} for part in has}
    return all(wanted[part].items() <= has[part].items() for part in has)


def _reason(finding: Finding) -> str:
    if finding.code == "object-duplicate":
        return f"its documents make {finding.message.partition(' would be')[0]}, which is written by others already"
    return f"{finding.code}: {finding.message}"


def _patched(spec: Mapping[str, Any]) -> bool:
    """Whether a document has a native patch that does more than to name an object."""
    patches = [patch for kinds in (spec.get("native") or {}).values() for patch in kinds.values()]
    return any(patch.keys() != {"metadata"} or patch["metadata"].keys() != {"name"} for patch in patches)
