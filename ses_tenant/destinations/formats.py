"""How credentials are written: each format is one function from credentials to text.

Keys and passwords are base64 (`A-Z a-z 0-9 + / =`), so few consumers need quoting; where one does,
the function says why. To add a format, write the function and put `@form(...)` above it.
"""

import json
from urllib.parse import quote, urlsplit

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.regions import api_host, smtp_host
from ses_tenant.core.tenant.credentials import Credentials, SmtpCredentials
from ses_tenant.core.tenant.spec import Interface
from ses_tenant.destinations.form import API, FORMATS, SMTP, Format, form, marker
from ses_tenant.destinations.php import comment, define

__all__ = ["FORMATS", "Format", "get_format", "marker", "secret_document"]

_PHP = "<?php\n// {}\n"
_SIMULATOR = "success@simulator.amazonses.com"
_WP_CONFIG = 'wp-config.php, above the line "That\'s all, stop editing!"'
_WP_TEST = f"""wp eval 'var_dump(wp_mail("{_SIMULATOR}", "Test", "It works."));'"""


def get_format(name: str, interface: Interface) -> Format:
    """Return a format by its name.

    Raises SesTenantError `usage` for an unknown one, and for one that the interface cannot serve.
    """
    if name not in FORMATS:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"There is no format '{name}'.",
            f"Formats: {', '.join(FORMATS)}.",
        )
    chosen = FORMATS[name]
    if interface not in chosen.interfaces:
        raise SesTenantError(
            ErrorCode.USAGE,
            f"The format '{name}' cannot be written for the interface '{interface}'.",
            f"It is for {' and '.join(sorted(chosen.interfaces))}. Choose another format, or that "
            "interface.",
        )
    return chosen


@form(
    "env",
    "`.env` files, systemd's `EnvironmentFile`, `docker --env-file`",
    put="the .env file that the site reads",
    test=f"python3 examples/send_SENDER.py test@DOMAIN {_SIMULATOR}",
)
def env(credentials: Credentials) -> str:
    """Write NAME=value lines: .env files, systemd's EnvironmentFile, shells, docker's --env-file.

    Nothing is quoted, because docker and systemd differ from shells in what they do with quotes.
    The second and further Regions of an SMTP tenant get names that end in the Region.
    """
    lines = []
    if credentials.secret_access_key is not None:
        lines += [
            f"AWS_ACCESS_KEY_ID={credentials.access_key_id}",
            f"AWS_SECRET_ACCESS_KEY={credentials.secret_access_key}",
            # Most SDKs read the first name, botocore the second.
            f"AWS_REGION={credentials.regions[0]}",
            f"AWS_DEFAULT_REGION={credentials.regions[0]}",
        ]
    for number, smtp in enumerate(credentials.smtp):
        suffix = f"_{smtp.region.upper().replace('-', '_')}" if number else ""
        lines += [
            f"SMTP_HOST{suffix}={smtp.host}",
            f"SMTP_PORT{suffix}={smtp.port}",
            f"SMTP_USERNAME{suffix}={smtp.user_name}",
            f"SMTP_PASSWORD{suffix}={smtp.password}",
        ]
    return _lines(lines)


def secret_document(credentials: Credentials) -> dict[str, object]:
    """Return the JSON document that is kept in secret stores and given to commands."""
    document: dict[str, object] = {
        "version": 1,
        "comment": marker(credentials),
        "domain": credentials.domain.name,
        "region": credentials.regions[0],
        "iam_user": credentials.user_name,
        "access_key_id": credentials.access_key_id,
    }
    if credentials.secret_access_key is not None:
        document["secret_access_key"] = credentials.secret_access_key
    if credentials.smtp:
        first = credentials.smtp[0]
        document |= {
            "smtp_host": first.host,
            "smtp_port": first.port,
            "smtp_username": first.user_name,
            "smtp_password": first.password,
            "smtp": [
                {
                    "region": smtp.region,
                    "host": smtp.host,
                    "port": smtp.port,
                    "user_name": smtp.user_name,
                    "password": smtp.password,
                }
                for smtp in credentials.smtp
            ],
        }
    return document


