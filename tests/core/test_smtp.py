import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.smtp import SMTP_PORT, check_secret_access_key, is_smtp_password, smtp_password
from tests.core.samples import steady

AWS_EXAMPLE = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

# The first four are of terraform-provider-aws, the fifth of two other tools' tests.
VECTORS = [
    ("some+secret+key", "eu-central-1", "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2"),
    ("some+secret+key", "us-west-1", "BH+jbMzper5WwlwUar9E1ySBqHa9whi0GPo+sJ0mVYJj"),
    ("another+secret+key", "eu-central-1", "BBbphbrQmrKMx42d1N6+C7VINYEBGI5v9VsZeTxwskfh"),
    ("another+secret+key", "us-west-1", "BKVmjjMDFk/qqw8EROW99bjCS65PF8WKvK5bSr4Y6EqF"),
    (
        "dhSgJJyAs+2z19oLOVkwBrE6GkdNQD5fL5Dou5Tb",
        "eu-central-1",
        "BK0hyoUp3vjB+NdwhSiUpkA9oA84fNaqhEKrXZ5PkcX2",
    ),
    (AWS_EXAMPLE, "us-east-1", "BLBM/9hSUELfq8Gw+rU1YcBjkOxGbhT2XG763xVLGWL9"),
    (AWS_EXAMPLE, "us-west-2", "BF2PynzbSCAjX08zhZZnP/kW+T9P5zs/1Er0pi5vTEmd"),
    (AWS_EXAMPLE, "eu-west-1", "BMW5RDrXmmVs0lV7GpI4oLkHXpZ4stDsk6q91z1g38Pk"),
]
SECRETS = st.from_regex(r"[A-Za-z0-9+/]{40}", fullmatch=True)


@pytest.mark.parametrize(("secret", "region", "password"), VECTORS)
def test_known_passwords(secret: str, region: str, password: str) -> None:
    assert smtp_password(secret, region) == password
    assert is_smtp_password(password)


def test_port_is_that_of_starttls() -> None:
    assert SMTP_PORT == 587


@steady
@given(SECRETS, st.sampled_from(("eu-central-1", "us-gov-west-1", "eusc-de-east-1")))
def test_shape_of_every_password(secret: str, region: str) -> None:
    password = smtp_password(secret, region)
    assert re.fullmatch(r"B[A-Za-z0-9+/]{43}", password)
    assert base64.b64decode(password)[0] == 4
    assert password != smtp_password(secret, "eu-west-1")
    assert is_smtp_password(password)
    assert not is_smtp_password(secret)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "some+secret+key",
        AWS_EXAMPLE,
        "AKIAIOSFODNN7EXAMPLE",
        # 33 bytes with another version byte; 32 and 34 bytes; what is not base64
        "AsXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2",
        "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWY=",
        "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2AA==",
        "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ",
        "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2\n",
        "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdW-_",
        "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZü",
    ],
)
def test_not_an_smtp_password(text: str) -> None:
    assert not is_smtp_password(text)


@pytest.mark.parametrize(
    "text",
    [AWS_EXAMPLE, f"  {AWS_EXAMPLE}\n", f"{AWS_EXAMPLE}\r\n", "some+secret+key", "x"],
)
def test_secret_access_key_is_taken_without_white_space(text: str) -> None:
    assert check_secret_access_key(text) == text.strip()


REFUSED = [
    ("", "There is no secret access key", "shown once"),
    (" \r\n", "There is no secret access key", "shown once"),
    (VECTORS[0][2], "This is an SMTP password already", "cannot be made from another"),
    (f"{VECTORS[7][2]}\n", "This is an SMTP password already", "cannot be made from another"),
    ("AKIAIOSFODNN7EXAMPLE", "This is an access key ID", "40 characters"),
    ("ASIAIOSFODNN7EXAMPLE", "This is an access key ID", "40 characters"),
    (f"AKIAIOSFODNN7EXAMPLE {AWS_EXAMPLE}", "one word of printable ASCII", "40 characters"),
    (f"AKIAIOSFODNN7EXAMPLE\t{AWS_EXAMPLE}", "one word of printable ASCII", "40 characters"),
    (f"{AWS_EXAMPLE}\n{AWS_EXAMPLE}", "one word of printable ASCII", "40 characters"),
    (f"{AWS_EXAMPLE}\x00", "one word of printable ASCII", "40 characters"),
    (f"{AWS_EXAMPLE[:-1]}ü", "one word of printable ASCII", "40 characters"),
    (f"\N{ZERO WIDTH SPACE}{AWS_EXAMPLE}", "one word of printable ASCII", "40 characters"),
]


@pytest.mark.parametrize(("text", "problem", "hint"), REFUSED)
def test_what_is_pasted_instead_is_refused_and_not_quoted(
    text: str, problem: str, hint: str
) -> None:
    with pytest.raises(SesTenantError) as caught:
        check_secret_access_key(text)
    error = caught.value
    assert error.code is ErrorCode.USAGE
    assert problem in error.message
    assert hint in error.hint
    for word in text.split():
        for shown in (error.message, error.hint, str(error), repr(error), repr(error.args)):
            assert word not in shown
            assert word[:12] not in shown
    assert error.__cause__ is None


@steady
@given(SECRETS, st.sampled_from((" ", "\t", "\n", "ü", "\0")), SECRETS)
def test_no_refusal_quotes_its_input(secret: str, between: str, more: str) -> None:
    with pytest.raises(SesTenantError) as caught:
        check_secret_access_key(secret + between + more)
    shown = f"{caught.value!r} {caught.value.message} {caught.value.hint}"
    assert secret[:12] not in shown
    assert more[-12:] not in shown
