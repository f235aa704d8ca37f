"""The exact text of formats, what a file of each begins with, and which interface each serves."""

import json

import pytest

from ses_tenant.core.errors import ErrorCode
from ses_tenant.core.tenant.spec import Interface
from ses_tenant.destinations.formats import FORMATS, get_format
from ses_tenant.destinations.held import is_ours, key_id_in

from .destination_samples import (
    HOST,
    KEY_ID,
    PASSWORD,
    PASSWORD_2,
    SECRET,
    SHOP,
    api,
    refused,
    sample,
    smtp,
)

API, SMTP = Interface.API, Interface.SMTP

TEXTS = {
    ("env", API): """\
# written by ses-tenant for shop.example.com
AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE
AWS_SECRET_ACCESS_KEY=w/alrXUt+FEMI/K7MDENG=bPxRfiCY+/EXAMPLE=
AWS_REGION=eu-central-1
AWS_DEFAULT_REGION=eu-central-1
""",
    ("env", SMTP): """\
# written by ses-tenant for shop.example.com
SMTP_HOST=email-smtp.eu-central-1.amazonaws.com
SMTP_PORT=587
SMTP_USERNAME=AKIAIOSFODNN7EXAMPLE
SMTP_PASSWORD=BMXhUYlu5Z3g+SXVQ/ORxlVa7XPaz91aGWdfHxvkOZ==
""",
    ("aws-profile", API): """\
# written by ses-tenant for shop.example.com
[shop.example.com]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
aws_secret_access_key = w/alrXUt+FEMI/K7MDENG=bPxRfiCY+/EXAMPLE=
region = eu-central-1
""",
    ("wp-mail-smtp", API): """\
<?php
// written by ses-tenant for shop.example.com
// This mailer is in WP Mail SMTP's paid version alone. For the free one: create --smtp.
// It lists the account's identities in its settings: create --allow-read identities.
define( 'WPMS_ON', true );
define( 'WPMS_MAIL_FROM', 'noreply@shop.example.com' );
define( 'WPMS_MAIL_FROM_FORCE', true );
define( 'WPMS_MAILER', 'amazonses' );
define( 'WPMS_AMAZONSES_CLIENT_ID', 'AKIAIOSFODNN7EXAMPLE' );
define( 'WPMS_AMAZONSES_CLIENT_SECRET', 'w/alrXUt+FEMI/K7MDENG=bPxRfiCY+/EXAMPLE=' );
define( 'WPMS_AMAZONSES_REGION', 'eu-central-1' );
""",
    ("wp-mail-smtp", SMTP): """\
<?php
// written by ses-tenant for shop.example.com
define( 'WPMS_ON', true );
define( 'WPMS_MAIL_FROM', 'noreply@shop.example.com' );
define( 'WPMS_MAIL_FROM_FORCE', true );
define( 'WPMS_MAILER', 'smtp' );
define( 'WPMS_SMTP_HOST', 'email-smtp.eu-central-1.amazonaws.com' );
define( 'WPMS_SMTP_PORT', 587 );
define( 'WPMS_SSL', 'tls' );
define( 'WPMS_SMTP_AUTH', true );
define( 'WPMS_SMTP_USER', 'AKIAIOSFODNN7EXAMPLE' );
define( 'WPMS_SMTP_PASS', 'BMXhUYlu5Z3g+SXVQ/ORxlVa7XPaz91aGWdfHxvkOZ==' );
define( 'WPMS_SMTP_AUTOTLS', true );
""",
    ("django", API): """\
# written by ses-tenant for shop.example.com
EMAIL_BACKEND = 'django_ses.SESBackend'
AWS_SES_ACCESS_KEY_ID = 'AKIAIOSFODNN7EXAMPLE'
AWS_SES_SECRET_ACCESS_KEY = 'w/alrXUt+FEMI/K7MDENG=bPxRfiCY+/EXAMPLE='
AWS_SES_REGION_NAME = 'eu-central-1'
AWS_SES_REGION_ENDPOINT = 'email.eu-central-1.amazonaws.com'
DEFAULT_FROM_EMAIL = 'noreply@shop.example.com'
SERVER_EMAIL = 'noreply@shop.example.com'
""",
    ("django", SMTP): """\
# written by ses-tenant for shop.example.com
EMAIL_BACKEND = 'django.core.mail.backends.smtp.EmailBackend'
EMAIL_HOST = 'email-smtp.eu-central-1.amazonaws.com'
EMAIL_PORT = 587
EMAIL_USE_TLS = True
EMAIL_HOST_USER = 'AKIAIOSFODNN7EXAMPLE'
EMAIL_HOST_PASSWORD = 'BMXhUYlu5Z3g+SXVQ/ORxlVa7XPaz91aGWdfHxvkOZ=='
DEFAULT_FROM_EMAIL = 'noreply@shop.example.com'
SERVER_EMAIL = 'noreply@shop.example.com'
""",
    ("laravel", API): """\
# written by ses-tenant for shop.example.com
MAIL_MAILER="ses"
AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE"
AWS_SECRET_ACCESS_KEY="w/alrXUt+FEMI/K7MDENG=bPxRfiCY+/EXAMPLE="
AWS_DEFAULT_REGION="eu-central-1"
MAIL_FROM_ADDRESS="noreply@shop.example.com"
""",
    ("symfony", API): """\
# written by ses-tenant for shop.example.com
MAILER_DSN="ses+https://AKIAIOSFODNN7EXAMPLE:\
w%2FalrXUt%2BFEMI%2FK7MDENG%3DbPxRfiCY%2B%2FEXAMPLE%3D@default?region=eu-central-1"
""",
    ("symfony", SMTP): """\
# written by ses-tenant for shop.example.com
MAILER_DSN="ses+smtp://AKIAIOSFODNN7EXAMPLE:\
BMXhUYlu5Z3g%2BSXVQ%2FORxlVa7XPaz91aGWdfHxvkOZ%3D%3D@default?region=eu-central-1"
""",
    ("postfix", SMTP): """\
# written by ses-tenant for shop.example.com
[email-smtp.eu-central-1.amazonaws.com]:587 \
AKIAIOSFODNN7EXAMPLE:BMXhUYlu5Z3g+SXVQ/ORxlVa7XPaz91aGWdfHxvkOZ==
""",
    ("msmtp", SMTP): """\
# written by ses-tenant for shop.example.com
account shop.example.com
host email-smtp.eu-central-1.amazonaws.com
port 587
tls on
tls_starttls on
auth on
user AKIAIOSFODNN7EXAMPLE
password "BMXhUYlu5Z3g+SXVQ/ORxlVa7XPaz91aGWdfHxvkOZ=="
from noreply@shop.example.com
""",
}
SERVED = {
    "env": {API, SMTP},
    "json": {API, SMTP},
    "aws-profile": {API},
    "wp-mail-smtp": {API, SMTP},
    "wp-offload-ses": {API},
    "fluent-smtp": {API, SMTP},
    "django": {API, SMTP},
    "laravel": {API, SMTP},
    "symfony": {API, SMTP},
    "postfix": {SMTP},
    "msmtp": {SMTP},
    "nodemailer": {SMTP},
}
PAIRS = [(name, interface) for name, served in SERVED.items() for interface in sorted(served)]
MISMATCHES = [
    (name, interface)
    for name, served in SERVED.items()
    for interface in Interface
    if interface not in served
]


