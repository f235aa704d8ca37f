"""Formats read by the programs they are written for: shells, python-dotenv, botocore, Django.

Laravel's and Symfony's own readers are PHP libraries from Composer; their .env lines are read by
python-dotenv here, and Symfony's DSN by URL parsers (PHP's own is in test_formats_php.py).
"""

import configparser
import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import botocore.session
import pytest
from dotenv import dotenv_values

from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.destinations.formats import get_format

from .destination_samples import (
    HOST,
    HOST_2,
    KEY_ID,
    PASSWORD,
    PASSWORD_2,
    SECRET,
    api,
    run,
    smtp,
)

API_ENV = {
    "AWS_ACCESS_KEY_ID": KEY_ID,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
}
SMTP_ENV = {
    "SMTP_HOST": HOST,
    "SMTP_PORT": "587",
    "SMTP_USERNAME": KEY_ID,
    "SMTP_PASSWORD": PASSWORD,
    "SMTP_HOST_US_WEST_1": HOST_2,
    "SMTP_PORT_US_WEST_1": "587",
    "SMTP_USERNAME_US_WEST_1": KEY_ID,
    "SMTP_PASSWORD_US_WEST_1": PASSWORD_2,
}
ENV_CASES = [(api(), API_ENV), (smtp(two_regions=True), SMTP_ENV)]


def text_of(name: str, credentials: Credentials) -> str:
    return get_format(name, credentials.interface).file(credentials)


def dotenv(name: str, credentials: Credentials) -> dict[str, str | None]:
    return dotenv_values(stream=io.StringIO(text_of(name, credentials)))


@pytest.mark.parametrize(("credentials", "expected"), ENV_CASES)
def test_env_is_read_by_python_dotenv(credentials: Credentials, expected: dict[str, str]) -> None:
    assert dotenv("env", credentials) == expected


