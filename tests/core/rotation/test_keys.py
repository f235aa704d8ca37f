from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_tenant.core.rotation.keys import KeyState, list_state
from ses_tenant.core.tenant.observed import AccessKey, KeyStatus
from tests.core.samples import NOW, access_key, steady

A, I, E = KeyStatus.ACTIVE, KeyStatus.INACTIVE, KeyStatus.EXPIRED  # noqa: E741


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        ((), "NO_KEY"),
        ((A,), "STEADY"),
        ((I,), "LOCKED_OUT"),
        ((E,), "LOCKED_OUT"),
        ((A, A), "OVERLAP"),
        ((A, I), "RETIRING"),
        ((I, A), "RETIRING"),
        ((A, E), "RETIRING"),
        ((I, I), "LOCKED_OUT"),
        ((I, E), "LOCKED_OUT"),
        ((A, A, A), "OVERFULL"),
        ((A, I, I), "OVERFULL"),
        ((I, I, I), "OVERFULL"),
    ],
)
def test_state_that_the_keys_show(statuses: tuple[KeyStatus, ...], state: str) -> None:
    keys = tuple(access_key(n, status) for n, status in enumerate(statuses))
    assert list_state(keys, suspended=False).value == state
    assert list_state(keys, suspended=True) is KeyState.SUSPENDED


@steady
@given(st.lists(st.sampled_from(KeyStatus), max_size=4), st.booleans(), st.randoms())
def test_order_of_keys_does_not_matter(
    statuses: list[KeyStatus], suspended: bool, random: Random
) -> None:
    keys = tuple(access_key(n, status) for n, status in enumerate(statuses))
    shuffled = tuple(random.sample(keys, len(keys)))
    assert list_state(keys, suspended=suspended) is list_state(shuffled, suspended=suspended)


@pytest.mark.parametrize(("status", "active"), [(A, True), (I, False), (E, False)])
def test_only_active_is_active(status: KeyStatus, active: bool) -> None:
    assert AccessKey("AKIAEXAMPLE", status, NOW).active is active


def test_words_of_iam() -> None:
    assert [status.value for status in KeyStatus] == ["Active", "Inactive", "Expired"]
