from tests.pipeline.conftest import two

__all__ = ["two"]
