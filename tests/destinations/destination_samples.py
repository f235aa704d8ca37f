"""Values and helpers that several tests of destinations share."""

import logging
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.credentials import Credentials, SmtpCredentials
from ses_tenant.core.tenant.spec import Interface, TenantSpec

SHOP = SendingDomain("shop.example.com")
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
NEXT_KEY_ID = "AKIAI44QH8DHBEXAMPLE"
# Secrets are base64; these have every character of it that some consumer treats specially.
SECRET = "w/alrXUt+FEMI/K7MDENG=bPxRfiCY+/EXAMPLE="
NEXT_SECRET = "je7MtGbClwBF/2Zp9Utk/h3yCo8nvb+EXAMPLEK="
PASSWORD = "BMXhUYlu5Z3g+SXVQ/ORxlVa7XPaz91aGWdfHxvkOZ=="
PASSWORD_2 = "BH+jbMzper5WwlwUar9E1ySBqHa9whi0GPo+sJ0mVYJj"
HOST = "email-smtp.eu-central-1.amazonaws.com"
HOST_2 = "email-smtp.us-west-1.amazonaws.com"


def api(
    secret: str = SECRET, domain: SendingDomain = SHOP, access_key_id: str = KEY_ID
) -> Credentials:
    return Credentials(
        domain=domain,
        user_name=f"ses-{domain}",
        user_arn=f"arn:aws:iam::123456789012:user/ses-tenant/{domain}/ses-{domain}",
        interface=Interface.API,
        regions=("eu-central-1",),
        access_key_id=access_key_id,
        secret_access_key=secret,
    )


def smtp(
    password: str = PASSWORD,
    *,
    domain: SendingDomain = SHOP,
    access_key_id: str = KEY_ID,
    two_regions: bool = False,
) -> Credentials:
    logins = [SmtpCredentials("eu-central-1", HOST, 587, access_key_id, password)]
    if two_regions:
        logins.append(SmtpCredentials("us-west-1", HOST_2, 587, access_key_id, PASSWORD_2))
    return Credentials(
        domain=domain,
        user_name=f"ses-{domain}",
        user_arn=f"arn:aws:iam::123456789012:user/ses-tenant/{domain}/ses-{domain}",
        interface=Interface.SMTP,
        regions=tuple(login.region for login in logins),
        access_key_id=access_key_id,
        secret_access_key=None,
        smtp=tuple(logins),
    )


def sample(interface: Interface) -> Credentials:
    return api() if interface is Interface.API else smtp()


def spec(
    destination: str = "-",
    form: str = "env",
    interface: Interface = Interface.API,
    read_back: str | None = None,
) -> TenantSpec:
    return TenantSpec(
        domain=SHOP,
        interface=interface,
        regions=("eu-central-1",),
        destination=destination,
        format=form,
        read_back=read_back,
    )


def run(
    command: Sequence[str | Path], environ: Mapping[str, str] | None = None, text: str = ""
) -> str:
    """Run a consumer and return what it printed; fails, with what it complained of, otherwise."""
    done = subprocess.run(
        command,
        input=text,
        env={"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", **(environ or {})},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def everything_said(error: BaseException) -> str:
    """Return all that could be shown or logged of a failure: its chain, with arguments."""
    said: list[str] = []
    seen: set[int] = set()
    todo: list[BaseException | None] = [error]
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        said += [str(one), repr(one), repr(one.args)]
        if isinstance(one, SesTenantError):
            said += [one.message, one.hint]
        todo += [one.__cause__, one.__context__]
    return "\n".join(said)


@contextmanager
def refused(code: ErrorCode, *parts: str) -> Iterator[None]:
    """Expect a SesTenantError of `code` whose message or hint has `parts`, and never a secret."""
    logged: list[str] = []
    handler = logging.Handler(logging.DEBUG)
    handler.emit = lambda record: logged.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("ses_tenant")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        with pytest.raises(SesTenantError) as caught:
            yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    error = caught.value
    assert error.code is code, error
    for part in parts:
        assert part in f"{error.message}\n{error.hint}"
    assert_no_secret(everything_said(error) + "\n".join(logged))


def assert_no_secret(text: str) -> None:
    for secret in (SECRET, NEXT_SECRET, PASSWORD, PASSWORD_2):
        assert secret not in text
