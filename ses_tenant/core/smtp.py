"""The SES SMTP password: derived from a secret access key, for one Region, offline."""

import base64
import binascii
import hashlib
import hmac
import re

from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError

SMTP_PORT = 587  # STARTTLS; EC2 throttles port 25 by default

_LENGTH = 40
_SECRET = re.compile(r"[A-Za-z0-9/+=]+")
_VERSION = b"\x04"
_ACCESS_KEY_ID = re.compile(r"A(KIA|SIA|IDA|ROA)[A-Z0-9]{12,}")


def smtp_password(secret_access_key: str, region: str) -> str:
    """Return the SMTP password for `secret_access_key` in `region`.

    The chain of HMAC-SHA-256 is Signature Version 4 with a fixed date; the version byte 0x04
    stands before the signature:
    https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html
    """
    signature = b"AWS4" + secret_access_key.encode()
    for part in ("11111111", region, "ses", "aws4_request", "SendRawEmail"):
        signature = hmac.new(signature, part.encode(), hashlib.sha256).digest()
    return base64.b64encode(_VERSION + signature).decode("ascii")


def is_smtp_password(text: str) -> bool:
    """Tell whether `text` has the shape of an SES SMTP password: version byte and 32 bytes."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(raw) == len(_VERSION) + hashlib.sha256().digest_size and raw.startswith(_VERSION)


def length_warning(secret_access_key: str) -> Notice | None:
    """Return a warning for what is not as long as IAM's secret access keys, else None."""
    if len(secret_access_key) == _LENGTH:
        return None
    return Notice(
        "secret_length",
        f"IAM's secret access keys have {_LENGTH} characters, this one has "
        f"{len(secret_access_key)}. If it was cut off, the password will not work.",
    )


def check_secret_access_key(text: str) -> str:
    """Return `text` without surrounding white space if it can be a secret access key.

    Raises SesTenantError `usage`, which never quotes `text`, for what people paste in its place:
    nothing, an SMTP password, an access key ID, several words.
    """
    secret = text.strip()
    hint = "The secret access key has 40 characters and is shown once, when the key is made."
    if not secret:
        problem = "There is no secret access key on standard input."
    elif is_smtp_password(secret):
        problem = "This is an SMTP password already, not a secret access key."
        hint = "Use it as it is, in the Region it was made for; one cannot be made from another."
    elif _ACCESS_KEY_ID.fullmatch(secret):
        problem = "This is an access key ID (the SMTP user name), not a secret access key."
    elif not secret.isascii() or not secret.isprintable() or " " in secret:
        problem = "A secret access key is one word of printable ASCII characters."
    elif not _SECRET.fullmatch(secret):
        problem = "A secret access key has letters, digits, '/', '+' and '=' alone."
    else:
        return secret
    raise SesTenantError(ErrorCode.USAGE, problem, hint)
