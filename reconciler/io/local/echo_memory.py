"""What echo services remember: how often each request was tried, and the last requests that each one saw."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Mapping, Sequence
from typing import Any

IDS = 10_000
SEEN = 100
_SEEN_BODY = 1024  # characters


class Tries:
    """Counts by request id, service and workload, over all echoes of this process; the oldest ids are forgotten."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, Counter[tuple[str, str]]] = OrderedDict()

    def add(self, request_id: str, service: str, workload: str) -> int:
        """The number of this try at the service, whichever workload took the earlier ones. 1 without an id."""
        if not request_id:
            return 1
        counts = self._counts.setdefault(request_id, Counter())
        self._counts.move_to_end(request_id)
        counts[service, workload] += 1
        if len(self._counts) > IDS:
            self._counts.popitem(last=False)
        return sum(count for (name, _), count in counts.items() if name == service)

    def of(self, request_id: str) -> Mapping[str, Any]:
        counts = self._counts.get(request_id, Counter())
        places = [{"service": s, "workload": w, "tries": n} for (s, w), n in sorted(counts.items())]
        return {"id": request_id, "tries": counts.total(), "at": places}


class Seen:
    """The last requests of one echo, oldest first."""

    def __init__(self) -> None:
        self._records: deque[Mapping[str, Any]] = deque(maxlen=SEEN)

    def add(self, record: Mapping[str, Any]) -> None:
        self._records.append({**record, "body": record["body"][:_SEEN_BODY]})

    def all(self) -> Sequence[Mapping[str, Any]]:
        return tuple(self._records)
