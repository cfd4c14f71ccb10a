"""What every test may use: the fixtures around the real kube-apiserver, and how expected files are renewed."""

import pytest

pytest_plugins = ["tests.kube.fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write what comes out as what is expected")
