"""Times as they are given, and keys as the credential report tells of them."""

from datetime import timedelta

import pytest

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.rotation.decision import duration
from ses_tenant.core.rotation.keys import list_state
from ses_tenant.core.tenant.observed import ReportedKey
from tests.core.samples import NOW


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("0s", timedelta(0)),
        ("30m", timedelta(minutes=30)),
        ("24h", timedelta(days=1)),
        ("7d", timedelta(days=7)),
        ("999999s", timedelta(seconds=999999)),
    ],
)
def test_a_time(text: str, meant: timedelta) -> None:
    assert duration("--grace", text) == meant


@pytest.mark.parametrize("text", ["", "7", "d", "7D", "7 d", "-1d", "1.5h", "1000000s", "7days"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(SesTenantError) as caught:
        duration("--grace", text)
    error = caught.value
    assert error.code is ErrorCode.USAGE
    assert error.message == f"'{text}' is not a time for --grace."
    assert error.hint == "A number and a unit: 0s, 30m, 24h, 7d."


@pytest.mark.parametrize(
    ("active", "state"),
    [
        ((), "NO_KEY"),
        ((True,), "STEADY"),
        ((False,), "LOCKED_OUT"),
        ((True, True), "OVERLAP"),
        ((True, False), "RETIRING"),
        ((False, False), "LOCKED_OUT"),
    ],
)
def test_keys_of_the_credential_report(active: tuple[bool, ...], state: str) -> None:
    keys = [ReportedKey(each, NOW if n else None, None) for n, each in enumerate(active)]
    assert list_state(keys, suspended=False).value == state
    assert list_state(keys, suspended=True).value == "SUSPENDED"