@pytest.mark.parametrize(("name", "interface"), list(TEXTS))
def test_text_of_a_file(name: str, interface: Interface) -> None:
    assert get_format(name, interface).file(sample(interface)) == TEXTS[name, interface]


def test_what_is_printed_is_a_file_without_the_line_that_marks_it() -> None:
    printed = get_format("env", API).write(api())
    assert printed.startswith("AWS_ACCESS_KEY_ID=")
    assert TEXTS["env", API].endswith(printed)


def test_a_second_region_has_names_of_its_own_in_env() -> None:
    assert get_format("env", SMTP).write(smtp(two_regions=True)).splitlines()[4:] == [
        "SMTP_HOST_US_WEST_1=email-smtp.us-west-1.amazonaws.com",
        "SMTP_PORT_US_WEST_1=587",
        "SMTP_USERNAME_US_WEST_1=AKIAIOSFODNN7EXAMPLE",
        f"SMTP_PASSWORD_US_WEST_1={PASSWORD_2}",
    ]


def test_json_of_an_api_tenant() -> None:
    assert json.loads(get_format("json", API).file(api())) == {
        "version": 1,
        "comment": "written by ses-tenant for shop.example.com",
        "domain": "shop.example.com",
        "region": "eu-central-1",
        "iam_user": "ses-shop.example.com",
        "access_key_id": KEY_ID,
        "secret_access_key": SECRET,
    }


