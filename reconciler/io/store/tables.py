"""The tables of the store: one definition for every database."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, MetaData, String, Table, Text

from reconciler.io.store.dialect import SEQUENCE

METADATA = MetaData()

SCHEMA_VERSION = Table("schema_version", METADATA, Column("version", Integer, primary_key=True, autoincrement=False))

#: Times are RFC 3339 in UTC, all of one width; "" where an event has no such part.
EVENTS = Table(
    "events",
    METADATA,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=False),
    Column("id", String, nullable=False, unique=True),
    Column("time", String, nullable=False, index=True),
    Column("run", String, nullable=False, index=True),
    Column("type", String, nullable=False),
    Column("target", String, nullable=False, index=True),
    Column("cluster", String, nullable=False, index=True),
    Column("api_group", String, nullable=False),
    Column("object", String, nullable=False),
    Column("commit_sha", String, nullable=False, index=True),
    Column("result", String, nullable=False),
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_events_object", "object", "cluster", "api_group", "seq"),
)

INTENTS = Table(
    "intents",
    METADATA,
    Column("id", String, primary_key=True),
    Column("seq", SEQUENCE, nullable=False, unique=True),
    Column("opened", String, nullable=False),
    Column("body", Text, nullable=False),
)

VALUES = Table("kv", METADATA, Column("key", String, primary_key=True), Column("value", Text, nullable=False))

PROVEN = Table(
    "proven",
    METADATA,
    Column("cluster", String, primary_key=True),
    Column("api_group", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("namespace", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("desired_hash", String, nullable=False),
    Column("resource_version", String, nullable=False),
)

#: One row per name, for ever: the token goes on from it. ``holder`` is "" when it is released; ``session`` tells
#: whether the holder's process lives, where that can be known.
LEASES = Table(
    "leases",
    METADATA,
    Column("name", String, primary_key=True),
    Column("token", SEQUENCE, nullable=False),
    Column("holder", String, nullable=False),
    Column("until", String, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("session", String, nullable=False),
)
