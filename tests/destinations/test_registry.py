"""From URIs to destinations, and through the tags that remember them."""

import os
import re
from pathlib import Path

import boto3
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ses_tenant.aws.session import AwsSession, open_session
from ses_tenant.core.errors import ErrorCode
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.spec import Interface, TenantSpec
from ses_tenant.destinations.agreement import Consent, digests
from ses_tenant.destinations.command import CommandDestination
from ses_tenant.destinations.document import DocumentDestination
from ses_tenant.destinations.file import FileDestination
from ses_tenant.destinations.registry import in_lambda, normalise, open_destination
from ses_tenant.destinations.stdout import StdoutDestination
from tests.examples import examples

from .destination_samples import KEY_ID, api, refused, spec


def nowhere(_: Credentials) -> None:
    raise AssertionError("printed")


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> AwsSession:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "operator")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    return open_session(None, "eu-central-1", None)


def opened(tenant: TenantSpec, session: AwsSession, *, force: bool = False) -> Destination:
    """Open it as where its commands, if there are any, were agreed to."""
    consent = Consent(digests(tenant.domain, tenant.destination, tenant.read_back))
    return open_destination(tenant, session, nowhere, force=force, consent=consent)


@pytest.mark.parametrize(
    "uri",
    [
        "-",
        "secretsmanager:sites/shop",
        "secretsmanager:arn:aws:secretsmanager:eu-central-1:123456789012:secret:x-AbCdEf",
        "ssm:/sites/shop",
        "command:vault kv put secret/shop -",
        "command: ssh web 'umask 077; cat > ~/.env' # :-)",
        "file:/srv/shop/mail.env",
        "file:/srv/a b/ü:c.env",
    ],
)
def test_what_is_remembered_as_it_is(uri: str) -> None:
    assert normalise(uri) == uri


def test_a_relative_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert normalise("file:mail.env") == f"file:{tmp_path}/mail.env"
    assert normalise("file:./a/../mail.env") == f"file:{tmp_path}/mail.env"
    assert normalise("file:///srv/mail.env") == "file:/srv/mail.env"


def test_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert normalise("file:~/sites/mail.env") == "file:/home/me/sites/mail.env"


