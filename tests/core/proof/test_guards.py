"""Who may read a secret or a parameter, once its own policy and its key are known."""

from dataclasses import replace

import pytest

from ses_tenant.core.iam.authorization import Policy
from ses_tenant.core.proof.guards import AWS_KEY, Guard, Key
from ses_tenant.core.proof.takeover import Route, takeovers
from tests.core.proof.accounts import (
    ACCOUNT,
    IAM,
    ROOT,
    SHOP,
    Json,
    account,
    allow,
    deny,
    policy,
    role,
    tenant,
    trusting,
    user,
)

SECRET = f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:web/shop"
WHOLE = f"{SECRET}-AbCdEf"
PARAMETER = f"arn:aws:ssm:eu-central-1:{ACCOUNT}:parameter/web/shop"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1234abcd"
OF_SECRET = tenant(destination="secretsmanager:web/shop")
OF_PARAMETER = tenant(destination="ssm:/web/shop")
READ, GET, DECRYPT = "secretsmanager:GetSecretValue", "ssm:GetParameter", "kms:Decrypt"
APP = f"{IAM}:user/app"
OTHER = "arn:aws:iam::999999999999"


def by(principal: str, *statements: Json, named: str = "Principal") -> Json:
    """Return a policy of a resource; each statement names the principal."""
    who = "*" if principal == "*" else {"AWS": principal}
    return policy(*({**said, named: who} for said in statements))


def key(*policies: Json, grantees: tuple[str, ...] | None = ()) -> Key:
    (document,) = policies or (None,)
    return Key(KEY, None if document is None else Policy("of the key", document), grantees)


def secret(*policies: Json, by_key: Key | None = AWS_KEY) -> Guard:
    return Guard(WHOLE, tuple(Policy("of the secret", said) for said in policies), by_key)


def found(guard: Guard, *entries: Json, owner: Json = OF_SECRET) -> list[Route]:
    arn = SECRET if owner is OF_SECRET else PARAMETER
    whole = replace(account(owner, *entries), guards={arn: guard})
    return list(takeovers(whole).routes)


def told(routes: list[Route]) -> list[tuple[str, bool]]:
    return [(route.principal, route.hop.certain) for route in routes]


def actions(route: Route) -> list[str]:
    return [step.action for step in route.hop.steps]


READER = user("app", allow(READ, on=f"{SECRET}-*"))


def test_with_the_key_of_aws_and_no_policy_leave_to_read_is_all_that_it_takes() -> None:
    (route,) = found(secret(), READER)
    assert told([route]) == [(APP, True)]
    assert route.hop.conditions == ()
    assert [arn for _, arn in route.touched] == [WHOLE]
    # The ARN is known now, so another one is not it.
    assert found(secret(), user("app", allow(READ, on=f"{SECRET}-XxXxXx"))) == []


@pytest.mark.parametrize(
    ("said", "certain"),
    [
        (deny("kms:*"), None),
        (deny(DECRYPT, on=KEY), False),
        (deny(DECRYPT, StringNotLike={"kms:ViaService": "s3.*"}), False),
        (deny(DECRYPT, Bool={"aws:ViaAWSService": "false"}), True),
        (deny("kms:Encrypt"), True),
    ],
)
def test_a_deny_of_decrypting_counts_with_the_key_of_aws_too(
    said: Json, certain: bool | None
) -> None:
    routes = found(secret(), user("app", allow(READ), said))
    assert told(routes) == ([] if certain is None else [(APP, certain)])


def test_whom_the_policy_of_a_secret_alone_names_is_found() -> None:
    given = secret(by(APP, allow(READ)))
    (route,) = found(given, user("app"), user("other"))
    assert told([route]) == [(APP, True)]
    assert "of the secret" in route.hop.steps[0].statement
    # The account does not stand for everybody in it.
    assert found(secret(by(ROOT, allow(READ))), user("app")) == []
    # A tenant is no finding about itself, and its own Deny holds.
    assert found(secret(by(f"{IAM}:user/ses-tenant/{SHOP}/ses-{SHOP}", allow(READ)))) == []


def test_who_may_become_the_one_that_is_named_is_found() -> None:
    given = secret(by(f"{IAM}:role/site", allow(READ)))
    routes = found(
        given, role("site", trust=[trusting(ROOT)]), user("app", allow("sts:AssumeRole"))
    )
    assert told(routes) == [(f"{IAM}:role/site", True), (APP, True)]
    assert actions(routes[1]) == ["sts:AssumeRole", READ]


def test_everybody_and_everybody_but_some() -> None:
    assert (APP, True) in told(found(secret(by("*", allow(READ))), user("app")))
    but = secret(by(f"{IAM}:user/other", allow(READ), named="NotPrincipal"))
    assert told(found(but, user("app"), user("other"))) == [(APP, True)]


def test_a_policy_that_denies() -> None:
    assert found(secret(by("*", deny("secretsmanager:*"))), READER) == []
    mfa: Json = {"Null": {"aws:MultiFactorAuthPresent": "true"}}
    assert told(found(secret(by("*", deny(READ, **mfa))), READER)) == [(APP, False)]


def test_a_policy_that_denies_may_be_deleted_or_replaced() -> None:
    guard = secret(by("*", deny(READ)))
    (route,) = found(guard, user("app", allow(READ, "secretsmanager:DeleteResourcePolicy")))
    assert actions(route) == ["secretsmanager:DeleteResourcePolicy", READ]
    (route,) = found(guard, user("app", allow("secretsmanager:PutResourcePolicy")))
    assert actions(route) == ["secretsmanager:PutResourcePolicy"]
    assert found(guard, user("app", allow("secretsmanager:DeleteResourcePolicy"))) == []


ACCOUNT_KEY = by(ROOT, allow("kms:*"))


