"""What every test may use: the fixtures around the real servers, and how expected files are renewed."""

from pathlib import Path

import hypothesis
import pytest

pytest_plugins = ["tests.aws.fixtures", "tests.consul.fixtures", "tests.kube.fixtures"]

# the same examples every time, however long one takes: a busy machine is no failure
hypothesis.settings.register_profile(
    "steady", derandomize=True, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("steady")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write what comes out as what is expected")


#: what runs whole processes, servers or campaigns; `make check` leaves it to `make test`
SLOW = (
    "crash",
    "daemon",
    "examples",
    "io/forges/test_forges.py",
    "io/git",
    "io/store/test_durability.py",
    "io/store/test_leases.py",
    "pipeline/test_isolation.py",
    "pipeline/test_leases.py",
    "pipeline/test_processes.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(here).as_posix()
        if any(place == slow or place.startswith(f"{slow}/") for slow in SLOW):
            item.add_marker("slow")
