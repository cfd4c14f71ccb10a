"""The state store: audit log, intents, small values and proven comparisons of one installation.

Importing this is cheap; SQLAlchemy is loaded by ``open_store`` only.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.io.store.sql import SqlStore

DATABASE = "reconciler.db"
HEAD = "audit.head"
LOCK = "reconciler.lock"
WRITERS = "reconciler.writers"


def open_store(folder: Path, *, timeout: float = 5.0) -> SqlStore:
    """Open the store in this folder, which is created (0700) when it is not there, and bring its schema up to date.

    ``timeout``: seconds to wait for another process's lock. StoreError when it cannot be opened.
    """
    from reconciler.io.store.sql import SqlStore

    return SqlStore(folder, timeout)
