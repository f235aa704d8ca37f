"""The lab of each test worker."""

from collections.abc import Iterator

import pytest

from tests.crash import lab as laboratory
from tests.crash.lab import Lab


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return a server and a process to fork clients from, of this worker's own."""
    with laboratory.lab(tmp_path_factory.mktemp("lab")) as made:
        yield made