@pytest.mark.parametrize(("credentials", "expected"), ENV_CASES)
def test_env_is_sourced_by_sh(
    credentials: Credentials, expected: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "site.env"
    file.write_text(text_of("env", credentials))
    shown = run(["sh", "-c", 'set -a; . "$1"; exec env', "sh", file])
    values = dict(line.split("=", 1) for line in shown.splitlines())
    assert {name: values[name] for name in expected} == expected


@pytest.mark.parametrize(("credentials", "expected"), ENV_CASES)
def test_env_needs_no_parser_at_all(credentials: Credentials, expected: dict[str, str]) -> None:
    """docker's --env-file and systemd's EnvironmentFile take such lines as they are."""
    lines = [x for x in text_of("env", credentials).splitlines() if not x.startswith("#")]
    assert dict(line.split("=", 1) for line in lines) == expected


def test_aws_profile_is_read_by_configparser() -> None:
    parser = configparser.RawConfigParser()
    parser.read_string(text_of("aws-profile", api()))
    assert {name: dict(parser[name]) for name in parser.sections()} == {
        "shop.example.com": {
            "aws_access_key_id": KEY_ID,
            "aws_secret_access_key": SECRET,
            "region": "eu-central-1",
        }
    }


def test_aws_profile_is_read_by_botocore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "credentials"
    file.write_text(text_of("aws-profile", api()))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    session = botocore.session.Session(profile="shop.example.com")
    credentials = session.get_credentials()
    assert credentials is not None
    found = credentials.get_frozen_credentials()
    assert (found.access_key, found.secret_key, found.token) == (KEY_ID, SECRET, None)
    assert session.get_config_variable("region") == "eu-central-1"


def test_laravel_env() -> None:
    assert dotenv("laravel", api()) == {
        "MAIL_MAILER": "ses",
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "MAIL_FROM_ADDRESS": "noreply@shop.example.com",
    }
    assert dotenv("laravel", smtp()) == {
        "MAIL_MAILER": "smtp",
        "MAIL_SCHEME": "null",
        "MAIL_HOST": HOST,
        "MAIL_PORT": "587",
        "MAIL_USERNAME": KEY_ID,
        "MAIL_PASSWORD": PASSWORD,
        "MAIL_FROM_ADDRESS": "noreply@shop.example.com",
    }


@pytest.mark.parametrize(
    ("credentials", "scheme", "secret"),
    [(api(), "ses+https", SECRET), (smtp(), "ses+smtp", PASSWORD)],
)
def test_symfony_dsn(credentials: Credentials, scheme: str, secret: str) -> None:
    values = dotenv("symfony", credentials)
    assert list(values) == ["MAILER_DSN"]
    parts = urlsplit(values["MAILER_DSN"] or "")
    assert (parts.scheme, parts.username, parts.hostname) == (scheme, KEY_ID, "default")
    assert unquote(parts.password or "") == secret
    assert parse_qs(parts.query) == {"region": ["eu-central-1"]}
    assert parts.path == parts.fragment == ""


def test_symfony_dsn_of_a_local_ses() -> None:
    local = replace(api(), https_url="https://127.0.0.1:8443")
    parts = urlsplit(dotenv("symfony", local)["MAILER_DSN"] or "")
    assert (parts.scheme, parts.hostname, parts.port) == ("ses+https", "127.0.0.1", 8443)
    assert parse_qs(parts.query) == {"region": ["eu-central-1"]}


DJANGO = """
import json
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
import django

django.setup()
backend = get_connection()
shown = {"class": f"{type(backend).__module__}.{type(backend).__name__}"}
names = ("host", "port", "username", "password", "use_tls", "use_ssl")
names += ("_access_key_id", "_access_key", "_region_name", "_endpoint_url")
shown |= {name: getattr(backend, name) for name in names if hasattr(backend, name)}
shown["from"] = EmailMessage("s", "b", to=["a@example.net"]).from_email
shown["server"] = settings.SERVER_EMAIL
if shown["class"].startswith("django_ses"):
    backend.open()
    shown["endpoint"] = backend.connection.meta.endpoint_url
print(json.dumps(shown))
"""


@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        (
            api(),
            {
                "class": "django_ses.SESBackend",
                "_access_key_id": KEY_ID,
                "_access_key": SECRET,
                "_region_name": "eu-central-1",
                "_endpoint_url": "https://email.eu-central-1.amazonaws.com",
                "endpoint": "https://email.eu-central-1.amazonaws.com",
            },
        ),
        (
            smtp(),
            {
                "class": "django.core.mail.backends.smtp.EmailBackend",
                "host": HOST,
                "port": 587,
                "username": KEY_ID,
                "password": PASSWORD,
                "use_tls": True,
                "use_ssl": False,
            },
        ),
    ],
)
def test_django_makes_the_mail_backend(
    credentials: Credentials, expected: dict[str, object], tmp_path: Path
) -> None:
    (tmp_path / "site_settings.py").write_text(text_of("django", credentials))
    shown = run(
        [sys.executable, "-c", DJANGO],
        {"PYTHONPATH": str(tmp_path), "DJANGO_SETTINGS_MODULE": "site_settings"},
    )
    sender = "noreply@shop.example.com"
    assert json.loads(shown) == {**expected, "from": sender, "server": sender}


@pytest.mark.parametrize("secret", ["a'b", 'a"b', "a\\", "a\\'b\nc", "${x}#"])
def test_django_quotes_whatever_the_secret_holds(secret: str) -> None:
    names: dict[str, object] = {}
    exec(text_of("django", api(secret)), names)
    assert names["AWS_SES_SECRET_ACCESS_KEY"] == secret


@pytest.mark.parametrize("secret", ['a"b', "a\\", "a\\\\n", "a#b c'd"])
def test_laravel_quotes_whatever_the_secret_holds(secret: str) -> None:
    assert dotenv("laravel", api(secret))["AWS_SECRET_ACCESS_KEY"] == secret


@pytest.mark.parametrize("secret", ["a@b:c/d?e#f%g", "a b", "ä&=+"])
def test_symfony_encodes_whatever_the_secret_holds(secret: str) -> None:
    parts = urlsplit(dotenv("symfony", api(secret))["MAILER_DSN"] or "")
    assert unquote(parts.password or "") == secret
    assert parts.hostname == "default"
