"""The outside world as a few Protocols, and its family of errors.

    OutsideError                 retryable or not; the message is for people and names no secret
    ├── SourceError              Git: unreachable, no such ref, refused, corrupt
    │   ├── RewrittenHistory     the new head does not descend from the last accepted one
    │   └── HiddenHistory        a shallow clone does not have the commits that would answer
    ├── ClusterError             an API server's answer, or none
    │   ├── Unreachable          no answer: down, timed out, cut
    │   ├── Forbidden            401, 403
    │   ├── Absent               404: the object, its namespace or its kind
    │   ├── Conflict             409
    │   ├── Rejected             422, 400: ``immutable`` when a field cannot change
    │   ├── Throttled            429
    │   └── ServerFailed         5xx
    └── StoreError               the state store: full, locked, corrupt
        ├── Tampered             the audit chain does not verify
        └── LeaseLost            another writer has taken over what is about to be recorded

Implementations are in ``reconciler.io``; an in-memory world for tests is ``reconciler.io.memory``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from reconciler.model.events import AuditEvent, Intent, StoredEvent
from reconciler.model.leases import Lease
from reconciler.model.live import Inspection as Inspection
from reconciler.model.live import Listing as Listing
from reconciler.model.live import LiveObject, Prediction
from reconciler.model.live import Schemas as Schemas
from reconciler.model.live import Written as Written
from reconciler.model.native import NativeKind
from reconciler.model.refs import ObjectKey
from reconciler.model.rights import Right
from reconciler.ports.source import Source as Source


class OutsideError(Exception):
    retryable = False


class SourceError(OutsideError):
    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class RewrittenHistory(SourceError):
    """``accepted`` and ``head`` are full commit hashes."""

    def __init__(self, message: str, accepted: str, head: str) -> None:
        super().__init__(message)
        self.accepted = accepted
        self.head = head


class HiddenHistory(SourceError):
    """A shallow clone does not have the commits that would answer."""


class ClusterError(OutsideError):
    """``status`` is the HTTP status, 0 when there was none; ``retry_after`` seconds, when the server said."""

    def __init__(self, message: str, status: int = 0, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class Unreachable(ClusterError):
    retryable = True


class Forbidden(ClusterError):
    pass


class Absent(ClusterError):
    pass


class Conflict(ClusterError):
    pass


class Rejected(ClusterError):
    immutable = False


class Throttled(ClusterError):
    retryable = True


class ServerFailed(ClusterError):
    retryable = True


class StoreError(OutsideError):
    pass


class Tampered(StoreError):
    """``seq`` is the number of the first event that is not as it was recorded, 0 when it is the head itself."""

    def __init__(self, message: str, seq: int = 0) -> None:
        super().__init__(message)
        self.seq = seq


class LeaseLost(StoreError):
    pass


class Cluster(Protocol):
    """One cluster's API. Every method may raise a ClusterError; none retries on its own account except reads."""

    @property
    def name(self) -> str: ...

    def stay(self) -> None:
        """More runs than one will use it: it may keep what it has read, and follow what changes there."""

    async def inspect(self, kinds: Sequence[NativeKind]) -> Inspection:
        """Namespaces, services, workloads, served kinds; and the raw objects of ``kinds`` for detection."""

    async def pods(self, selector: str) -> Sequence[Mapping[str, Any]]:
        """Pods with a label (``key=value``), of each at least its labels and the images of its containers."""

    async def schemas(self, kinds: Sequence[NativeKind]) -> Schemas:
        """The schemas of those kinds that have one and that we may look at, by kind and served version."""

    async def list_objects(self, kinds: Sequence[NativeKind]) -> Listing:
        """Every object of these kinds, ours or not, and the schemas of those kinds that have one."""

    async def read(self, key: ObjectKey, kind: NativeKind) -> LiveObject | None:
        """One object now, consistently; None when it is not there."""

    async def predict(self, body: Mapping[str, Any], kind: NativeKind) -> Prediction:
        """Server-side dry-run apply with our field manager and force; refusals are values, not exceptions.

        Neither a body nor an error where we may not ask.
        """

    async def apply(self, body: Mapping[str, Any], kind: NativeKind, *, force: bool) -> Written:
        """Server-side apply with our field manager. ``force`` only for objects that are ours or to be adopted."""

    async def remove_fields(self, key: ObjectKey, kind: NativeKind, pointers: Sequence[str], rv: str) -> Written:
        """Remove JSON pointers, guarded by the resourceVersion (Conflict when it moved)."""

    async def delete(self, key: ObjectKey, kind: NativeKind, uid: str, rv: str) -> None:
        """Delete with preconditions on uid and resourceVersion; an object that is gone already is no error."""

    async def probe(self) -> None:
        """One light request; returns when the cluster answers at all. Forbidden is an answer, too."""

    async def missing_rights(self, rights: Sequence[Right]) -> tuple[Right, ...]:
        """Those of the rights that the account does not have; none where the cluster does not tell. Changes nothing.

        Forbidden where nothing can be written whatever the rights.
        """

    async def close(self) -> None: ...


