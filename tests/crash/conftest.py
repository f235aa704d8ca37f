"""The harness of each test worker."""

from collections.abc import Iterator

import pytest

from tests.crash.harness import Harness, open_harness


@pytest.fixture(scope="session")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """Return a server and a process to fork clients from, of this worker's own."""
    with open_harness(tmp_path_factory.mktemp("harness")) as made:
        yield made
