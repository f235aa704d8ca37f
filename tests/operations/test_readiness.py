"""What a tenant still lacks before its mail arrives."""

from dataclasses import replace

import pytest

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.identity.readiness import is_ready, missing
from ses_tenant.core.identity.ses import SesAccount
from ses_tenant.core.identity.state import Dkim, EmailIdentity, MailFrom, Status
from ses_tenant.operations.readiness import read_readiness
from tests.fakes.identities import FakeIdentities
from tests.fakes.ses import FakeSes

SHOP = SendingDomain("shop.example.com")
EU = "eu-central-1"
GOOD = EmailIdentity(
    SHOP.name,
    Status.SUCCESS,
    sending=True,
    dkim=Dkim(Status.SUCCESS, signing=True),
    mail_from=MailFrom("mail.shop.example.com", Status.SUCCESS),
)
DENIED = SesTenantError(ErrorCode.ACCESS_DENIED, "No.")


def told(
    identity: EmailIdentity | None,
    account: SesAccount | Exception = SesAccount(production=True, sending=True),  # noqa: B008
    domain: SendingDomain = SHOP,
) -> tuple[list[str], bool | None, int]:
    """Return what is missing, whether it is ready, and how many reads that took."""
    identities, ses = FakeIdentities(), FakeSes()
    if identity is not None:
        identities.identities[EU, identity.name] = identity
    ses.accounts[EU] = account
    read = read_readiness(identities, ses, domain, [EU])
    gaps = [m.gap.value for m in missing(domain.name, read)]
    return gaps, is_ready(domain.name, read), len(identities.calls) + len(ses.calls)


@pytest.mark.parametrize(
    ("identity", "account", "gaps", "ready"),
    [
        (GOOD, SesAccount(production=True, sending=True), [], True),
        (None, SesAccount(production=True, sending=True), ["no_identity"], False),
        (replace(GOOD, name="example.com"), SesAccount(production=True, sending=True), [], None),
        (replace(GOOD, status=Status.PENDING, sending=False),
         SesAccount(production=False, sending=True), ["not_verified", "ses_sandbox"], False),
        (GOOD, SesAccount(production=False, sending=False),
         ["sending_paused", "ses_sandbox"], False),
        (replace(GOOD, dkim=Dkim(Status.SUCCESS, signing=False)),
         SesAccount(production=True, sending=True), ["no_dkim"], True),
        (replace(GOOD, mail_from=MailFrom("m.shop.example.com", Status.PENDING)),
         SesAccount(production=True, sending=True), ["mail_from_pending"], True),
        (GOOD, DENIED, [], None),
    ],
)  # fmt: skip
def test_what_is_missing(
    identity: EmailIdentity | None, account: SesAccount | Exception, gaps: list[str], ready: object
) -> None:
    found, state, reads = told(identity, account)
    assert (found, state) == (gaps, ready)
    assert reads <= 2


def test_each_gap_names_the_command_that_comes_next() -> None:
    identities, ses = FakeIdentities(), FakeSes()
    (gap,) = missing(SHOP.name, read_readiness(identities, ses, SHOP, [EU]))
    assert gap.command == "ses-tenant identity create shop.example.com --region eu-central-1"


def test_what_was_not_asked_is_not_called_missing() -> None:
    deep = SendingDomain("a.shop.example.com")
    assert told(None, domain=deep)[:2] == ([], None)
    identities, ses = FakeIdentities(), FakeSes()
    identities.fail_at = 0
    read = read_readiness(identities, ses, SHOP, [EU])
    assert (missing(SHOP.name, read), is_ready(SHOP.name, read)) == ((), None)
    assert is_ready(SHOP.name, ()) is None
