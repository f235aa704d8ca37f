"""Names and tags at their edges, and what is said of tags that IAM would not take."""

import pytest

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.naming import (
    check_operator,
    check_user_tags,
    domain_of_path,
    may_be_tenant,
    tag_sentence,
    untag_sentence,
)
from ses_tenant.core.tenant.policy import check_policy_size, keys_before_suspension, policy_json


@pytest.mark.parametrize(
    ("name", "path", "may_be"),
    [
        ("x", "/ses-tenant/shop.example.com/", True),
        ("ses-shop.example.com", "/", True),
        ("SES-Shop", "/", True),  # IAM compares names without case
        ("x", "/", False),
        ("x", "/team/", False),
    ],
)
def test_who_may_be_a_tenant(name: str, path: str, may_be: bool) -> None:
    assert may_be_tenant(name, path) is may_be


@pytest.mark.parametrize(
    ("path", "domain"),
    [
        ("/ses-tenant/shop.example.com/", "shop.example.com"),
        ("/ses-tenant/Shop.example.com/", None),
        ("/ses-tenant/shop.example.com/x/", None),
        ("/ses-tenant/co.uk/", None),
        ("/x/shop.example.com/", None),
    ],
)
def test_the_domain_of_a_path(path: str, domain: str | None) -> None:
    assert domain_of_path(path) == (None if domain is None else SendingDomain(domain))


@pytest.mark.parametrize(
    ("text", "size", "tag"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "abc"),
        ("a,b", 5, "a=2Cb"),
        ("a,b", 4, "a=2C"),
        ("a,b", 3, "a"),
        ("a=b", 9, "a=3Db"),
        ("a  b\n", 9, "a b"),
        ("a bc", 2, "a"),
        ("Grüße: 7+1@x_y.z/-", 99, "Grüße: 7+1@x_y.z/-"),
        ("XLZN", 9, "XLZN"),
        ("a!", 9, "a=21"),
    ],
)
def test_a_sentence_in_a_tag(text: str, size: int, tag: str) -> None:
    assert tag_sentence(text, size) == tag
    assert len(tag) <= size
    if size > len(text) + 2:
        assert untag_sentence(tag) == " ".join(text.split())


CHANGE = "Change the tags."
LENGTHS = "a key has 1 to 128 characters, a value up to 256"
LETTERS = "IAM allows letters, digits, spaces and _ . : / = + - @"
RESERVED = "keys that begin with aws: or ses-tenant: are reserved"


@pytest.mark.parametrize(
    ("tags", "message", "hint"),
    [
        ({"": "x"}, f"The tag '' is not possible: {LENGTHS}.", CHANGE),
        ({"k" * 129: ""}, f"The tag '{'k' * 129}' is not possible: {LENGTHS}.", CHANGE),
        ({"k": "v" * 257}, f"The tag 'k' is not possible: {LENGTHS}.", CHANGE),
        ({"k,": "v"}, f"The tag 'k,' is not possible: {LETTERS}.", CHANGE),
        ({"k": "v;"}, f"The tag 'k' is not possible: {LETTERS}.", CHANGE),
        ({"AWS:k": "v"}, f"The tag 'AWS:k' is not possible: {RESERVED}.", CHANGE),
        ({"Ses-Tenant:x": "v"}, f"The tag 'Ses-Tenant:x' is not possible: {RESERVED}.", CHANGE),
        ({"k": "1", "K": "2"}, "Two tags have the same key (IAM ignores case there).", CHANGE),
        (
            {str(n): "" for n in range(31)},
            "Too many tags: IAM allows 50 a user, 20 of them for ses-tenant.",
            "",
        ),
    ],
)
def test_tags_that_iam_would_not_take(tags: dict[str, str], message: str, hint: str) -> None:
    with pytest.raises(SesTenantError) as caught:
        check_user_tags(tags)
    error = caught.value
    assert (error.code, error.message, error.hint) == (ErrorCode.USAGE, message, hint)
    assert error.settings == ("tags",)


def test_tags_that_iam_takes() -> None:
    check_user_tags({"k" * 128: "v" * 256, "Zoë 1_.:/=+-@": ""})
    check_user_tags({str(n): "" for n in range(30)})
    check_user_tags({"ß": "", "ss": ""})


def test_an_operator_is_a_user_or_a_role() -> None:
    for arn in (
        "arn:aws:iam::123456789012:role/mail-admin",
        "arn:aws-cn:iam::123456789012:user/a/b",
    ):
        assert check_operator(arn) == arn
    for wrong in ("mail-admin", "arn:aws:iam::123456789012:group/x", "arn:aws:iam::1:user/x"):
        with pytest.raises(SesTenantError) as caught:
            check_operator(wrong)
        error = caught.value
        assert error.code is ErrorCode.USAGE
        assert error.message == f"'{wrong}' is not the ARN of an IAM user or role."
        assert error.hint == "It looks like arn:aws:iam::123456789012:role/mail-admin."


def test_a_policy_is_sent_without_spaces() -> None:
    assert policy_json({"a": [1, {"b": "c d"}]}) == '{"a":[1,{"b":"c d"}]}'


@pytest.mark.parametrize(
    "document",
    [{}, {"Statement": []}, {"Statement": "x"}, {"Statement": ["x"]}, {"Statement": [{}]},
     {"Statement": [{"Sid": "Else"}]}],
)  # fmt: skip
def test_a_policy_of_somebody_else_recorded_no_keys(document: dict[str, object]) -> None:
    assert keys_before_suspension(document) == ()


def test_a_policy_that_is_too_large_says_what_to_give_up() -> None:
    with pytest.raises(SesTenantError) as caught:
        check_policy_size({"Statement": "x" * 2048})
    assert caught.value.code is ErrorCode.POLICY_TOO_LARGE
    assert caught.value.hint == (
        "Give fewer other domains (also), Regions or configuration sets, or make a tenant of "
        "its own for some of the domains."
    )
