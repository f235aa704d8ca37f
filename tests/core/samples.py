"""Values and Hypothesis strategies that several tests of the core share."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.tenant.observed import AccessKey, KeyStatus, User
from ses_tenant.core.tenant.spec import Interface, Scope, SendingOptions
from tests.examples import examples

steady = examples()

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SHOP = SendingDomain("shop.example.com")

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_plain = st.text(_LETTERS, min_size=1, max_size=12)
_labels = _plain | st.sampled_from(("a-b", "shop", "xn--bcher-kva", "0", "b" * 63))
_tops = st.sampled_from(("com", "net", "de", "example"))
_short = st.builds(
    lambda labels, top: ".".join([*labels, top]), st.lists(_labels, min_size=1, max_size=3), _tops
)
_long = st.builds(
    lambda label, size, top: ".".join([label.ljust(50, "x")] * 5)[:size].rstrip(".") + "." + top,
    _plain,
    st.integers(min_value=50, max_value=245),
    _tops,
)


def domains() -> st.SearchStrategy[SendingDomain]:
    """Domains that are canonical and not public suffixes, short ones and up to 253 characters."""
    return st.one_of(_short, _long).map(SendingDomain)


def regions() -> st.SearchStrategy[tuple[str, ...]]:
    names = ("eu-central-1", "us-east-1", "us-gov-west-1", "eusc-de-east-1", "ap-southeast-2")
    return st.lists(st.sampled_from(names), min_size=1, max_size=5, unique=True).map(tuple)


def sending_options() -> st.SearchStrategy[SendingOptions]:
    sets = st.text("abcXYZ019_-", min_size=1, max_size=64)
    return st.builds(
        SendingOptions,
        subdomains=st.booleans(),
        also=st.lists(domains(), max_size=4, unique=True).map(tuple),
        return_path=st.none() | domains(),
        scope=st.sampled_from(Scope),
        configuration_sets=st.lists(sets, max_size=3, unique=True).map(tuple),
        allow_read=st.lists(
            st.sampled_from(("quota", "account", "identities")), max_size=3, unique=True
        ).map(tuple),
    )


def interfaces() -> st.SearchStrategy[Interface]:
    return st.sampled_from(Interface)


def access_key(number: int, status: KeyStatus = KeyStatus.ACTIVE) -> AccessKey:
    return AccessKey(f"AKIAEXAMPLE{number:09}", status, NOW)


def user(
    domain: SendingDomain = SHOP,
    *,
    tags: dict[str, str] | None = None,
    path: str | None = None,
    boundary: str | None = None,
) -> User:
    """An IAM user as one finds it, spelled out and not made by the code under test."""
    name = f"ses-{domain.name}"
    path = f"/ses-tenant/{domain.name}/" if path is None else path
    return User(
        user_name=name,
        user_arn=f"arn:aws:iam::123456789012:user{path}{name}",
        path=path,
        created_at=NOW,
        tags={"ses-tenant:domain": domain.name} if tags is None else tags,
        permissions_boundary=boundary,
    )
