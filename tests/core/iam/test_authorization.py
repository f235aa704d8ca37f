"""The decision: cases of an outside evaluator, and facts of AWS's pages, each with its source."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.iam.authorization import Policies, Policy, Request, decide
from ses_tenant.core.iam.globs import glob, matches_arn, remainders
from ses_tenant.core.iam.keys import OF_OTHERS, SESSION
from ses_tenant.core.proof.simulation import parse_cases, simulate

CASES = json.loads(Path(__file__).with_name("authorization_cases.json").read_text("utf-8"))
ACCOUNT, OTHER = "123456789012", "999999999999"
IDENTITY = f"arn:aws:ses:eu-west-1:{ACCOUNT}:identity/shop.example.com"
USER = f"arn:aws:iam::{ACCOUNT}:user/alice"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/path/mailer"
SESSION_ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/mailer/today"
FOREIGN = f"arn:aws:iam::{OTHER}:user/bob"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
NOTHING: dict[str, Any] = {"Statement": []}


def document(effect: str = "Allow", **elements: Any) -> dict[str, Any]:
    statement = {"Sid": "S", "Effect": effect, "Action": "ses:*", **elements}
    if "Resource" not in statement and "NotResource" not in statement:
        statement["Resource"] = "*"
    return {"Version": "2012-10-17", "Statement": [statement]}


Documents = list[dict[str, Any]]
ALL = document()


def policies(documents: Documents | None, name: str) -> tuple[Policy, ...] | None:
    return None if documents is None else tuple(Policy(name, each) for each in documents)


def decided(
    principal: str = USER,
    *,
    own: Documents | None = None,
    resource: Documents | None = None,
    boundary: Documents | None = None,
    session: Documents | None = None,
    organization: Documents | None = None,
    context: Mapping[str, tuple[str, ...]] | None = None,
    **request: Any,
) -> str:
    asked = Request("ses:SendRawEmail", IDENTITY, context or {}, principal, **request)
    verdict = decide(
        Policies(
            policies(own or [], "own") or (),
            policies(boundary, "boundary"),
            policies(session, "session"),
            policies(resource or [], "resource") or (),
            policies(organization, "organization"),
        ),
        asked,
    )
    return verdict.answer.value


def test_what_an_outside_evaluator_decides() -> None:
    results = simulate(parse_cases(json.dumps(CASES)))
    wrong = [
        (case["name"], case["decision"], result.decision.value)
        for case, result in zip(CASES, results, strict=True)
        if result.decision != case["decision"]
    ]
    assert wrong == []
    assert len(CASES) == 310


# reference_policies_elements_resource.html: a `*` at the end of a segment may reach past
# the colon, says the page; evaluators of others let no wildcard do so, and fill up short ARNs.
@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        ("*", True),
        ("**", True),
        ("arn:aws:ses:*", True),
        ("arn:aws:ses*", True),
        ("arn:*", True),
        ("arn:aws:ses:eu-west-1:*:identity/*", True),
        ("ARN:AWS:SES:EU-WEST-1:123456789012:identity/shop.example.com", True),
        ("arn:aws:ses:*:*:identity/shop.example.???", True),
        ("arn:aws:ses:*:*:identity/Shop.example.com", False),
        ("arn:aws:ses:us-*:*:identity/*", False),
        ("arn", None),
        ("arn:aws:ses", None),
        ("arn:aws:ses:eu-west-1", None),
        ("arn:aws:ses:eu-west-1:123456789012", None),
        ("arn:aws:ses:us-east-1", False),
        ("arn:aws:s3", False),
        ("arn:aws:ses:*:identity/shop.example.com", None),
        ("arn:*:identity/shop.example.com", None),
        ("arn:aws:ses:*shop.example.com", None),
        ("arn:aws:ses:us*identity/shop.example.com", False),
        ("*shop.example.com", None),
        ("*:*:*:*:*:*", True),
        ("*:*:*:*:*:*:*", False),
        ("", False),
    ],
)
def test_arns(pattern: str, matching: bool | None) -> None:
    assert matches_arn(glob(pattern), IDENTITY) is matching


def test_what_is_no_arn_is_matched_by_everything_alone() -> None:
    assert matches_arn(glob("*"), "*") is True
    assert matches_arn(glob("arn:aws:ses:*"), "*") is False


@pytest.mark.parametrize(
    ("pattern", "text", "rest"),
    [
        ("abc", "ab", {"c"}),
        ("abc", "abc", {""}),
        ("abc", "x", set()),
        ("a?c", "ab", {"c"}),
        ("*", "abc", {"*", ""}),
        ("a*bc", "ab", {"*bc", "bc", "c"}),
        ("**b", "", {"**b", "*b", "b"}),
        ("a", "ab", set()),
    ],
)
def test_what_remains_of_a_pattern(pattern: str, text: str, rest: set[str]) -> None:
    assert remainders(glob(pattern), text) == set(map(glob, rest))


@pytest.mark.parametrize("pattern", ["arn:aws:ses", "arn:aws:ses:*:identity/shop.example.com"])
def test_an_odd_arn_is_conditional_whatever_it_stands_in(pattern: str) -> None:
    assert decided(own=[document(Resource=pattern)]) == "conditional"
    assert decided(own=[document(NotResource=pattern)]) == "conditional"
    assert decided(own=[ALL, document("Deny", Resource=pattern)]) == "conditional"
    assert decided(own=[ALL, document("Deny", NotResource=pattern)]) == "conditional"


SOME = {"Bool": {"aws:SecureTransport": "true"}}
LIMITS = [
    # access_policies_boundaries.html, "Resource-based policies": a user that is named
    # passes by an implicit deny of its boundary, a role that is named does not, a session does.
    (USER, {"AWS": USER}, "boundary", "allowed"),
    (ROLE, {"AWS": ROLE}, "boundary", "denied"),
    (SESSION_ARN, {"AWS": ROLE}, "boundary", "denied"),
    (SESSION_ARN, {"AWS": SESSION_ARN}, "boundary", "allowed"),
    (USER, "*", "boundary", "allowed"),
    (ROLE, "*", "boundary", "allowed"),
    (USER, {"AWS": ROOT}, "boundary", "denied"),
    # What a resource policy gives the user or the role is limited by the session policy, what it
    # gives the session is not: access_policies.html, "Session policies".
    (USER, {"AWS": USER}, "session", "denied"),
    (SESSION_ARN, {"AWS": ROLE}, "session", "denied"),
    (SESSION_ARN, {"AWS": SESSION_ARN}, "session", "allowed"),
    # orgs_manage_policies_scps.html: service control policies limit every principal.
    (USER, {"AWS": USER}, "organization", "denied"),
    (SESSION_ARN, {"AWS": SESSION_ARN}, "organization", "denied"),
    (ROLE, {"AWS": ROLE}, "organization", "denied"),
]


@pytest.mark.parametrize(("principal", "named", "limit", "answer"), LIMITS)
def test_which_limits_a_grant_of_a_resource_policy_passes_by(
    principal: str, named: Any, limit: str, answer: str
) -> None:
    granting = [document(Principal=named)]
    nothing: dict[str, Any] = {limit: [NOTHING]}
    everything: dict[str, Any] = {limit: [ALL]}
    assert decided(principal, resource=granting, **nothing) == answer
    assert decided(principal, resource=granting, **everything) == (
        "denied" if named == {"AWS": ROOT} else "allowed"
    )


@pytest.mark.parametrize("limit", ["boundary", "session", "organization"])
def test_limits_of_what_the_own_policies_allow(limit: str) -> None:
    def limited(own: Documents, *documents: dict[str, Any]) -> str:
        options: dict[str, Any] = {limit: list(documents)}
        return decided(own=own, **options)

    assert limited([ALL], ALL) == "allowed"
    assert limited([ALL], NOTHING) == "denied"
    assert limited([ALL], ALL, document("Deny")) == "denied"
    assert limited([ALL], document(Condition=SOME)) == "conditional"
    assert limited([], ALL) == "denied"


@pytest.mark.parametrize(
    ("named", "answer"),
    [
        ({"AWS": USER}, "allowed"),
        ({"AWS": f"{USER}2"}, "denied"),
        ({"AWS": [ROLE, USER]}, "allowed"),
        ("*", "allowed"),
        ({"AWS": "*"}, "allowed"),
        ({"AWS": ACCOUNT}, "denied"),  # which leaves it to the policies of the account
        ({"AWS": ROOT}, "denied"),
        ({"AWS": f"arn:aws:iam::{OTHER}:root"}, "denied"),
        ({"Service": "ses.amazonaws.com"}, "denied"),
    ],
)
def test_whom_a_resource_policy_allows(named: Any, answer: str) -> None:
    assert decided(resource=[document(Principal=named)]) == answer


@pytest.mark.parametrize(
    ("principal", "named", "answer"),
    [
        (USER, {"AWS": USER}, "denied"),
        (USER, {"AWS": ROOT}, "denied"),
        (USER, {"AWS": ACCOUNT}, "denied"),
        (USER, "*", "denied"),
        (USER, {"AWS": ROLE}, "allowed"),
        # A role stands for its sessions, whose ARNs leave the path out:
        # reference_policies_elements_principal.html, "IAM role principals".
        (SESSION_ARN, {"AWS": ROLE}, "denied"),
        (SESSION_ARN, {"AWS": ROLE.replace("mailer", "other")}, "allowed"),
        (SESSION_ARN, {"AWS": SESSION_ARN}, "denied"),
        (SESSION_ARN, {"AWS": SESSION_ARN.replace("today", "other")}, "allowed"),
        (ROLE, {"AWS": SESSION_ARN}, "conditional"),
        (ROLE, {"AWS": SESSION_ARN.replace("mailer", "mail")}, "allowed"),
        (ROLE, {"AWS": ROLE}, "denied"),
    ],
)
def test_whom_a_deny_of_a_resource_policy_binds(principal: str, named: Any, answer: str) -> None:
    assert decided(principal, own=[ALL], resource=[document("Deny", Principal=named)]) == answer


def test_the_session_of_a_role_elsewhere_in_the_tree_is_another() -> None:
    denied = [document("Deny", Principal={"AWS": ROLE})]
    for arn, answer in ((ROLE, "denied"), (ROLE.replace("path", "other"), "allowed")):
        context = {"aws:PrincipalArn": (arn,)}
        assert decided(SESSION_ARN, own=[ALL], resource=denied, context=context) == answer


@pytest.mark.parametrize(
    ("listed", "answer"),
    [(FOREIGN, "denied"), (USER, "allowed"), ([USER, ROOT], "allowed"), (ROOT, "conditional")],
)
def test_a_deny_of_everybody_but(listed: Any, answer: str) -> None:
    denied = [document("Deny", NotPrincipal={"AWS": listed})]
    assert decided(own=[ALL], resource=denied) == answer


@pytest.mark.parametrize(
    ("listed", "answer"), [(FOREIGN, "allowed"), (USER, "denied"), (ROOT, "conditional")]
)
def test_an_allow_of_everybody_but(listed: str, answer: str) -> None:
    assert decided(resource=[document(NotPrincipal={"AWS": listed})]) == answer


# reference_policies_evaluation-logic-cross-account.html: both accounts have to allow.
@pytest.mark.parametrize(
    ("own", "named", "answer"),
    [
        ([ALL], {"AWS": FOREIGN}, "allowed"),
        ([ALL], {"AWS": OTHER}, "allowed"),
        ([ALL], {"AWS": f"arn:aws:iam::{OTHER}:root"}, "allowed"),
        ([ALL], "*", "allowed"),
        ([ALL], {"AWS": USER}, "denied"),
        ([ALL], None, "denied"),
        ([], {"AWS": FOREIGN}, "denied"),
        ([document(Condition=SOME)], {"AWS": FOREIGN}, "conditional"),
    ],
)
def test_another_account_needs_both_sides(own: Documents, named: Any, answer: str) -> None:
    resource = [document(Principal=named)] if named else []
    assert decided(FOREIGN, own=own, resource=resource) == answer


def test_another_account_is_limited_by_its_boundary() -> None:
    resource = [document(Principal={"AWS": FOREIGN})]
    assert decided(FOREIGN, own=[ALL], resource=resource, boundary=[NOTHING]) == "denied"


@pytest.mark.parametrize(
    "key",
    [
        "aws:PrincipalTag/site",
        "sts:RoleSessionName",
        "aws:userid",
        "saml:sub",
        "cognito-identity.amazonaws.com:sub",
        "accounts.google.com:aud",
    ],
)
def test_keys_of_a_session_may_be_anything(key: str) -> None:
    own = [document(Condition={"StringEquals": {key: "x"}})]
    unknown = Request("a", "b", {}).unknown | SESSION
    assert decided(ROLE, own=own, unknown=unknown) == "conditional"
    variable = [document(Resource=f"arn:aws:ses:*:*:identity/${{{key}}}")]
    assert decided(ROLE, own=variable, unknown=unknown) == "conditional"


@pytest.mark.parametrize(
    "key",
    [
        *("aws:PrincipalAccount", "aws:PrincipalOrgID", "aws:PrincipalTag/a", "aws:username"),
        *("aws:PrincipalType", "aws:PrincipalIsAWSService", "aws:PrincipalServiceName"),
    ],
)
def test_keys_of_a_principal_elsewhere_may_be_anything(key: str) -> None:
    resource = [document(Principal="*", Condition={"StringEquals": {key: "x"}})]
    unknown = Request("a", "b", {}).unknown | OF_OTHERS
    assert decided("*", resource=resource, unknown=unknown) == "conditional"


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ({"Statement": ["x"]}, "statement 1 is no object"),
        (document("Permit"), "the Effect of statement 1 is 'Permit'"),
        ({"Statement": [{"Effect": "Allow", "Resource": "*"}]}, "statement 1 has no Action"),
        (document(Action=[7]), "Action in statement 1 holds something that is no text"),
        (document(Condition=[]), "the Condition of statement 1 is no object"),
        (document(Condition={"Bool": 1}), "Bool in statement 1 is no object"),
    ],
)
def test_what_iam_would_not_take(bad: dict[str, Any], told: str) -> None:
    with pytest.raises(SesTenantError, match=told) as caught:
        decided(own=[bad])
    assert caught.value.code is ErrorCode.USAGE


def reason(**policy: Any) -> str:
    asked = Request("ses:SendRawEmail", IDENTITY, {"ses:FromAddress": ("a@b",)}, USER)
    return decide(Policies(**policy), asked).reason


def test_the_reason_names_what_decides() -> None:
    def of(name: str, *documents: dict[str, Any]) -> tuple[Policy, ...]:
        return tuple(Policy(name, each) for each in documents)

    mail, what = of("mail", ALL), f"ses:SendRawEmail on {IDENTITY}"
    assert reason(identity=mail) == "allowed by the statement S of the policy mail"
    denying = of("never", document("Deny", Sid=""))
    assert (
        reason(identity=(*mail, *denying)) == "denied by the statement number 1 of the policy never"
    )
    assert reason() == f"no statement allows {what}"
    assert reason(identity=mail, boundary=()) == f"the permissions boundary does not allow {what}"
    assert reason(identity=mail, session=()) == f"the session policy does not allow {what}"
    assert reason(identity=mail, organization=()) == (
        f"the service control policy of the organization does not allow {what}"
    )
    other = of("mail", document(Resource="arn:aws:s3:::x"))
    assert reason(identity=other) == (
        f"no statement allows {what}: the statement S of the policy mail is about other resources"
    )
    absent = of("mail", document(Condition={"StringLike": {"ses:FeedbackAddress": "*@b"}}))
    assert reason(identity=absent) == (
        f"no statement allows {what}: the statement S of the policy mail wants StringLike "
        "ses:feedbackaddress *@b, and the request has no such key"
    )
    another = of("mail", document(Condition={"StringEquals": {"ses:FromAddress": "c@d"}}))
    assert reason(identity=another) == (
        f"no statement allows {what}: the statement S of the policy mail wants StringEquals "
        "ses:fromaddress c@d, and it is a@b"
    )
    told = "allowed by the statement S of the policy mail if Bool aws:securetransport true"
    assert reason(identity=of("mail", document(Condition=SOME))) == told
    perhaps = of("never", document("Deny", Condition=SOME))
    assert reason(identity=(*mail, *perhaps)) == (
        "allowed by the statement S of the policy mail if not Bool aws:securetransport true"
    )
    odd = of("mail", document(Resource="arn:aws:ses"))
    assert reason(identity=odd) == (
        "allowed by the statement S of the policy mail "
        f"if {IDENTITY} is a resource of the statement S of the policy mail"
    )
    assert reason(resource=of("r", document(NotPrincipal={"AWS": ROOT}))) == (
        "allowed by the statement S of the policy r "
        f"if {USER} is a principal of the statement S of the policy r"
    )