def test_json_of_an_smtp_tenant_has_no_secret_access_key() -> None:
    assert json.loads(get_format("json", SMTP).file(smtp())) == {
        "version": 1,
        "comment": "written by ses-tenant for shop.example.com",
        "domain": "shop.example.com",
        "region": "eu-central-1",
        "iam_user": "ses-shop.example.com",
        "access_key_id": KEY_ID,
        "smtp_host": HOST,
        "smtp_port": 587,
        "smtp_username": KEY_ID,
        "smtp_password": PASSWORD,
        "smtp": [
            {
                "region": "eu-central-1",
                "host": HOST,
                "port": 587,
                "user_name": KEY_ID,
                "password": PASSWORD,
            }
        ],
    }


def test_the_formats_are_these() -> None:
    assert {name: set(form.interfaces) for name, form in FORMATS.items()} == SERVED


@pytest.mark.parametrize(("name", "interface"), MISMATCHES)
def test_a_format_that_the_interface_cannot_serve_is_refused(
    name: str, interface: Interface
) -> None:
    other = "It is for smtp." if interface is API else "It is for api."
    with refused(ErrorCode.USAGE, f"'{name}'", other):
        get_format(name, interface)


@pytest.mark.parametrize("name", ["", "yaml", "ENV", "-"])
def test_an_unknown_format_is_refused(name: str) -> None:
    with refused(ErrorCode.USAGE, f"no format '{name}'", "env, json, aws-profile"):
        get_format(name, API)


@pytest.mark.parametrize(("name", "interface"), PAIRS)
def test_every_file_tells_its_key_and_whose_it_is(name: str, interface: Interface) -> None:
    text = get_format(name, interface).file(sample(interface))
    assert key_id_in(text, "here") == KEY_ID
    assert is_ours(text, SHOP)
    assert text.endswith("\n")


@pytest.mark.parametrize("secret", [f"/{KEY_ID}+{'a' * 18}", f"{KEY_ID}{'a' * 20}", "A" * 40])
def test_a_secret_that_looks_like_a_key_id_is_not_mistaken_for_one_silently(secret: str) -> None:
    text = get_format("env", API).file(api(secret, access_key_id="AKIAI44QH8DHBEXAMPLE"))
    if secret.startswith("/"):  # one in 10**18: no key is guessed then
        with refused(ErrorCode.DESTINATION_UNAVAILABLE, "several access keys"):
            key_id_in(text, "here")
    else:
        assert key_id_in(text, "here") == "AKIAI44QH8DHBEXAMPLE"


@pytest.mark.parametrize(("name", "interface"), PAIRS)
def test_every_format_holds_the_secret_and_an_smtp_tenant_no_key(
    name: str, interface: Interface
) -> None:
    text = (
        get_format(name, interface).write(sample(interface)).replace("%2F", "/").replace("%2B", "+")
    )
    text = text.replace("%3D", "=")
    assert text.count(SECRET if interface is API else PASSWORD) >= 1
    assert text.isascii()
