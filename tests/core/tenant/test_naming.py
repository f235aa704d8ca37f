import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant import naming
from tests.core.samples import domains, steady

USER_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
PATH = re.compile(r"/|/[!-~]{1,510}/")


def test_the_schema_is_what_it_was() -> None:
    assert naming.PATH_PREFIX == "/ses-tenant/"
    assert naming.SENDING_POLICY == "ses-tenant-sending"
    assert naming.SUSPENDED_POLICY == "ses-tenant-suspended"
    assert naming.TAG_DOMAIN == "ses-tenant:domain"
    assert naming.TAG_INTERFACE == "ses-tenant:interface"
    assert naming.TAG_REGIONS == "ses-tenant:regions"
    assert naming.TAG_SENDING == "ses-tenant:sending"
    assert naming.TAG_DESTINATION == "ses-tenant:destination"
    assert naming.TAG_VERSION == "ses-tenant:version"
    assert naming.SCHEMA_VERSION == "1"


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("shop.example.com", "ses-shop.example.com"),
        ("xn--bcher-kva.example", "ses-xn--bcher-kva.example"),
        # 64 characters: the last that fits, and the first that does not
        ("a" * 52 + ".example", "ses-" + "a" * 52 + ".example"),
        ("a" * 53 + ".example", "ses-" + "a" * 39 + "+bhyahy7fh6go73nl2nw2"),
    ],
)
def test_user_name(domain: str, name: str) -> None:
    assert naming.user_name(SendingDomain(domain)) == name
    assert len(name) <= 64


def test_user_path_holds_the_whole_domain() -> None:
    assert naming.user_path(SendingDomain("shop.example.com")) == "/ses-tenant/shop.example.com/"
    long = "a." * 125 + "com"
    assert naming.user_path(SendingDomain(long)) == f"/ses-tenant/{long}/"


@steady
@given(domains())
def test_names_and_paths_are_what_iam_takes(domain: SendingDomain) -> None:
    name, path = naming.user_name(domain), naming.user_path(domain)
    assert USER_NAME.fullmatch(name)
    assert name == name.lower()
    assert PATH.fullmatch(path)
    assert naming.domain_of_path(path) == domain


@steady
@given(st.lists(domains(), min_size=2, max_size=8, unique=True))
def test_no_two_domains_share_a_name_or_path(found: list[SendingDomain]) -> None:
    # IAM compares user names without case, across paths.
    assert len({naming.user_name(d).casefold() for d in found}) == len(found)
    assert len({naming.user_path(d).casefold() for d in found}) == len(found)


def test_domains_that_are_cut_at_the_same_place_keep_different_names() -> None:
    names = {naming.user_name(SendingDomain(f"{'a' * 60}.{n}.example.com")) for n in range(500)}
    assert len(names) == 500
    assert len({name[:44] for name in names}) == 1


VICTIM = SendingDomain(f"{'a' * 30}.{'b' * 30}.example.com")


def test_a_cut_name_is_no_domain() -> None:
    taken = naming.user_name(VICTIM)
    assert len(taken) == 64
    for text in (taken.removeprefix("ses-"), taken.removeprefix("ses-") + ".com"):
        with pytest.raises(SesTenantError, match="not a valid domain name"):
            SendingDomain.parse(text)


@pytest.mark.parametrize("separator", ["-", ".", "", "x", ".com."])
def test_a_domain_spelled_like_anothers_cut_name_gets_another_name(separator: str) -> None:
    taken = naming.user_name(VICTIM)
    spelled = taken.removeprefix("ses-").replace("+", separator)
    attacker = SendingDomain.parse(f"{spelled}.com")
    assert attacker != VICTIM
    assert naming.user_name(attacker).casefold() != taken.casefold()


@steady
@given(domains())
def test_only_a_cut_name_holds_a_plus(domain: SendingDomain) -> None:
    assert ("+" in naming.user_name(domain)) == (len(domain.name) > 60)


def test_names_do_not_differ_in_case_alone() -> None:
    names = {
        naming.user_name(SendingDomain.parse(text))
        for text in ("Shop.Example.COM", "shop.example.com", "SHOP.EXAMPLE.COM.")
    }
    assert names == {"ses-shop.example.com"}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/ses-tenant/",
        "/ses-tenant//",
        "/ses-tenant/shop.example.com",
        "/ses-tenant/shop.example.com/more/",
        "/other/ses-tenant/shop.example.com/",
        "/SES-tenant/shop.example.com/",
        "/ses-tenant/Shop.example.com/",
        "/ses-tenant/shop.example.com./",
        "/ses-tenant/bücher.example/",
        "/ses-tenant/localhost/",
        "/ses-tenant/co.uk/",
        "/ses-tenant/*.example.com/",
        "/ses-tenant/ shop.example.com/",
        "/ses-tenant/shop.example.com/\n",
    ],
)
def test_not_a_tenants_path(path: str) -> None:
    assert naming.domain_of_path(path) is None


def test_tag_list_literal() -> None:
    assert naming.tag_list("k", ["eu-central-1", "us-east-1"]) == {"k": "eu-central-1+us-east-1"}
    assert naming.tag_list("k", []) == {}
    assert naming.tag_list("k", ["a" * 255]) == {"k": "a" * 255}
    assert naming.tag_list("k", ["a" * 300, "b" * 300]) == {
        "k": "a" * 255 + "@",
        "k.2": "a" * 45 + "+" + "b" * 209 + "@",
        "k.3": "b" * 91,
    }