@form(
    "json",
    "whatever reads JSON",
    file_head="",
    language="json",
    put="the file that the site reads",
)
def json_text(credentials: Credentials) -> str:
    """Write one JSON object, the same as in secret stores."""
    return json.dumps(secret_document(credentials), indent=2) + "\n"


@form(
    "aws-profile",
    "`~/.aws/credentials`, a profile named after the domain",
    in_use="the Region stands in it, too",
    interfaces=API,
    put="~/.aws/credentials of the site's user",
    test=(
        "aws sesv2 send-email --profile DOMAIN --from-email-address test@DOMAIN"
        f" --destination ToAddresses={_SIMULATOR}"
        " --content 'Simple={Subject={Data=Test},Body={Text={Data=Works}}}'"
    ),
)
def aws_profile(credentials: Credentials) -> str:
    """Write a profile of ~/.aws/credentials, named after the domain."""
    return _lines(
        [
            f"[{credentials.domain}]",
            f"aws_access_key_id = {credentials.access_key_id}",
            f"aws_secret_access_key = {_secret(credentials)}",
            f"region = {credentials.regions[0]}",
        ]
    )


@form(
    "wp-mail-smtp",
    "the WordPress plugin WP Mail SMTP",
    in_use="`require` the file in `wp-config.php`; the API needs the paid version and "
    "`--allow-read identities`",
    file_head=_PHP,
    language="php",
    put=_WP_CONFIG,
    test=_WP_TEST,
)
def wp_mail_smtp(credentials: Credentials) -> str:
    """Write constants of the WordPress plugin WP Mail SMTP, for wp-config.php."""
    sender: dict[str, object] = {
        "WPMS_ON": True,
        "WPMS_MAIL_FROM": _from(credentials),
        "WPMS_MAIL_FROM_FORCE": True,
    }
    if credentials.secret_access_key is not None:
        return comment(
            "This mailer is in WP Mail SMTP's paid version alone. For the free one: create --smtp.",
            "It lists the account's identities in its settings: create --allow-read identities.",
        ) + define(
            {
                **sender,
                "WPMS_MAILER": "amazonses",
                "WPMS_AMAZONSES_CLIENT_ID": credentials.access_key_id,
                "WPMS_AMAZONSES_CLIENT_SECRET": credentials.secret_access_key,
                "WPMS_AMAZONSES_REGION": credentials.regions[0],
            }
        )
    smtp = _first(credentials)
    return define(
        {
            **sender,
            "WPMS_MAILER": "smtp",
            "WPMS_SMTP_HOST": smtp.host,
            "WPMS_SMTP_PORT": smtp.port,
            "WPMS_SSL": "tls",
            "WPMS_SMTP_AUTH": True,
            "WPMS_SMTP_USER": smtp.user_name,
            "WPMS_SMTP_PASS": smtp.password,
            "WPMS_SMTP_AUTOTLS": True,
        }
    )


@form(
    "wp-offload-ses",
    "the WordPress plugin WP Offload SES",
    in_use="likewise; the Region is set in the plugin, whose settings need "
    "`--allow-read account --allow-read identities`",
    file_head=_PHP,
    interfaces=API,
    language="php",
    put=_WP_CONFIG,
    then="Choose the Region in the plugin, under Settings.",
    test=_WP_TEST,
)
def wp_offload_ses(credentials: Credentials) -> str:
    """Write constants of the WordPress plugin WP Offload SES, for wp-config.php."""
    return comment(
        "Its settings show the account and its identities, and send without them:",
        "create --allow-read account --allow-read identities.",
    ) + define(
        {
            "WPOSES_AWS_ACCESS_KEY_ID": credentials.access_key_id,
            "WPOSES_AWS_SECRET_ACCESS_KEY": _secret(credentials),
        }
    )


