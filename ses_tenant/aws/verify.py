"""Probe new credentials: is the key accepted? Nothing is sent."""

import smtplib
import ssl
from collections.abc import Callable
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from ses_tenant.aws.session import AwsSession
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.credentials import Credentials, LocalSes, SmtpCredentials

# A new key is known everywhere after 2 to 15 s, as users report; AWS names no figure.
_PAUSES = (1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 5.0, 5.0)
_TIMEOUT_S = 15


def verify_credentials(
    session: AwsSession,
    credentials: Credentials,
    sleep: Callable[[float], None],
    local_ses: LocalSes | None = None,
) -> str:
    """Return a sentence on how AWS accepted the key, after up to 30 s of attempts.

    An API key is shown to STS GetCallerIdentity, which needs no permission; an SMTP password logs
    in to every Region's endpoint, or to `local_ses`, and leaves. Raises SesTenantError
    `partial_failure`: the key is delivered, and not accepted.
    """
    if credentials.secret_access_key is not None:
        return _until_accepted(lambda: _ask_sts(session, credentials), credentials, "STS", sleep)
    if session.emulated and local_ses is None:
        return (
            f"{credentials.domain}: not verified, because requests go to an endpoint of your own "
            "and SES_TENANT_SMTP_HOST does not name its SMTP server."
        )
    for smtp in credentials.smtp:
        _until_accepted(partial(_log_in, smtp, local_ses), credentials, smtp.host, sleep)
    return f"{credentials.domain}: the SMTP password is accepted."


def _until_accepted(
    attempt: Callable[[], str | None],
    credentials: Credentials,
    where: str,
    sleep: Callable[[float], None],
) -> str:
    refusal = attempt()
    for pause in _PAUSES:
        if refusal is None:
            break
        sleep(pause)
        refusal = attempt()
    if refusal is not None:
        raise SesTenantError(
            ErrorCode.PARTIAL_FAILURE,
            f"{credentials.domain}: the key {credentials.access_key_id} is not accepted: "
            f"{where} refused it for 30 s: {refusal}.",
            "Once AWS accepts it, nothing is left to do. To list the keys: ses-tenant show "
            f"{credentials.domain}",
        )
    return f"{credentials.domain}: the new key is accepted by {where}."


def _ask_sts(session: AwsSession, credentials: Credentials) -> str | None:
    """Return None if STS knows the key, else what it said."""
    client = session.sts_client_for(credentials)
    try:
        client.get_caller_identity()
    except ClientError as error:
        return str(error.response.get("Error", {}).get("Code"))
    except BotoCoreError as error:
        return type(error).__name__
    return None


def _log_in(smtp: SmtpCredentials, local_ses: LocalSes | None) -> str | None:
    """Return None if the SMTP endpoint accepts the login, else what it said."""
    host = local_ses.smtp_host if local_ses else smtp.host
    port = local_ses.smtp_port if local_ses else smtp.port
    try:
        context = ssl.create_default_context(cafile=local_ses.ca_file if local_ses else None)
        with smtplib.SMTP(host, port, timeout=_TIMEOUT_S) as connection:
            connection.starttls(context=context)
            connection.login(smtp.user_name, smtp.password)
    except smtplib.SMTPAuthenticationError as error:
        return f"status {error.smtp_code}"
    except (smtplib.SMTPException, OSError) as error:  # SSLError and gaierror are OSErrors
        return type(error).__name__
    return None