@runtime_checkable
class IssuesIdentities(Protocol):
    """A cluster whose workloads get their certificates from us."""

    async def identities_due(self, asked: Sequence[Mapping[str, Any]], now: datetime) -> Sequence[str]:
        """The workloads whose certificate is missing or to be replaced, of those that Git asks for: ``asked`` are the
        bodies of all objects. ClusterError when that cannot be told."""

    async def renew_identities(self, names: Sequence[str], asked: Sequence[Mapping[str, Any]], now: datetime) -> None:
        """Give them new ones."""


class Values(Protocol):
    """Small JSON values kept under names."""

    def get(self, key: str) -> Any | None:
        """A small JSON value kept under a name."""

    def put(self, key: str, value: Any) -> None: ...

    def keys(self, prefix: str) -> Sequence[str]: ...

    def delete(self, key: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Proofs:
    """What writes to one cluster proved: per object the (desired hash, resourceVersion), None for one that is gone.

    A desired hash of "" says only that nobody but us wrote the object up to that version.
    """

    cluster: str
    objects: Mapping[ObjectKey, tuple[str, str] | None]


class Store(Values, Protocol):
    """State and audit of one installation. Durable when a method returns. StoreError when it cannot be."""

    def values(self, prefixes: Sequence[str]) -> Mapping[str, Any]:
        """All values whose names begin in one of these ways, read at once."""

    def proven(self, cluster: str) -> Mapping[ObjectKey, tuple[str, str]]:
        """Per object, the (desired hash, resourceVersion) last proven equal."""

    def replace_proven(self, cluster: str, proven: Mapping[ObjectKey, tuple[str, str]]) -> None: ...

    def acquire_lease(self, name: str, holder: str, seconds: float, now: datetime) -> Lease | None:
        """A new lease; None while another one holds: not released, not run out, its process not known to have ended.

        A lease that has longer to run than it was given (the clock was set back) is cut to that.
        """

    def renew_lease(self, lease: Lease, seconds: float, now: datetime) -> Lease | None:
        """The same lease for longer; None when it was released or somebody else has had it since."""

    def release_lease(self, lease: Lease) -> None:
        """Give it up; nothing happens when it is another's by now."""

    def lease_holder(self, name: str) -> Lease | None:
        """The lease that was last taken and not released, be it run out or not."""

    def leases(self, prefix: str, now: datetime) -> Sequence[Lease]:
        """The last lease of each name that begins so, by name; without a holder where nobody holds it now."""

    def open_intents(self, intents: Iterable[Intent], leases: Iterable[Lease] = ()) -> None:
        """Make intents durable, all or none, before their writes. LeaseLost when one of the leases is not held."""

    def close_intents(
        self,
        done: Mapping[str, AuditEvent | None],
        leases: Iterable[Lease] = (),
        proofs: Proofs | None = None,
        opened: Iterable[Intent] = (),
    ) -> None:
        """Close intents by id, appending the event of each (None: it turned out that nothing was written), keep the
        proofs with them, and make the next intents durable: all of it or nothing.

        LeaseLost, and nothing is done, when one of the leases is not held.
        """

    def pending_intents(self) -> Sequence[Intent]:
        """Intents that a run that died left open, oldest first."""

    def append(self, events: Iterable[AuditEvent], values: Mapping[str, Any] | None = None) -> None:
        """Add events, and put these values (None: delete it) with them: both or neither."""

    def events(self, *, newest_first: bool = False, limit: int = 0, **filters: str) -> Iterable[StoredEvent]:
        """Events in order. Filters, all optional: run, type, target, cluster, object, commit, since, until, id."""

    def last_writes(self, object_pattern: str = "", cluster: str = "") -> Sequence[StoredEvent]:
        """Per cluster and object the newest event that wrote it (prunes too), in the order of the log.

        ``object_pattern``: "Kind namespace/name", or a part of it; everything when it is empty.
        """

    def verify(self) -> int:
        """Check the whole chain against the head kept outside; the number of events. Tampered when it breaks."""

    def close(self) -> None: ...
