"""The version of the schema, and the steps from one version to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Engine, inspect, select, update

from reconciler.io.store.dialect import writer
from reconciler.io.store.tables import EVENTS, INTENTS, LEASES, METADATA, PROVEN, SCHEMA_VERSION, VALUES
from reconciler.ports import StoreError

Step = Callable[[Connection], None]


def _first(connection: Connection) -> None:
    METADATA.create_all(connection, [SCHEMA_VERSION, EVENTS, INTENTS, VALUES, PROVEN])
    connection.execute(SCHEMA_VERSION.insert().values(version=0))


def _leases(connection: Connection) -> None:
    LEASES.create(connection)


#: Step N leads from version N to N + 1. A released step is never changed; the last leaves the tables as defined.
STEPS: tuple[Step, ...] = (_first, _leases)


def bring_up_to_date(engine: Engine) -> None:
    """Run the missing steps in one transaction. StoreError for a newer schema or somebody else's database."""
    with engine.begin() as connection:
        if _version(connection) == len(STEPS):
            return
    with writer(engine).begin() as connection:
        for version in range(_version(connection), len(STEPS)):
            STEPS[version](connection)
            connection.execute(update(SCHEMA_VERSION).values(version=version + 1))
        _check(connection)


def _version(connection: Connection) -> int:
    names = inspect(connection).get_table_names()
    if SCHEMA_VERSION.name not in names:
        if names:
            raise StoreError(f"the state store is a database of another program: it has the tables {', '.join(names)}")
        return 0
    versions: Sequence[int] = connection.scalars(select(SCHEMA_VERSION.c.version)).all()
    if len(versions) != 1:
        raise StoreError(
            f"the state store has {len(versions)} schema versions instead of one; restore it from a backup"
        )
    if versions[0] > len(STEPS):
        raise StoreError(
            f"the state store has schema {versions[0]} and this program knows up to {len(STEPS)}: "
            "it was written by a newer reconciler; use that one"
        )
    return versions[0]


def _check(connection: Connection) -> None:
    found = inspect(connection)
    for table in METADATA.sorted_tables:
        missing = {column.name for column in table.columns} - {str(c["name"]) for c in found.get_columns(table.name)}
        if missing:
            raise StoreError(f"the state store's table {table.name} lacks {', '.join(sorted(missing))}")
