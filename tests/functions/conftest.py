from collections.abc import Iterator

import pytest

from tests.functions.rotated_account import REGION, RotatedAccount, open_account


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give what Lambda gives: the role's credentials and the Region."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIAFUNCTION00000000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "function")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "function")
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


@pytest.fixture
def account() -> Iterator[RotatedAccount]:
    with open_account() as made:
        yield made
