"""The pytest plugin, in a project of its own: what its tests see, and that it waits to be asked."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ses_tenant.sandbox.attended import open_sandboxes

PROJECT = """
import smtplib, ssl
import boto3, pytest

def mail(sender):
    return (
        f"From: {sender}\\r\\nTo: a@b.example\\r\\nSubject: Hello\\r\\n\\r\\nIt works.\\r\\n"
    )

def test_the_api(ses_tenant_sandbox):
    site = ses_tenant_sandbox.credentials("shop.example.com")
    client = boto3.client(
        "sesv2", endpoint_url=ses_tenant_sandbox.url, region_name=ses_tenant_sandbox.region,
        aws_access_key_id=site.access_key_id, aws_secret_access_key=site.secret_access_key,
    )
    def send(sender):
        client.send_email(
            FromEmailAddress=sender, Destination={"ToAddresses": ["a@b.example"]},
            Content={"Raw": {"Data": mail(sender).encode()}},
        )
    send("info@shop.example.com")
    with pytest.raises(client.exceptions.ClientError, match="not authorized"):
        send("info@blog.example.org")
    taken, refused = ses_tenant_sandbox.outbox
    assert (taken.accepted, taken.domain, taken.subject) == (True, "shop.example.com", "Hello")
    assert b"It works." in taken.raw
    assert (refused.accepted, refused.senders) == (False, ("info@blog.example.org",))
    assert ses_tenant_sandbox.credentials("shop.example.com") is site

def test_smtp_in_an_account_of_its_own(ses_tenant_sandbox):
    assert ses_tenant_sandbox.outbox == ()
    login = ses_tenant_sandbox.credentials("shop.example.com", "smtp").smtp[0]
    with smtplib.SMTP(login.host, login.port) as smtp:
        smtp.starttls(context=ssl.create_default_context(cafile=login.ca_file))
        smtp.login(login.user_name, login.password)
        smtp.sendmail("a@shop.example.com", "a@b.example", mail("a@shop.example.com"))
        with pytest.raises(smtplib.SMTPDataError, match="Access denied"):
            smtp.sendmail("a@other.example", "a@b.example", mail("a@other.example"))
    assert [message.accepted for message in ses_tenant_sandbox.outbox] == [True, False]
"""
UNUSED = """
import sys

def test_nothing_was_loaded(pytestconfig):
    assert "ses_tenant.sandbox.pytest_plugin" in sys.modules
    loaded = {"ses_tenant.sandbox.attended", "ses_tenant.core", "moto", "boto3"} & set(sys.modules)
    assert not loaded
"""


def _run(project: Path, text: str) -> str:
    (project / "test_site.py").write_text(text)
    plugin = ("-p", "ses_tenant.sandbox.pytest_plugin")
    # An installation that has the entry point would load it twice.
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, "."],
        cwd=project, env=alone, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return done.stdout


def test_a_project_tests_that_its_site_sends_as_itself_alone(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    assert "2 passed" in (said := _run(tmp_path, PROJECT)), said


def test_the_plugin_costs_nothing_until_it_is_asked(tmp_path: Path) -> None:
    assert "1 passed" in (said := _run(tmp_path, UNUSED)), said


@pytest.mark.rare
def test_a_sandbox_for_the_session_keeps_its_outbox(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nses_tenant_sandbox_scope = session\n")
    text = """
def test_one(ses_tenant_sandbox):
    ses_tenant_sandbox.credentials("shop.example.com")
    global url
    url = ses_tenant_sandbox.url

def test_two(ses_tenant_sandbox):
    assert ses_tenant_sandbox.url == url
"""
    assert "2 passed" in (said := _run(tmp_path, text)), said


def test_a_missing_package_is_told(tmp_path: Path) -> None:
    (tmp_path / "moto.py").write_text("raise ImportError('No module named moto', name='moto')")
    orders = (json.dumps({"order": "begin", "region": "eu-central-1"}) + "\n") * 2
    done = subprocess.run(
        [sys.executable, "-m", "ses_tenant.sandbox.attended"], input=orders, env={
            **os.environ, "PYTHONPATH": str(tmp_path),
        },
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    for line in done.stdout.splitlines():
        assert json.loads(line)["hint"] == "Install the extra: pip install 'ses-tenant[sandbox]'"
    assert len(done.stdout.splitlines()) == 2


def test_what_cannot_be_a_tenant_is_refused_and_the_sandbox_goes_on() -> None:
    from ses_tenant.core.errors import ErrorCode, SesTenantError

    with open_sandboxes() as sandboxes, sandboxes.sandbox() as sandbox:
        with pytest.raises(SesTenantError) as failure:
            sandbox.credentials("co.uk")
        assert failure.value.code is ErrorCode.INVALID_DOMAIN
        sandbox.credentials("shop.example.com")
        with pytest.raises(SesTenantError, match="a tenant already"):
            sandbox.credentials("shop.example.com", "smtp")
