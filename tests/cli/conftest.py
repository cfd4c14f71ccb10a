"""Commands are tested on the clusters of the pipeline's tests."""

from tests.pipeline.conftest import fleet as fleet