@form(
    "fluent-smtp",
    "the WordPress plugin FluentSMTP",
    in_use="likewise; only the login, the rest is set in the plugin, which needs "
    "`--allow-read identities` for the API",
    file_head=_PHP,
    language="php",
    put=_WP_CONFIG,
    then="Choose the connection and the Region in the plugin; it asks for the login no more.",
    test=_WP_TEST,
)
def fluent_smtp(credentials: Credentials) -> str:
    """Write constants of the WordPress plugin FluentSMTP, for wp-config.php."""
    if credentials.secret_access_key is not None:
        return comment(
            "It lists the account's identities when its settings are saved:",
            "create --allow-read identities.",
        ) + define(
            {
                "FLUENTMAIL_AWS_ACCESS_KEY_ID": credentials.access_key_id,
                "FLUENTMAIL_AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
            }
        )
    smtp = _first(credentials)
    return define(
        {
            "FLUENTMAIL_SMTP_USERNAME": smtp.user_name,
            "FLUENTMAIL_SMTP_PASSWORD": smtp.password,
        }
    )


@form(
    "django",
    "Django's settings; the API needs `django-ses`",
    in_use="`from .mail import *`",
    put="settings.py",
    test=f"python manage.py sendtestemail {_SIMULATOR}",
)
def django(credentials: Credentials) -> str:
    """Write lines of Django's settings: its SMTP backend, or django-ses for the API.

    Both From settings are written, because Django's defaults are at `localhost` and are refused.
    """
    settings: dict[str, object] = {}
    if credentials.secret_access_key is not None:
        settings |= {
            "EMAIL_BACKEND": "django_ses.SESBackend",
            "AWS_SES_ACCESS_KEY_ID": credentials.access_key_id,
            "AWS_SES_SECRET_ACCESS_KEY": credentials.secret_access_key,
            "AWS_SES_REGION_NAME": credentials.regions[0],
            "AWS_SES_REGION_ENDPOINT": api_host(credentials.regions[0]),
        }
        if credentials.endpoint_url:
            settings["AWS_SES_REGION_ENDPOINT_URL"] = credentials.endpoint_url
    else:
        smtp = _first(credentials)
        settings |= {
            "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "EMAIL_HOST": smtp.host,
            "EMAIL_PORT": smtp.port,
            "EMAIL_USE_TLS": True,
            "EMAIL_HOST_USER": smtp.user_name,
            "EMAIL_HOST_PASSWORD": smtp.password,
        }
    settings |= {"DEFAULT_FROM_EMAIL": _from(credentials), "SERVER_EMAIL": _from(credentials)}
    return _lines([f"{name} = {value!r}" for name, value in settings.items()])


@form(
    "laravel",
    "Laravel's `.env`",
    put="the .env file",
    then="Then run: php artisan config:clear",
    test=(
        "php artisan tinker --execute"
        f""" 'Mail::raw("It works.", fn ($m) => $m->to("{_SIMULATOR}")->subject("Test"));'"""
    ),
)
def laravel(credentials: Credentials) -> str:
    """Write lines of Laravel's .env; quoted, because its parser ends an unquoted value at `#`."""
    if credentials.secret_access_key is not None:
        values: dict[str, object] = {
            "MAIL_MAILER": "ses",
            "AWS_ACCESS_KEY_ID": credentials.access_key_id,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
            "AWS_DEFAULT_REGION": credentials.regions[0],
        }
    else:
        smtp = _first(credentials)
        values = {
            "MAIL_MAILER": "smtp",
            "MAIL_SCHEME": None,
            "MAIL_HOST": smtp.host,
            "MAIL_PORT": smtp.port,
            "MAIL_USERNAME": smtp.user_name,
            "MAIL_PASSWORD": smtp.password,
        }
    values["MAIL_FROM_ADDRESS"] = _from(credentials)
    return _lines(
        [f"{name}={'null' if value is None else _quoted(value)}" for name, value in values.items()]
    )


