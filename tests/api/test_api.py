"""`ses_tenant.api` does what its example shows, and drags in nothing of the command line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ses_tenant import api

ROOT = Path(__file__).parents[2]


def test_the_example_runs_in_the_sandbox() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ses_tenant", "sandbox", "--"),
            *(sys.executable, "examples/library.py"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "info@shop.example.com allowed",
        "info@blog.example.org denied",
        "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2",
        "a key was issued: True",
        "run again, another one: False",
        "shop.example.com smtp STEADY",
        "not_found",
    ]


def test_the_import_loads_nothing_that_is_slow() -> None:
    program = (
        "import sys, ses_tenant.api\n"
        "print([m for m in ('typer', 'rich', 'boto3', 'botocore', 'tomlkit') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"


def test_every_name_is_documented_and_there() -> None:
    reference = (ROOT / "docs" / "reference.md").read_text()
    section = reference.split("\n## As a library\n", 1)[1].split("\n## ", 1)[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == sorted(api.__all__)
    for name in api.__all__:
        assert getattr(api, name).__doc__


@pytest.mark.parametrize(
    ("policy_of", "sender", "answer"),
    [
        ({"domain": "shop.example.com"}, "info@shop.example.com", api.Answer.ALLOWED),
        ({"domain": "shop.example.com"}, "info@mail.shop.example.com", api.Answer.DENIED),
        ({"domain": "shop.example.com", "subdomains": True}, "a@b.shop.example.com", "allowed"),
        ({"domain": "shop.example.com", "also": ["example.org"]}, "a@example.org", "allowed"),
        ({"domain": "shop.example.com"}, "info@evilshop.example.com", api.Answer.DENIED),
    ],
)
def test_a_policy_lets_through_its_own_domain(
    policy_of: dict[str, object], sender: str, answer: str
) -> None:
    policy = api.sending_policy(**policy_of)  # type: ignore[arg-type]
    assert api.decide(policy, sender).answer == answer


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: api.sending_policy("*.example.com"), api.ErrorCode.INVALID_DOMAIN),
        (lambda: api.smtp_password("", "eu-central-1"), api.ErrorCode.USAGE),
        (lambda: api.decide({}, "nobody"), api.ErrorCode.USAGE),
    ],
)
def test_what_fails_has_a_code(call: "object", code: api.ErrorCode) -> None:
    assert callable(call)
    with pytest.raises(api.SesTenantError) as caught:
        call()
    assert caught.value.code is code
