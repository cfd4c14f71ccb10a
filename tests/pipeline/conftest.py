from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.fleet import Fleet


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """One directory cluster ``eu`` with a mesh and three services."""
    made = Fleet(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Fleet]:
    """Two directory clusters, ``eu`` and ``us``."""
    made = Fleet(tmp_path, {"eu": None, "us": None})
    yield made
    made.store.close()
