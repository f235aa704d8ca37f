"""Bad input is refused before AWS is asked: the server counts requests."""

import pytest

from .aws_server import Server
from .conftest import Run

pytestmark = pytest.mark.usefixtures("server")

BAD_DOMAINS = [
    ("", "it is empty"),
    ("   ", "it is empty"),
    ("localhost", "only one label"),
    ("com", "only one label"),
    ("co.uk", "public suffix"),
    ("com.au", "public suffix"),
    ("*.example.com", "wildcards"),
    ("*example.com", "wildcards"),
    ("shop.example.c?m", "wildcards"),
    ("${aws:username}.example.com", "policy variable"),
    ("info@example.com", "e-mail address"),
    ("Shop <info@example.com>", "e-mail address"),
    ("@example.com", "e-mail address"),
    ("https://shop.example.com/", "URL"),
    ("shop.example.com/wp-admin", "path"),
    ("shop.example.com:587", "port"),
    ("192.0.2.1", "IP address"),
    ("2001:db8::1", "IP address"),
    ("[192.0.2.1]", "IP address"),
    ("192.0.2", "last label is a number"),
    ("shop..example.com", "empty label"),
    (".example.com", "empty label"),
    ("example.com..", "empty label"),
    ("-shop.example.com", "hyphen"),
    ("shop-.example.com", "hyphen"),
    ("my_shop.example.com", "underscore"),
    ("a.example.com,b.example.com", "separator"),
    ("shop .example.com", "separator"),
    (f"{'a' * 64}.example.com", "64 characters"),
    (f"{'a.' * 125}example.com", "DNS allows 253"),
    ("shop.example.com\nevil.example.net", "control character"),
    ("sh\u202eop.example.com", "IDNA"),
]


@pytest.mark.parametrize(("domain", "reason"), BAD_DOMAINS)
def test_bad_domain_is_refused_with_its_reason_and_no_request(
    server: Server, run: Run, domain: str, reason: str
) -> None:
    answer = run("create", "-o", "json", "--", domain)
    assert answer.status == 2
    assert answer.error["code"] == "invalid_domain"
    assert reason in answer.error["message"]
    assert answer.error["hint"]
    assert server.actions == []


def test_there_are_thirty_bad_domains() -> None:
    assert len(dict(BAD_DOMAINS)) >= 30


@pytest.mark.parametrize("verb", ["show", "delete", "policy"])
def test_every_verb_refuses_a_bad_domain(server: Server, run: Run, verb: str) -> None:
    answer = run(verb, "https://shop.example.com/", "-o", "json")
    assert answer.status == 2
    assert answer.error["code"] == "invalid_domain"
    assert answer.error["hint"] == "Did you mean shop.example.com?"
    assert server.actions == []


@pytest.mark.parametrize("option", ["--also", "--return-path"])
def test_domains_in_options_are_checked_too(server: Server, run: Run, option: str) -> None:
    answer = run("create", "shop.example.com", option, "*.example.net", "-o", "json")
    assert (answer.status, answer.error["code"]) == (2, "invalid_domain")
    assert server.actions == []


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--region", "Frankfurt"), "usage"),
        (("--region", "eu-central-1a"), "usage"),
        (("--region", "eu-central-9"), "no_region"),
        (("--tag", "novalue"), "usage"),
        (("--tag", "ses-tenant:domain=evil.example.com"), "usage"),
        (("--tag", "aws:x=y"), "usage"),
        (("--permissions-boundary", "my-boundary"), "usage"),
        (("--scope", "identity", "--configuration-set", "a*"), "usage"),
        (("--endpoint-url", "localhost"), "usage"),
        (
            tuple(
                part for n in range(20) for part in ("--also", f"{'x' * 60}.site{n}.example.com")
            ),
            "policy_too_large",
        ),
    ],
)
def test_bad_option_is_refused_without_a_request(
    server: Server, run: Run, options: tuple[str, ...], code: str
) -> None:
    answer = run("create", "shop.example.com", *options, "-o", "json")
    assert answer.status == (2 if code == "usage" else 1)
    assert answer.error["code"] == code
    assert answer.error["message"]
    assert server.actions == []


def test_a_domain_is_put_into_its_one_spelling(run: Run) -> None:
    answer = run("create", " Bücher.Example.COM. ", "-o", "json")
    assert answer.json["data"]["domain"] == "xn--bcher-kva.example.com"
    assert answer.json["data"]["user_name"] == "ses-xn--bcher-kva.example.com"


def test_an_option_that_hangs_on_what_the_tenant_is_costs_one_read(
    server: Server, run: Run
) -> None:
    answer = run("create", "shop.example.com", "--configuration-set", "main", "-o", "json")
    assert (answer.status, answer.error["code"]) == (2, "usage")
    assert server.actions == ["GetUser"]


@pytest.mark.parametrize(
    ("options", "where"),
    [
        (["--return-path", "localhost"], "--return-path: 'localhost' is not a sending domain"),
        (["--also", "b.example", "--also", "co.uk"], "--also: 'co.uk' is not a sending domain"),
        (["--region", "Frankfurt"], "--region: 'Frankfurt' is not the name of an AWS Region"),
        (["--configuration-set", "a b"], "--configuration-set: 'a b' is not the name"),
        (["--configuration-set", "web"], "--configuration-set: configuration-sets has a meaning"),
        (
            ["--scope", "any", "--configuration-set", "web"],
            "--scope, --configuration-set: configuration-sets has a meaning",
        ),
        (["--permissions-boundary", "web"], "--permissions-boundary: 'web' is not the ARN"),
        (["--tag", "aws:x=y"], "--tag: The tag 'aws:x' is not possible"),
    ],
)
def test_a_refused_setting_is_told_with_its_option(
    server: Server, run: Run, options: list[str], where: str
) -> None:
    answer = run("create", "shop.example.com", "-o", "json", *options)
    assert answer.status == 2
    assert answer.error["message"].startswith(where)
    assert set(server.actions) <= {"GetUser"}  # what is remembered may decide


@pytest.mark.parametrize("verb", ["show", "delete", "suspend", "rotate-keys", "check"])
def test_a_part_of_a_name_is_offered_and_never_taken(server: Server, run: Run, verb: str) -> None:
    assert run("create", "shop.example.com", "--quiet").status == 0
    server.actions.clear()
    answer = run(verb, "shop", "-o", "json")
    assert (answer.status, answer.error["code"]) == (2, "invalid_domain")
    assert answer.error["hint"] == "Did you mean shop.example.com?"
    assert server.actions == ["GetAccountAuthorizationDetails"]
