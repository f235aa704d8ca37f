import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from tests.core.samples import domains, steady

ONE = "Give one domain name, such as shop.example.com."
MEANT = "Did you mean shop.example.com?"

REFUSED = [
    # nothing
    ("", "it is empty", ONE),
    ("   ", "it is empty", ONE),
    ("\n", "it is empty", ONE),
    # what IAM would read as something else
    ("*.example.com", "as wildcards", "the setting subdomains adds every domain below it."),
    ("*@example.com", "as wildcards", "the setting subdomains adds every domain below it."),
    ("*", "as wildcards", "the setting subdomains"),
    ("shop.example.?om", "as wildcards", "the setting subdomains"),
    ("${aws:username}.example.com", "policy variable", ONE),
    ("a${*}.example.com", "policy variable", ONE),
    ("$shop.example.com", "not a valid domain name", ONE),
    # addresses
    ("info@shop.example.com", "it is an e-mail address", MEANT),
    ("Shop <info@shop.example.com>", "it is an e-mail address", MEANT),
    ("mailto:info@shop.example.com", "it is an e-mail address", MEANT),
    ("@", "it is an e-mail address", "the part after the @"),
    # URLs, paths, ports
    ("https://shop.example.com", "it is a URL", MEANT),
    ("https://me@shop.example.com:8443/x#y", "it is a URL", MEANT),
    ("http://", "it is a URL", "its host name"),
    ("shop.example.com/wp-admin", "it holds a path", MEANT),
    ("shop.example.com\\wp", "it holds a path", MEANT),
    ("/", "it holds a path", ONE),
    ("shop.example.com:587", "it holds a port", MEANT),
    # IP literals and what looks like one
    ("192.0.2.1", "it is an IP address", ONE),
    ("[192.0.2.1]", "it is an IP address", ONE),
    ("2001:db8::1", "it is an IP address", ONE),
    ("[2001:db8::1]", "it is an IP address", ONE),
    ("fe80::1%eth0", "it is an IP address", ONE),
    ("192.0.2.1.", "its last label is a number", ONE),
    ("256.1.1.1", "its last label is a number", ONE),
    ("1.2.3", "its last label is a number", ONE),
    ("shop.example.0x1f", "its last label is a number", ONE),
    ("１９２.0.2.1", "its last label is a number", ONE),  # noqa: RUF001 - full-width digits
    # several
    ("shop example.com", "a space or a separator", "one domain at a time"),
    ("a.example.com,b.example.com", "a space or a separator", "one domain at a time"),
    ("a.example.com;b.example.com", "a space or a separator", "one domain at a time"),
    ("a.example.com\tb.example.com", "a control character", ONE),
    ("shop\x00.example.com", "a control character", ONE),
    ("shop\ud800.example.com", "a control character", ONE),
    # too few labels, empty labels
    ("localhost", "it has only one label", "shop.example.com"),
    ("com.", "it has only one label", "shop.example.com"),
    ("shop..example.com", "it has an empty label", MEANT),
    (".shop.example.com", "it has an empty label", MEANT),
    ("shop.example.com..", "it has an empty label", MEANT),
    ("bücher..example.com", "it has an empty label", "bücher.example.com"),
    ("...", "it has an empty label", ONE),
    (".", "it has an empty label", ONE),
    # labels
    ("-shop.example.com", "the label '-shop' starts or ends with a hyphen", ONE),
    ("shop-.example.com", "the label 'shop-' starts or ends with a hyphen", ONE),
    ("_dmarc.example.com", "no underscore", ONE),
    ("shop_1.example.com", "no underscore", ONE),
    ("shop!.example.com", "not a valid domain name (IDNA 2008", ONE),
    ("shop.example.com'", "not a valid domain name (IDNA 2008", ONE),
    ("shop%2eexample.com", "not a valid domain name (IDNA 2008", ONE),
    ("shop\u202e.example.com", "not a valid domain name (IDNA 2008", ONE),
    ("a\u200db.example.com", "not a valid domain name (IDNA 2008", ONE),
    ("\u0301a.example.com", "not a valid domain name (IDNA 2008", ONE),
    ("\N{PILE OF POO}.example.com", "not a valid domain name (IDNA 2008", ONE),
    # what turns into @ * / only when it is normalized
    ("info\uff20shop.example.com", "not a valid domain name (IDNA 2008", ONE),
    ("\uff0a.example.com", "not a valid domain name (IDNA 2008", ONE),
    ("\u2100.example.com", "not a valid domain name (IDNA 2008", ONE),
    ("xn--.example.com", "not a valid domain name (IDNA 2008", ONE),
    ("xn--a.example.com", "not a valid domain name (IDNA 2008", ONE),
    ("xn--shop-.example.com", "not a valid domain name (IDNA 2008", ONE),
    # too long
    ("a" * 64 + ".example.com", "a label has 64 characters, and DNS allows 63", ONE),
    ("ü" * 63 + ".example.com", "not a valid domain name (IDNA 2008", ONE),
    (".".join(["a" * 63] * 4), "it has 255 characters, and DNS allows 253", ONE),
    ("a." * 126 + "de", "it has 254 characters, and DNS allows 253", ONE),
    # where anybody can register
    ("co.uk", "co.uk is a public suffix", "yoursite.co.uk"),
    ("CO.UK.", "co.uk is a public suffix", "yoursite.co.uk"),
    ("com.au", "com.au is a public suffix", "yoursite.com.au"),
    ("foo.kobe.jp", "foo.kobe.jp is a public suffix", "yoursite.foo.kobe.jp"),
    ("公司.cn", "xn--55qx5d.cn is a public suffix", "yoursite.xn--55qx5d.cn"),
]


