from tests.pipeline.conftest import fleet, two

__all__ = ["fleet", "two"]
