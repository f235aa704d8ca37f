"""Options and fixtures of the live suite; without SES_TENANT_LIVE=1 none of it runs.

It says what it will do before it does it, and removes what it has made, also when it is stopped.
"""

import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest

from .account import TAG, LiveAccount, clean
from .report import Report

ON = os.environ.get("SES_TENANT_LIVE") == "1"
_HERE = Path(__file__).parent
_PROMISE = """
The live suite works on the account of the profile {profile!r}, in {region}:
  it makes some {users} IAM users under /ses-tenant-live/ and a few email identities below {first},
  each with the tag {tag}, and deletes them at the end, or by: python -m tests.live clean
  it sends about 400 mails, all to SES's mailbox simulator: at 0.10 USD a thousand, 4 cents
  it waits up to 20 minutes for IAM to tell when a key was used last
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("live", "a real account, with SES_TENANT_LIVE=1")
    group.addoption("--profile", help="AWS profile of the operator")
    group.addoption("--region", help="Region of SES", default=None)
    group.addoption("--domain", action="append", default=[], help="a verified domain; give two")
    group.addoption("--report", default="live-report.json", help="where the report is written")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Ask one question after the other: users and identities are shared."""
    if ON:
        config.option.numprocesses = config.option.dist = config.option.tx = None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    skip = pytest.mark.skip(reason="asks a real account: SES_TENANT_LIVE=1, see docs/live.md")
    for item in items:
        if not ON and _HERE in item.path.parents:
            item.add_marker(skip)
        if ON and _HERE not in item.path.parents:
            pytest.exit("With SES_TENANT_LIVE=1 run tests/live alone.", returncode=2)


@pytest.fixture(scope="session")
def account(request: pytest.FixtureRequest, tell: Callable[[str], None]) -> Iterator[LiveAccount]:
    option = request.config.getoption
    domains = option("--domain")
    if len(domains) != 2:
        pytest.exit("Give two verified domains: --domain A --domain B", returncode=2)
    session = boto3.Session(profile_name=option("--profile"))
    region = option("--region") or session.region_name or "eu-central-1"
    found = LiveAccount(
        session=session,
        region=region,
        first=domains[0],
        second=domains[1],
        run=secrets.token_hex(4),
        endpoint=os.environ.get("AWS_ENDPOINT_URL"),
        smtp_host=os.environ.get("SES_TENANT_SMTP_HOST"),
        smtp_port=int(os.environ.get("SES_TENANT_SMTP_PORT", "587")),
        ca_file=os.environ.get("SES_TENANT_CA_FILE"),
        sleep=_sleep_briefly if "AWS_ENDPOINT_URL" in os.environ else time.sleep,
    )
    for domain in domains:
        _check_verified(found, domain)
    tell(
        _PROMISE.format(
            profile=option("--profile") or "default",
            region=region,
            users=40,
            first=domains[0],
            tag=TAG,
        )
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield found
    finally:
        gone = clean(found, found.run)
        tell(f"Removed {len(gone)} users and identities of this run.")


@pytest.fixture(scope="session")
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return how to say something at once, past pytest's capture."""
    manager = request.config.pluginmanager.getplugin("capturemanager")

    def said(text: str) -> None:
        with manager.global_and_fixture_disabled():
            sys.stderr.write(f"\n{text}\n")

    return said


def _sleep_briefly(seconds: float) -> None:
    """Sleep less where nothing has to get around the world, as in the sandbox."""
    time.sleep(min(seconds, 0.05))


def _check_verified(account: LiveAccount, domain: str) -> None:
    ses = account.client("sesv2")
    try:
        shown = ses.get_email_identity(EmailIdentity=domain)
    except ses.exceptions.NotFoundException:
        shown = {}
    if not shown.get("VerifiedForSendingStatus"):
        pytest.exit(
            f"{domain} is not verified in {account.region}: ses-tenant identity check {domain}",
            returncode=2,
        )


@pytest.fixture(scope="session")
def report(
    request: pytest.FixtureRequest, account: LiveAccount, tell: Callable[[str], None]
) -> Iterator[Report]:
    made = Report(account.region, datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"))
    yield made
    file = Path(request.config.getoption("--report"))
    made.write(file)
    tell(f"The report is in {file} and {file.with_suffix('.md')}.")
