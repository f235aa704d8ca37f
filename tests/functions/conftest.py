from collections.abc import Iterator

import pytest

from tests.functions import lab as labs


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give what Lambda gives: the role's credentials and the Region."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIAFUNCTION00000000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "function")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "function")
    monkeypatch.setenv("AWS_REGION", labs.REGION)
    monkeypatch.setenv("AWS_DEFAULT_REGION", labs.REGION)


@pytest.fixture
def lab() -> Iterator[labs.Lab]:
    with labs.lab() as made:
        yield made