@pytest.mark.parametrize(
    ("document", "statements", "certain"),
    [
        # The key policy leaves it to the policies of the account.
        (ACCOUNT_KEY, [allow(DECRYPT, on=KEY)], True),
        (ACCOUNT_KEY, [], None),
        (ACCOUNT_KEY, [allow(DECRYPT, on=f"{KEY}5")], None),
        (ACCOUNT_KEY, [allow(DECRYPT), deny(DECRYPT)], None),
        # It does not, so that they do not count.
        (by(f"{IAM}:user/other", allow("kms:*")), [allow("kms:*")], None),
        # It names the user.
        (by(APP, allow(DECRYPT)), [], True),
        (by(APP, allow(DECRYPT)), [deny("kms:*")], None),
        (
            by("*", allow(DECRYPT, StringEquals={"kms:ViaService": "secretsmanager.eu.example"})),
            [],
            False,
        ),
        # Who can open it for itself.
        (ACCOUNT_KEY, [allow("kms:PutKeyPolicy")], False),
        (by(APP, allow("kms:CreateGrant")), [], False),
    ],
)
def test_a_key_of_the_customer_has_the_last_word(
    document: Json, statements: list[Json], certain: bool | None
) -> None:
    expected = [] if certain is None else [(APP, certain)]
    reader = user("app", allow(READ), *statements)
    routes = found(secret(by_key=key(document)), reader)
    assert told(routes) == expected
    if certain:
        assert actions(routes[0]) == [DECRYPT, READ]
    parameter = Guard(PARAMETER, key=key(document))
    reader = user("app", allow(GET), *statements)
    assert told(found(parameter, reader, owner=OF_PARAMETER)) == expected


@pytest.mark.parametrize(
    ("grantees", "reads"),
    [
        (None, True),
        ((APP,), True),
        ((ROOT,), True),
        ((f"arn:aws:sts::{ACCOUNT}:assumed-role/site/x",), True),
        ((f"{IAM}:user/other", f"{IAM}:role/app"), False),
        (("lambda.amazonaws.com",), False),
        ((), False),
    ],
)
def test_a_grant_may_let_somebody_decrypt(grantees: tuple[str, ...] | None, reads: bool) -> None:
    guard = secret(by_key=key(ACCOUNT_KEY, grantees=grantees))
    assert told(found(guard, READER)) == ([(APP, False)] if reads else [])


def test_a_key_that_was_not_read_is_a_condition() -> None:
    (route,) = found(secret(by_key=key(grantees=None)), READER)
    assert not route.hop.certain
    assert route.hop.conditions == (f"the key {KEY}, whose policy was not read, lets it decrypt",)


@pytest.mark.parametrize("guard", [Guard(PARAMETER), Guard(PARAMETER, key=None)])
def test_a_parameter_that_everybody_in_the_account_decrypts(guard: Guard) -> None:
    for action in (GET, "ssm:GetParametersByPath"):
        routes = found(guard, user("app", allow(action)), owner=OF_PARAMETER)
        assert told(routes) == [(APP, True)]


def test_parameters_below_one_path_are_told_apart_by_their_keys() -> None:
    other = tenant("blog.example.org", destination="ssm:/web/blog")
    guards = {
        PARAMETER: Guard(PARAMETER),
        f"{PARAMETER[:-4]}blog": Guard(f"{PARAMETER[:-4]}blog", key=key(ACCOUNT_KEY)),
    }
    reader = user("app", allow("ssm:GetParametersByPath"))
    whole = replace(account(OF_PARAMETER, other, reader), guards=guards)
    (route,) = takeovers(whole).routes
    assert [str(member.tenant) for member, _ in route.touched] == [SHOP]


@pytest.mark.parametrize(
    "principal",
    [f"{OTHER}:root", f"{OTHER}:user/bob", "999999999999", "lambda.amazonaws.com", "*"],
)
def test_somebody_outside_of_the_account_needs_a_key_that_serves_it(principal: str) -> None:
    said = by(principal, allow(READ))
    assert found(secret(said)) == []
    assert found(secret(said, by_key=key(ACCOUNT_KEY))) == []
    (route,) = found(secret(said, by_key=key(by(principal, allow(DECRYPT)))))
    assert told([route]) == [(principal, False)]
    assert "its own account lets it" in route.hop.conditions


@pytest.mark.parametrize(
    "principal",
    [ROOT, ACCOUNT, f"{IAM}:user/gone", f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s", "AIDAEXAMPLE1"],
)
def test_the_account_itself_and_who_is_gone_are_nobody_outside(principal: str) -> None:
    said = by(principal, allow(READ))
    assert found(secret(said, by_key=key(by(principal, allow(DECRYPT))))) == []


def test_what_is_not_known_of_somebody_outside_is_a_condition() -> None:
    named: Json = {"StringEquals": {"aws:username": "bob"}}
    said = by("*", allow(READ, **named))
    (route,) = found(secret(said, by_key=key(by("*", allow(DECRYPT)))))
    assert any("aws:username" in condition for condition in route.hop.conditions)


def test_a_secret_of_another_account_is_read_on_a_condition() -> None:
    arn = "arn:aws:secretsmanager:eu-central-1:999999999999:secret:web/shop"
    for name in (arn, f"{arn}-AbCdEf"):
        owner = tenant(destination=f"secretsmanager:{name}")
        (route,) = takeovers(account(owner, user("app", allow(READ)))).routes
        assert told([route]) == [(APP, False)]
    owner = tenant(destination="ssm:arn:aws:ssm:eu-central-1:999999999999:parameter/shop")
    assert told(list(takeovers(account(owner, user("app", allow(GET)))).routes)) == [(APP, False)]
    assert takeovers(account(owner, user("app"))).routes == ()
