"""Formats for WordPress and Symfony, read by PHP. Debian and Ubuntu: apt-get install php-cli."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.destinations.formats import get_format

from .destination_samples import HOST, KEY_ID, PASSWORD, SECRET, api, run, smtp

pytestmark = pytest.mark.skipif(
    shutil.which("php") is None, reason="needs PHP: apt-get install php-cli"
)
SENDER = {
    "WPMS_ON": True,
    "WPMS_MAIL_FROM": "noreply@shop.example.com",
    "WPMS_MAIL_FROM_FORCE": True,
}
DUMP = 'include $argv[1]; echo json_encode(get_defined_constants(true)["user"]);'
NASTY = ["a'b", "a\\", "a\\'b", "\\\\", '"$x {$y} \\n', "?>", "*/ // #", "'); die('x"]


def constants(name: str, credentials: Credentials, folder: Path, head: str = "") -> Any:
    form = get_format(name, credentials.interface)
    file = folder / "credentials.php"
    file.write_text(head + form.write(credentials) if head else form.file(credentials))
    return json.loads(run(["php", "-n", "-d", "display_errors=1", "-r", DUMP, file]))


CASES: list[tuple[str, Credentials, dict[str, object]]] = [
    (
        "wp-mail-smtp",
        api(),
        SENDER
        | {
            "WPMS_MAILER": "amazonses",
            "WPMS_AMAZONSES_CLIENT_ID": KEY_ID,
            "WPMS_AMAZONSES_CLIENT_SECRET": SECRET,
            "WPMS_AMAZONSES_REGION": "eu-central-1",
        },
    ),
    (
        "wp-mail-smtp",
        smtp(),
        SENDER
        | {
            "WPMS_MAILER": "smtp",
            "WPMS_SMTP_HOST": HOST,
            "WPMS_SMTP_PORT": 587,
            "WPMS_SSL": "tls",
            "WPMS_SMTP_AUTH": True,
            "WPMS_SMTP_USER": KEY_ID,
            "WPMS_SMTP_PASS": PASSWORD,
            "WPMS_SMTP_AUTOTLS": True,
        },
    ),
    (
        "wp-offload-ses",
        api(),
        {"WPOSES_AWS_ACCESS_KEY_ID": KEY_ID, "WPOSES_AWS_SECRET_ACCESS_KEY": SECRET},
    ),
    (
        "fluent-smtp",
        api(),
        {"FLUENTMAIL_AWS_ACCESS_KEY_ID": KEY_ID, "FLUENTMAIL_AWS_SECRET_ACCESS_KEY": SECRET},
    ),
    (
        "fluent-smtp",
        smtp(),
        {"FLUENTMAIL_SMTP_USERNAME": KEY_ID, "FLUENTMAIL_SMTP_PASSWORD": PASSWORD},
    ),
]


@pytest.mark.parametrize(("name", "credentials", "expected"), CASES)
def test_php_defines_the_constants(
    name: str, credentials: Credentials, expected: dict[str, object], tmp_path: Path
) -> None:
    assert constants(name, credentials, tmp_path) == expected


def test_what_is_printed_can_be_pasted_into_wp_config(tmp_path: Path) -> None:
    found = constants("wp-mail-smtp", smtp(), tmp_path, head="<?php\ndefine('DB_NAME', 'x');\n")
    assert found["DB_NAME"] == "x"
    assert found["WPMS_SMTP_PASS"] == PASSWORD


@pytest.mark.parametrize("secret", NASTY)
def test_php_quotes_whatever_the_secret_holds(secret: str, tmp_path: Path) -> None:
    found = constants("wp-offload-ses", api(secret), tmp_path)
    assert found["WPOSES_AWS_SECRET_ACCESS_KEY"] == secret


def test_a_file_opened_in_a_browser_shows_nothing(tmp_path: Path) -> None:
    file = tmp_path / "credentials.php"
    file.write_text(get_format("wp-mail-smtp", smtp().interface).file(smtp()))
    assert run(["php", "-n", "-f", file]) == ""


@pytest.mark.parametrize(("credentials", "secret"), [(api(), SECRET), (smtp(), PASSWORD)])
@pytest.mark.parametrize("decode", ["urldecode", "rawurldecode"])
def test_symfony_dsn_is_parsed_by_php(credentials: Credentials, secret: str, decode: str) -> None:
    """Symfony's Dsn class is parse_url and one of the two functions, by version."""
    text = get_format("symfony", credentials.interface).write(credentials)
    dsn = text.removeprefix('MAILER_DSN="').removesuffix('"\n')
    code = f'$p = parse_url($argv[1]); $p["pass"] = {decode}($p["pass"]); echo json_encode($p);'
    parts = json.loads(run(["php", "-n", "-r", code, dsn]))
    assert (parts["host"], parts["user"], parts["pass"]) == ("default", KEY_ID, secret)
    assert parts["query"] == "region=eu-central-1"
