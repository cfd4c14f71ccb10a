"""The queries of intents, small values and proven comparisons. Each takes a connection with a transaction begun."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, or_, select

from reconciler.io.store import log
from reconciler.io.store.tables import INTENTS, PROVEN, VALUES
from reconciler.model import canonical
from reconciler.model.events import Intent
from reconciler.model.refs import ObjectKey
from reconciler.ports import Proofs, StoreError
from reconciler.report.events import intent_from_json, intent_to_json, utc_text

Proven = Mapping[ObjectKey, tuple[str, str]]


def open_intents(connection: Connection, intents: Sequence[Intent]) -> None:
    """Add intents. StoreError when one of them is open already, or its event is in the log."""
    if not intents:
        return
    ids = [intent.id for intent in intents]
    log.refuse_known(connection, sorted(set(ids)))
    known = open_ids(connection)
    twice = {name for name, count in Counter(ids).items() if count > 1 or name in known}
    if twice:
        raise StoreError(f"opened already, nothing was added: intent {', '.join(sorted(twice))}")
    last = connection.scalar(select(func.max(INTENTS.c.seq))) or 0
    rows = [
        {"id": intent.id, "seq": seq, "opened": utc_text(intent.event.time), "body": _body(intent)}
        for seq, intent in enumerate(intents, last + 1)
    ]
    connection.execute(INTENTS.insert(), rows)


def close_intents(connection: Connection, ids: Collection[str]) -> None:
    """Remove intents. StoreError when one of them is not open."""
    unknown = set(ids) - open_ids(connection)
    if unknown:
        raise StoreError(f"not open, nothing was closed: intent {', '.join(sorted(unknown))}")
    connection.execute(delete(INTENTS).where(INTENTS.c.id == bindparam("closed")), [{"closed": name} for name in ids])


def open_ids(connection: Connection) -> set[str]:
    return set(connection.scalars(select(INTENTS.c.id)))


def pending(connection: Connection) -> list[Intent]:
    """Open intents, oldest first."""
    bodies = connection.scalars(select(INTENTS.c.body).order_by(INTENTS.c.seq))
    return [intent_from_json(json.loads(body)) for body in bodies]


def get(connection: Connection, key: str) -> Any | None:
    value = connection.scalar(select(VALUES.c.value).where(VALUES.c.key == key))
    return None if value is None else json.loads(value)


def put(connection: Connection, key: str, value: Any) -> None:
    connection.execute(delete(VALUES).where(VALUES.c.key == key))
    connection.execute(VALUES.insert().values(key=key, value=canonical.encode(value)))


def put_all(connection: Connection, values: Mapping[str, Any]) -> None:
    """None forgets a value."""
    for key, value in sorted(values.items()):
        if value is None:
            forget(connection, key)
        else:
            put(connection, key, value)


def keys(connection: Connection, prefix: str) -> list[str]:
    query = select(VALUES.c.key).where(func.substr(VALUES.c.key, 1, len(prefix)) == prefix)
    return sorted(connection.scalars(query))


def values(connection: Connection, prefixes: Sequence[str]) -> dict[str, Any]:
    begins = or_(*(func.substr(VALUES.c.key, 1, len(prefix)) == prefix for prefix in prefixes))
    rows = connection.execute(select(VALUES.c.key, VALUES.c.value).where(begins).order_by(VALUES.c.key))
    return {row.key: json.loads(row.value) for row in rows}


def forget(connection: Connection, key: str) -> None:
    connection.execute(delete(VALUES).where(VALUES.c.key == key))


def proven(connection: Connection, cluster: str) -> dict[ObjectKey, tuple[str, str]]:
    rows = connection.execute(select(*list(PROVEN.c)[1:]).where(PROVEN.c.cluster == cluster))
    return {ObjectKey(*row[:4]): (row[4], row[5]) for row in rows}


def replace_proven(connection: Connection, cluster: str, wanted: Proven) -> None:
    """Write only what differs: on a quiet pass over many objects that is nothing."""
    kept = proven(connection, cluster)
    _forget_proofs(connection, cluster, [key for key, value in kept.items() if wanted.get(key) != value])
    _add_proofs(connection, cluster, {key: value for key, value in wanted.items() if kept.get(key) != value})


def update_proven(connection: Connection, proofs: Proofs) -> None:
    """Replace those of these objects only; None forgets one."""
    _forget_proofs(connection, proofs.cluster, list(proofs.objects))
    _add_proofs(connection, proofs.cluster, {key: proof for key, proof in proofs.objects.items() if proof})


def _forget_proofs(connection: Connection, cluster: str, gone: Sequence[ObjectKey]) -> None:
    if gone:
        one = [column == bindparam(f"the_{column.name}") for column in PROVEN.primary_key.columns]
        rows = [{f"the_{name}": value for name, value in _place(cluster, key).items()} for key in gone]
        connection.execute(delete(PROVEN).where(*one), rows)


def _add_proofs(connection: Connection, cluster: str, fresh: Proven) -> None:
    if fresh:
        connection.execute(PROVEN.insert(), [_place(cluster, key) | _proof(proof) for key, proof in fresh.items()])


def _place(cluster: str, key: ObjectKey) -> dict[str, str]:
    place = {"api_group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name}
    return {"cluster": cluster, **place}


def _proof(proof: tuple[str, str]) -> dict[str, str]:
    return {"desired_hash": proof[0], "resource_version": proof[1]}


def _body(intent: Intent) -> str:
    # An event's text may hold bytes that are no UTF-8; their JSON escape means the same.
    return canonical.encode(intent_to_json(intent)).encode("utf-8", "backslashreplace").decode()