@pytest.mark.parametrize(
    ("text", "reason", "hint"), REFUSED, ids=[ascii(r[0])[:40] for r in REFUSED]
)
def test_refused_with_reason_and_what_was_meant(text: str, reason: str, hint: str) -> None:
    with pytest.raises(SesTenantError) as caught:
        SendingDomain.parse(text)
    assert caught.value.code is ErrorCode.INVALID_DOMAIN
    assert reason in caught.value.message
    assert "is not a sending domain" in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "text", ["https://shop.example.com/?page_id=2", "https://shop.example.com/a/*/b"]
)
def test_url_with_query_is_called_a_url(text: str) -> None:
    with pytest.raises(SesTenantError) as caught:
        SendingDomain.parse(text)
    assert "it is a URL" in caught.value.message
    assert caught.value.hint == MEANT


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("shop.example.com", "shop.example.com"),
        ("Shop.Example.COM", "shop.example.com"),
        ("shop.example.com.", "shop.example.com"),
        ("  shop.example.com\n", "shop.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.Example.", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("faß.de", "xn--fa-hia.de"),
        ("ΒΌΛΟΣ.example", "xn--nxasmq6b.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("shop\u3002example\u3002com", "shop.example.com"),
        ("shop\uff0eexample\uff61com\u3002", "shop.example.com"),
        ("\u212ashop.example", "kshop.example"),  # the Kelvin sign
        ("1.example.com", "1.example.com"),
        ("ab--cd.example.com", "ab--cd.example.com"),
        ("shop.co.uk", "shop.co.uk"),
        ("city.kobe.jp", "city.kobe.jp"),  # an exception in the public suffix list
        ("github.io", "github.io"),  # of the list's private part
        ("mail.internal", "mail.internal"),  # of no list
        ("a" * 63 + ".example", "a" * 63 + ".example"),
        (".".join(["a" * 63] * 3 + ["b" * 58, "de"]), ".".join(["a" * 63] * 3 + ["b" * 58, "de"])),
    ],
)
def test_one_canonical_spelling(text: str, name: str) -> None:
    domain = SendingDomain.parse(text)
    assert domain.name == name
    assert str(domain) == name
    assert f"{domain}" == name


def test_longest_name_has_253_characters() -> None:
    name = "a." * 125 + "com"
    assert len(name) == 253
    assert SendingDomain.parse(name).name == name


def test_spellings_of_one_domain_are_one_value() -> None:
    spellings = (
        "Bücher.example",
        "bücher.example.",
        "XN--BCHER-KVA.EXAMPLE",
        "bücher\u3002example",
    )
    assert len({SendingDomain.parse(text) for text in spellings}) == 1


def test_domains_sort_by_name() -> None:
    names = [
        d.name for d in sorted(map(SendingDomain.parse, ("c.example", "a.example", "b.example")))
    ]
    assert names == ["a.example", "b.example", "c.example"]


def test_refusal_shows_control_characters_escaped_and_cuts_long_input() -> None:
    with pytest.raises(SesTenantError) as caught:
        SendingDomain.parse("\x1b[31mred" + "x" * 500)
    assert caught.value.message.startswith("'\\x1b[31mredxxx")
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 160


def parse_or_refuse(text: str) -> SendingDomain | SesTenantError:
    try:
        return SendingDomain.parse(text)
    except SesTenantError as error:
        return error


NASTY = st.text(
    alphabet=st.sampled_from("aA0-._*?@$/\\{}:[]% \t\n\0üßæ。．｡＠＊\u200d\u202e\ud800\u0301א例K")  # noqa: RUF001
    | st.characters(),
    max_size=80,
)
DOTTED = st.lists(st.text(max_size=12), min_size=1, max_size=6).map(".".join)
PUNYCODE = st.from_regex(
    r"(xn--)?[a-zA-Z0-9-]{0,20}(\.(xn--)?[a-z0-9-]{1,20}){1,3}\.?", fullmatch=True
)


@steady
@given(st.one_of(NASTY, DOTTED, PUNYCODE))
@example("a.xn--a")
@example("\u0378.example.com")  # unassigned
@example("\u0661.example.com")  # a digit, not of ASCII
@example("0x.example")
def test_any_text_is_refused_or_made_canonical(text: str) -> None:
    domain = parse_or_refuse(text)
    if isinstance(domain, SesTenantError):
        assert domain.code is ErrorCode.INVALID_DOMAIN
        assert domain.hint
        return
    name = domain.name
    assert re.fullmatch(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", name)
    assert not set(name) & set("*?$@/{}")
    assert len(name) <= 253
    assert SendingDomain.parse(name).name == name


@steady
@given(
    domains(),
    st.sampled_from((str.upper, str.title, str.lower)),
    st.sampled_from(("", ".", "\u3002")),
)
def test_case_and_trailing_dot_do_not_matter(
    domain: SendingDomain, spell: Callable[[str], str], end: str
) -> None:
    assert SendingDomain.parse(spell(domain.name) + end) == domain