def test_a_home_folder_of_nobody_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a shell does with ~nobody-of-that-name."""
    monkeypatch.chdir(tmp_path)
    assert normalise("file:~no-such-user/x") == f"file:{tmp_path}/~no-such-user/x"


def test_a_link_in_the_path_is_resolved_once(tmp_path: Path) -> None:
    """Nobody leads a secret elsewhere by changing the link later."""
    (tmp_path / "release-1").mkdir()
    (tmp_path / "current").symlink_to(tmp_path / "release-1")
    uri = f"file:{tmp_path}/current/mail.env"
    assert normalise(uri) == f"file:{tmp_path}/release-1/mail.env"


@pytest.mark.parametrize(
    "uri",
    [
        *("", ":", "--", "- ", "mail.env", "/srv/mail.env", "FILE:/srv/x", "s3:bucket", "file"),
        *("file:", "secretsmanager:", "ssm:", "command:", "command:   ", "file: ", "http://x/"),
        *("file:/", "file:///", "file:/srv/..", "file:/srv/a\0b"),
    ],
)
def test_what_is_no_destination_is_refused(uri: str) -> None:
    with refused(ErrorCode.USAGE, f"'{uri}' is not a destination"):
        normalise(uri)


def test_the_five_destinations(session: AwsSession, tmp_path: Path) -> None:
    kinds = {
        "-": StdoutDestination,
        f"file:{tmp_path}/x": FileDestination,
        "secretsmanager:x": DocumentDestination,
        "ssm:/x": DocumentDestination,
        "command:true": CommandDestination,
    }
    assert {uri: type(opened(spec(uri), session)) for uri in kinds} == kinds


def test_the_step_that_delivers_is_named_after_the_destination_s_call(
    session: AwsSession, tmp_path: Path
) -> None:
    uris = ("-", f"file:{tmp_path}/x", "secretsmanager:x", "ssm:/x", "command:true")
    assert [steps.Deliver("n", uri, opened(spec(uri), session).call).action for uri in uris] == [
        "stdout:Put",
        "file:Put",
        "secretsmanager:PutSecretValue",
        "ssm:PutParameter",
        "command:Put",
    ]


@pytest.mark.parametrize("uri", ["vault:kv/shop", "s3:bucket", "-x", "-:x", "FILE:/srv/x", "file"])
def test_a_destination_of_a_newer_version_is_never_taken_for_stdout(
    uri: str, session: AwsSession
) -> None:
    with refused(ErrorCode.DESTINATION_UNAVAILABLE, "ses-tenant:destination", f"'{uri}'"):
        opened(spec(uri), session)


def test_which_destinations_a_function_reaches() -> None:
    uris = ("-", "file:/x", "secretsmanager:x", "ssm:/x", "command:x", "vault:x")
    assert [in_lambda(uri) for uri in uris] == [False, False, True, True, False, True]


def test_a_file_is_written_in_the_tenant_s_format(session: AwsSession, tmp_path: Path) -> None:
    opened(spec(f"file:{tmp_path}/x", "aws-profile"), session).put(api())
    assert (tmp_path / "x").read_text().splitlines()[1] == "[shop.example.com]"


def test_force_reaches_the_file(session: AwsSession, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("precious")
    tenant = spec(f"file:{tmp_path}/x")
    with refused(ErrorCode.DESTINATION_UNAVAILABLE):
        opened(tenant, session).check()
    opened(tenant, session, force=True).check()


def test_a_read_back_command_reaches_the_destination(session: AwsSession) -> None:
    here = opened(spec("command:cat", read_back=f"echo {KEY_ID}"), session)
    assert (here.readable, here.held_key()) == (True, KEY_ID)
    assert opened(spec("command:cat"), session).readable is False


@pytest.mark.parametrize("destination", ["-", "file:/srv/x", "command:cat", "ssm:/x"])
def test_a_format_that_does_not_fit_is_refused(destination: str, session: AwsSession) -> None:
    with refused(ErrorCode.USAGE, "postfix", "It is for smtp."):
        opened(spec(destination, "postfix"), session)
    with refused(ErrorCode.USAGE, "aws-profile", "It is for api."):
        opened(spec(destination, "aws-profile", Interface.SMTP), session)


@pytest.mark.parametrize("destination", ["secretsmanager:x", "ssm:/x"])
def test_a_store_is_in_the_tenants_region(destination: str) -> None:
    """Whatever Region the session has: a run elsewhere must find what the last one wrote."""
    lost = AwsSession(boto3.session.Session(), None, None, None, 1)
    opened(spec(destination), lost)
    clients = [str(client.meta.region_name) for client in lost._clients.values()]  # type: ignore[attr-defined]
    assert clients == ["eu-central-1"]


def test_stdout_prints_and_knows_nothing(session: AwsSession) -> None:
    printed: list[Credentials] = []
    here = open_destination(spec(), session, printed.append, force=False)
    here.check()
    assert (here.readable, here.held_key(), printed) == (False, None, [])
    here.put(api())
    assert printed == [api()]


@pytest.mark.parametrize("error", [BrokenPipeError(32, "Broken pipe"), OSError("odd")])
def test_stdout_that_is_closed(error: OSError, session: AwsSession) -> None:
    def fail(_: Credentials) -> None:
        raise error

    here = open_destination(spec(), session, fail, force=False)
    with refused(ErrorCode.DESTINATION_UNAVAILABLE, "shop.example.com could not be printed"):
        here.put(api())


NASTY = [
    "command:printf '%s' \"$X\" | ssh web 'cat > \\'a b\\''; # = %3D =3D ä€😀 \n\t",
    "file:/srv/ü/=2F%2F+,;=.env",
    "command:" + "€" * 400,
    "file:/" + "x" * 600,
    "-",
]


@examples()
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=700))
@example(NASTY[0])
@example(NASTY[1])
@example(NASTY[2])
@example(NASTY[3])
@example(NASTY[4])
def test_every_uri_survives_in_tags(uri: str) -> None:
    tags = naming.tag_text(naming.TAG_DESTINATION, uri)
    assert naming.untag_text(naming.TAG_DESTINATION, tags) == uri
    for number, (key, value) in enumerate(tags.items(), start=1):
        assert key == naming.TAG_DESTINATION + (f".{number}" if number > 1 else "")
        assert re.fullmatch(r"[A-Za-z0-9_.:/=+@-]{1,256}", value)


@pytest.mark.parametrize("uri", NASTY)
def test_a_tenant_s_tags_remember_its_destination(uri: str) -> None:
    tags = spec(normalise(uri), read_back="vault kv get -format=json x | jq '.\"k\"'").tags
    assert naming.untag_text(naming.TAG_DESTINATION, tags) == uri
    assert naming.untag_text(naming.TAG_READ_BACK, tags) == (
        "vault kv get -format=json x | jq '.\"k\"'"
    )


@examples()
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_a_normalised_file_is_normal(path: str) -> None:
    uri = f"file:/srv/{path}x".replace("\0", "")
    first = normalise(uri)
    assert first.startswith("file:/")
    assert normalise(first) == first
