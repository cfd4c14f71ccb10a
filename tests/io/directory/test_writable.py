"""A folder asks for no rights; one that cannot be written says so before a run begins to write."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.io.directory.cluster import DirectoryCluster
from reconciler.model.rights import Right
from reconciler.ports import Forbidden

RIGHTS = [Right("", "services", "create")]


async def test_nothing_is_missing_where_a_folder_is_or_can_be_made(tmp_path: Path) -> None:
    assert await DirectoryCluster("here", tmp_path).missing_rights(RIGHTS) == ()
    assert await DirectoryCluster("here", tmp_path / "not" / "yet").missing_rights(RIGHTS) == ()
    assert not (tmp_path / "not").exists()


async def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Forbidden, match="file is no folder"):
        await DirectoryCluster("here", tmp_path / "file" / "live").missing_rights(RIGHTS)


@pytest.fixture
def read_only() -> Iterator[Path]:
    """A folder that we may not write, also when the tests run as root."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield folder
    if root:
        os.seteuid(0)
    folder.rmdir()


async def test_what_is_read_only_is_told(read_only: Path) -> None:
    for folder in (read_only, read_only / "live"):
        with pytest.raises(Forbidden, match=f"{read_only} is read-only for us"):
            await DirectoryCluster("here", folder).missing_rights(RIGHTS)
