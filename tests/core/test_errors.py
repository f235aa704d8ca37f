import pytest

from ses_tenant.core.errors import ErrorCode, ExitStatus, Notice, SesTenantError

PARTLY = "Run the same command again: it goes on where this run stopped."


def test_codes_are_a_closed_set() -> None:
    assert {code.value for code in ErrorCode} == {
        "access_denied",
        "access_key_limit",
        "already_exists",
        "credentials_expired",
        "destination_unavailable",
        "dns_unavailable",
        "internal",
        "interrupted",
        "invalid_domain",
        "network",
        "no_credentials",
        "no_region",
        "not_found",
        "not_ours",
        "partial_failure",
        "policy_too_large",
        "quota_exceeded",
        "suspended",
        "throttled",
        "usage",
    }


def test_exit_statuses() -> None:
    assert {status.name: status.value for status in ExitStatus} == {
        "OK": 0,
        "FAILED": 1,
        "USAGE": 2,
        "PARTIAL": 3,
        "FINDINGS": 4,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize("code", ErrorCode)
def test_status_of_each_code(code: ErrorCode) -> None:
    special = {"usage": 2, "invalid_domain": 2, "partial_failure": 3, "interrupted": 130}
    assert SesTenantError(code, "m").exit_status == special.get(code.value, 1)
    assert SesTenantError(code, "m", partly_done=True).exit_status == 3


def test_error_keeps_its_parts() -> None:
    error = SesTenantError(ErrorCode.THROTTLED, "Too fast.", "Wait.")
    assert (error.code.value, error.message, error.hint) == ("throttled", "Too fast.", "Wait.")
    assert str(error) == "Too fast."
    assert not error.partly_done
    assert SesTenantError(ErrorCode.THROTTLED, "Too fast.").hint == ""


def test_after_no_step_it_is_the_same_failure() -> None:
    error = SesTenantError(ErrorCode.THROTTLED, "Too fast.", "Wait.")
    assert error.after_steps(0, 3) is error


def test_after_some_steps_it_says_how_many_and_what_to_do() -> None:
    error = SesTenantError(ErrorCode.THROTTLED, "Too fast.", "Wait.").after_steps(2, 3)
    assert error.code is ErrorCode.THROTTLED
    assert error.message == "Too fast. (2 of 3 steps were done before.)"
    assert error.hint == f"Wait. {PARTLY}"
    assert error.partly_done
    assert error.exit_status == 3


def test_without_a_hint_of_its_own() -> None:
    assert SesTenantError(ErrorCode.NETWORK, "No way.").after_steps(1, 2).hint == PARTLY


def test_it_says_whose_it_is_and_stays_the_same_failure() -> None:
    error = SesTenantError(ErrorCode.NETWORK, "No way.", "Try.").after_steps(1, 2)
    named = error.about("Account agency")
    assert named.message == "Account agency: No way. (1 of 2 steps were done before.)"
    assert (named.code, named.hint) == (ErrorCode.NETWORK, f"Try. {PARTLY}")
    assert named.exit_status == 3
    assert error.with_hint("More.").exit_status == 3


def test_in_other_words_it_keeps_everything_else() -> None:
    error = SesTenantError(ErrorCode.USAGE, "Wrong.", "Look.", settings=("also", "return_path"))
    for again in (error.with_hint("More."), error.about("Account"), error.after_steps(1, 2)):
        assert (again.code, again.settings) == (ErrorCode.USAGE, ("also", "return_path"))
    done = error.after_steps(1, 2).of_settings("subdomains")
    assert (done.message, done.settings) == (error.after_steps(1, 2).message, ("subdomains",))
    assert done.hint == f"Look. {PARTLY}"
    assert done.partly_done


def test_warning_is_code_and_message() -> None:
    assert Notice("suspended", "It is.") == Notice(code="suspended", message="It is.")