@form(
    "symfony",
    "Symfony's `.env`",
    put="the .env file or .env.local",
    test=f"php bin/console mailer:test {_SIMULATOR} --from=test@DOMAIN",
)
def symfony(credentials: Credentials) -> str:
    """Write Symfony's MAILER_DSN for .env; what a URL reserves is percent-encoded."""
    region = credentials.regions[0]
    if credentials.secret_access_key is not None:
        login = f"{credentials.access_key_id}:{quote(credentials.secret_access_key, safe='')}"
        # Symfony takes no http endpoint, and reads no variable for one.
        host = urlsplit(credentials.https_url).netloc if credentials.https_url else "default"
        return _lines([f'MAILER_DSN="ses+https://{login}@{host}?region={region}"'])
    smtp = _first(credentials)
    login = f"{smtp.user_name}:{quote(smtp.password, safe='')}"
    if smtp.host != smtp_host(region):  # ses+smtp knows SES's own hosts and ports alone
        return _lines([f'MAILER_DSN="smtp://{login}@{smtp.host}:{smtp.port}"'])
    return _lines([f'MAILER_DSN="ses+smtp://{login}@default?region={region}"'])


@form(
    "postfix",
    "Postfix's `sasl_passwd`, one line a Region",
    in_use="`relayhost` must be spelled alike; run `postmap`",
    interfaces=SMTP,
    put="/etc/postfix/sasl_passwd",
    then="Then run: postmap /etc/postfix/sasl_passwd",
    test=rf"printf 'Subject: Test\n\nIt works.\n' | sendmail -f test@DOMAIN {_SIMULATOR}",
)
def postfix(credentials: Credentials) -> str:
    """Write lines of Postfix's sasl_passwd; main.cf's relayhost must be spelled alike."""
    return _lines(
        [f"[{smtp.host}]:{smtp.port} {smtp.user_name}:{smtp.password}" for smtp in credentials.smtp]
    )


@form(
    "msmtp",
    "an account of `.msmtprc`",
    interfaces=SMTP,
    put="~/.msmtprc",
    test=(
        r"printf 'From: test@DOMAIN\nSubject: Test\n\nIt works.\n'"
        f" | msmtp -a DOMAIN {_SIMULATOR}"
    ),
)
def msmtp(credentials: Credentials) -> str:
    """Write an account of ~/.msmtprc, named after the domain."""
    smtp = _first(credentials)
    return _lines(
        [
            f"account {credentials.domain}",
            f"host {smtp.host}",
            f"port {smtp.port}",
            "tls on",
            "tls_starttls on",
            "auth on",
            f"user {smtp.user_name}",
            f'password "{smtp.password}"',
            f"from {_from(credentials)}",
            *([f'tls_trust_file "{smtp.ca_file}"'] if smtp.ca_file else []),
        ]
    )


@form(
    "nodemailer",
    "the options of `createTransport`",
    file_head="",
    interfaces=SMTP,
    language="json",
    put="smtp.json, where the site reads it",
    test=(
        """node -e 'require("nodemailer").createTransport(require("./smtp.json"))"""
        f""".sendMail({{from: "test@DOMAIN", to: "{_SIMULATOR}", subject: "Test", text: "!"}})'"""
    ),
)
def nodemailer(credentials: Credentials) -> str:
    """Write the options of nodemailer's createTransport, as JSON."""
    smtp = _first(credentials)
    options = {
        "//": marker(credentials),
        "host": smtp.host,
        "port": smtp.port,
        "secure": False,
        "requireTLS": True,
        "auth": {"user": smtp.user_name, "pass": smtp.password},
    }
    return json.dumps(options, indent=2) + "\n"


def _lines(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _first(credentials: Credentials) -> SmtpCredentials:
    """Return the login for the first Region, which is where these consumers send."""
    return credentials.smtp[0]


def _secret(credentials: Credentials) -> str:
    if credentials.secret_access_key is None:
        raise AssertionError("an API format was asked for SMTP credentials")
    return credentials.secret_access_key


def _from(credentials: Credentials) -> str:
    return f"noreply@{credentials.domain}"


def _quoted(value: object) -> str:
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'