def test_untag_list_literal() -> None:
    tags = {"k": "a+b@", "k.2": "b+c", "k.3": "left behind", "l": "x", "k.02": "y"}
    assert naming.untag_list("k", tags) == ("a", "bb", "c")
    assert naming.untag_list("l", tags) == ("x",)
    assert naming.untag_list("m", tags) == ()


@steady
@given(st.text(max_size=600))
def test_any_text_comes_back_from_tags(text: str) -> None:
    tags = naming.tag_text("k", text)
    assert naming.untag_text("k", tags) == (text or None)
    for value in tags.values():
        assert len(value) <= 256
        assert re.fullmatch(r"[A-Za-z0-9_.:/=+@-]*", value)


@steady
@given(st.text(max_size=300), st.integers(0, 256))
def test_a_sentence_in_a_tag_is_what_iam_takes_and_comes_back_as_far_as_it_fits(
    text: str, size: int
) -> None:
    value = naming.tag_sentence(text, size)
    assert len(value) <= size
    assert value == value.strip()
    assert all(unicodedata.category(c)[0] in "LZN" or c in "_.:/=+-@" for c in value)
    sentence = " ".join(text.split())
    assert sentence.startswith(naming.untag_sentence(value))
    if size >= 12 * len(text):
        assert naming.untag_sentence(value) == sentence


def test_a_sentence_in_a_tag_literal() -> None:
    text = " a > 10 %\n= \u00fc, b"
    assert naming.tag_sentence(text, 256) == "a =3E 10 =25 =3D \u00fc=2C b"
    assert naming.tag_sentence(text, 11) == "a =3E 10"  # not half a sign
    assert naming.untag_sentence("a =3E 10 =25 =3D \u00fc=2C b") == "a > 10 % = \u00fc, b"


def test_text_in_tags_literal() -> None:
    uri = "command:ssh web 'cat > \u00fc'"
    tags = {"k": "command:ssh=20web=20=27cat=20=3E=20=C3=BC=27"}
    assert naming.tag_text("k", uri) == tags
    assert naming.untag_text("k", tags) == uri
    assert naming.untag_text("k", {}) is None


ITEMS = st.from_regex(r"[A-Za-z0-9=._-]{1,300}", fullmatch=True)


@steady
@given(st.lists(ITEMS, max_size=12), st.dictionaries(st.sampled_from(("a", "b", "kk")), st.text()))
def test_lists_come_back_from_tags(items: list[str], others: dict[str, str]) -> None:
    tags = naming.tag_list("k", items)
    for value in tags.values():
        assert 0 < len(value) <= 256
        assert re.fullmatch(r"[A-Za-z0-9_.:/=+@ -]*", value)
    assert naming.untag_list("k", {**others, **tags}) == tuple(items)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"client": "Müller & Söhne".replace("&", "+")},
        {"cost-center": "", "team": "web_1", "path/to": "a=b:c@d.e"},
        {"k" * 128: "v" * 256},
        {f"k{n}": "v" for n in range(30)},
    ],
)
def test_user_tags_that_iam_takes(tags: dict[str, str]) -> None:
    naming.check_user_tags(tags)


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ({"": "v"}, "1 to 128 characters"),
        ({"k" * 129: "v"}, "1 to 128 characters"),
        ({"k": "v" * 257}, "a value up to 256"),
        ({"k": "a,b"}, "letters, digits, spaces"),
        ({"k": "*"}, "letters, digits, spaces"),
        ({"k*": "v"}, "letters, digits, spaces"),
        ({"k": "${x}"}, "letters, digits, spaces"),
        ({"k": "a\0"}, "letters, digits, spaces"),
        ({"aws:k": "v"}, "reserved"),
        ({"AWS:k": "v"}, "reserved"),
        ({"ses-tenant:domain": "other.example.com"}, "reserved"),
        ({"SES-Tenant:Domain": "other.example.com"}, "reserved"),
        ({"Client": "a", "client": "b"}, "same key"),
        ({f"k{n}": "v" for n in range(31)}, "Too many tags"),
    ],
)
def test_user_tags_that_are_refused(tags: dict[str, str], why: str) -> None:
    with pytest.raises(SesTenantError) as caught:
        naming.check_user_tags(tags)
    assert caught.value.code is ErrorCode.USAGE
    assert why in caught.value.message


@pytest.mark.parametrize("value", ["a\nb", "a\tb", "a\r"])
def test_user_tags_with_control_characters_are_refused(value: str) -> None:
    with pytest.raises(SesTenantError):
        naming.check_user_tags({"k": value})


def test_the_name_of_an_ses_tenant() -> None:
    assert naming.ses_tenant_name("shop.example.com") == "shop-example-com"
    assert naming.ses_tenant_name("a" * 60 + ".com") == "a" * 60 + "-com"
    long = naming.ses_tenant_name("a" * 61 + ".com")
    assert long == "a" * 43 + "_226f5a2fdcb1fbce4bfc"
    assert len(long) == 64
