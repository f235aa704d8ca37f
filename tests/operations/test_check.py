"""`check`: silent about a tenant as `create` left it, and one finding for each thing put wrong."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.findings.finding import Finding, Gathering, Severity
from ses_tenant.core.iam.authorization import Request
from ses_tenant.core.identity.ses import SesAccount
from ses_tenant.core.identity.state import Dkim, EmailIdentity, MailFrom, Status
from ses_tenant.core.tenant.observed import Attachments, KeyStatus
from ses_tenant.core.tenant.request import TenantRequest
from ses_tenant.core.tenant.spec import Interface, Scope
from ses_tenant.operations import check, suspend
from ses_tenant.operations.runtime import Runtime
from tests.fakes.destination import FakeDestination
from tests.fakes.example_tenant import ARN, NAME, REGION, SHOP, run_create
from tests.fakes.iam import BOUNDARY, EVERYTHING, MANAGED_POLICY, Clock, FakeIam
from tests.fakes.runtime import fake_runtime
from tests.fakes.ses import FakeSes, verified

BLOG = SendingDomain.parse("blog.example.org")
NEWS = SendingDomain.parse("news.example.net")
NINETY_DAYS = timedelta(days=90)
DENY = {"Statement": [{"Effect": "Deny", "Action": "iam:CreateUser", "Resource": "*"}]}
WIDE = {"Statement": [{"Effect": "Allow", "Action": "ses:*", "Resource": "*"}]}


class Account:
    """Tenants in a fake account, each with a destination of its own."""

    def __init__(self, *requests: TenantRequest) -> None:
        self.clock = Clock()
        self.iam, self.ses = FakeIam(self.clock), FakeSes()
        self.iam.known_policies |= {MANAGED_POLICY}
        self.destinations: dict[str, FakeDestination] = {}
        for request in requests or (TenantRequest(SHOP), TenantRequest(BLOG)):
            place = FakeDestination(self.iam)
            self.destinations[request.domain.name] = place
            given = {**request.given, "destination": "file:/site.env"}
            whole = TenantRequest(request.domain, **given)  # type: ignore[arg-type]
            run_create(self.iam, whole, destination=place)

    @property
    def runtime(self) -> Runtime:
        return fake_runtime(
            self.iam,
            ses=self.ses,
            open_destination=lambda spec: self.destinations[spec.domain.name],
            now=self.clock,
        )

    def inspect(self, *domains: SendingDomain, live: bool = False) -> check.Inspection:
        return check.inspect(self.runtime, domains, check.CheckOptions(NINETY_DAYS, live))

    def check(self, *domains: SendingDomain, live: bool = False) -> tuple[check.Checked, ...]:
        return self.inspect(*domains, live=live).checked

    def findings(self, *domains: SendingDomain, live: bool = False) -> list[Finding]:
        checked = self.check(*domains, live=live)
        assert [c.error for c in checked if c.error] == []
        return [finding for c in checked for finding in c.findings]

    def rules(self, *domains: SendingDomain, live: bool = False) -> list[str]:
        return sorted(f"{f.rule} {f.severity}" for f in self.findings(*domains, live=live))

    def repair(self) -> None:
        done = check.repair(self.runtime, self.inspect(), check.CheckOptions(NINETY_DAYS))
        assert [error for error in done.repairs.values() if error] == []


names = st.sampled_from(["news.example.net", "sub.shop.example.com", "example.com", "a.b.example"])
options = st.fixed_dictionaries(
    {
        "interface": st.sampled_from(Interface),
        "subdomains": st.booleans(),
        "also": st.lists(names.map(SendingDomain.parse), max_size=2, unique=True).map(tuple),
        "return_path": st.one_of(st.none(), names.map(lambda n: (SendingDomain.parse(n),))),
        "scope": st.sampled_from(Scope),
        "regions": st.sampled_from([("eu-central-1",), ("us-east-1", "eu-west-1")]),
        "permissions_boundary": st.sampled_from([None, BOUNDARY]),
        "user_tags": st.sampled_from([{}, {"client": "Müller"}]),
    }
)


@given(options)
def test_nothing_is_found_right_after_create_whatever_the_options(
    chosen: dict[str, object],
) -> None:
    try:
        account = Account(TenantRequest(SHOP, **chosen), TenantRequest(BLOG))  # type: ignore[arg-type]
    except SesTenantError as error:
        assert error.code is ErrorCode.POLICY_TOO_LARGE
        reject()
    account.iam.managed = {BOUNDARY: WIDE}
    checked = account.check()
    assert [c.error for c in checked] == [None, None]
    assert [c.findings for c in checked] == [(), ()]
    assert [c.plan for c in checked] == [(), ()]


def test_only_reads_are_made() -> None:
    account = Account()
    account.iam.calls.clear()
    account.check(live=True)
    assert {re.match(r"\w+:[A-Z][a-z]+", call)[0] for call in account.iam.calls} == {  # type: ignore[index]
        "iam:Get",
        "iam:List",
        "iam:Simulate",
        "iam:Destination",
    }
    assert not {"iam:DestinationPut", "iam:DestinationCheck"} & set(account.iam.calls)


def test_a_policy_that_was_changed_is_found_proven_and_repaired() -> None:
    account = Account()
    account.iam.users[NAME].policies["ses-tenant-sending"] = WIDE
    assert account.rules() == ["may_send_as error", "may_send_as error", "policy_drift error"]
    (proof, *_) = [f for f in account.findings(BLOG) if f.rule == "may_send_as"]
    (touched,) = proof.domains
    assert (proof.principal, touched.domain) == (ARN, "blog.example.org")
    assert touched.witness is not None
    assert touched.witness.lower().endswith("@blog.example.org")
    assert "number 1 of the policy ses-tenant-sending" in proof.message
    account.repair()
    assert account.findings() == []


def test_both_sides_of_a_broken_isolation_are_told() -> None:
    account = Account()
    account.iam.users[NAME].policies["ses-tenant-sending"] = WIDE
    assert "may_send_as error" in account.rules(SHOP)
    assert "may_send_as error" in account.rules(BLOG)


def test_a_third_tenant_is_not_bothered() -> None:
    account = Account(TenantRequest(SHOP), TenantRequest(BLOG), TenantRequest(NEWS))
    policy = {"Statement": [{**WIDE["Statement"][0], "Condition": {"StringLike": {
        "ses:FromAddress": ["*@shop.example.com", "*blog.example.org"]}}}]}  # fmt: skip
    account.iam.users[NAME].policies["ses-tenant-sending"] = policy
    assert account.rules(NEWS) == []


def test_what_else_is_attached_is_found_thing_by_thing_and_taken_off() -> None:
    account = Account()
    account.iam.groups = {"developers": {}, "mailers": {}}
    account.iam.managed = {MANAGED_POLICY: {"Statement": []}}
    account.iam.attach(NAME, EVERYTHING)
    account.iam.users[NAME].policies["foreign"] = {"Statement": []}
    told = " / ".join(f.message for f in account.findings() if f.rule == "attached")
    for what in (
        "inline policy foreign",
        "ReadOnlyAccess",
        "group developers",
        "group mailers",
        "console password",
        "MFA device arn:aws:iam::123456789012:mfa/phone",
        "MFA device GAHT12345678",
        "SSH public key APKAEIVFHP46CEXAMPLE",
        "signing certificate TA7SMP42TDN5Z26OBPJE7EXAMPLE",
        "service-specific credential ACCA0123456789EXAMPLE",
    ):
        assert what in told
    assert account.rules() == ["attached error"] * 10
    account.repair()
    assert account.findings() == []


def test_path_and_tags_are_found_and_repaired_and_keys_left_alone() -> None:
    account = Account()
    user = account.iam.users[NAME]
    user.path = "/ses-tenant/elsewhere/"
    user.tags["ses-tenant:regions.2"] = "left over"
    keys = dict(user.keys)
    assert account.rules() == ["path_drift warning", "tag_drift warning"]
    account.repair()
    assert account.findings() == []
    assert user.keys == keys


@pytest.mark.parametrize(
    ("days", "used", "expected"),
    [
        (29, False, []),
        (31, False, ["key_never_used info"]),
        (31, True, []),
        (90, True, []),
        (91, True, ["key_too_old warning"]),
    ],
)
def test_the_age_and_use_of_a_key(days: int, used: bool, expected: list[str]) -> None:
    account = Account(TenantRequest(SHOP))
    (key,) = account.iam.users[NAME].keys
    if used:
        account.iam.last_used[key] = account.clock()
    account.clock.advance(timedelta(days=days))
    assert account.rules() == expected


def test_no_key_two_keys_and_an_undelivered_one() -> None:
    account = Account(TenantRequest(SHOP))
    (key,) = account.iam.users[NAME].keys
    other = account.iam.add_key(NAME)
    assert len(account.rules()) == 1
    account.iam.users[NAME].keys.pop(key)
    account.destinations[SHOP.name].held = None
    assert account.rules() == ["undelivered_key warning"]
    account.iam.users[NAME].keys.pop(other)
    assert account.rules() == ["no_key warning"]


def test_what_the_destination_holds_is_no_key_of_the_tenant() -> None:
    account = Account(TenantRequest(SHOP))
    (key,) = account.iam.users[NAME].keys
    account.iam.users[NAME].keys[key] = replace(
        account.iam.users[NAME].keys[key], status=KeyStatus.INACTIVE
    )
    assert account.rules() == ["keys_in_disorder error"]


def test_a_suspended_tenant_is_in_order() -> None:
    account = Account(TenantRequest(SHOP))
    suspend.carry_out_all(account.runtime, suspend.prepare_suspend, [(SHOP, None)])
    assert account.rules() == []


def identity(name: str = "shop.example.com", **values: object) -> EmailIdentity:
    return replace(verified(name), **values)  # type: ignore[arg-type]


PENDING = EmailIdentity(
    SHOP.name,
    dkim=Dkim(Status.PENDING, True, ("k1", "k2", "k3"), "dkim.amazonses.com"),
    mail_from=MailFrom("mail.shop.example.com", Status.PENDING),
)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (identity(), []),
        (identity(dkim=Dkim()), ["no_dkim warning"]),
        (PENDING, ["not_verified warning"]),
        (identity(mail_from=MailFrom("m.shop.example.com", Status.SUCCESS)), []),
        (identity(mail_from=MailFrom("m.shop.example.com")), ["mail_from_pending info"]),
        (identity(configuration_set="metrics"), []),
    ],
)
def test_what_ses_says_of_the_identity(found: EmailIdentity, expected: list[str]) -> None:
    account = Account(TenantRequest(SHOP))
    account.ses.identities[REGION, SHOP.name] = found
    assert account.rules() == expected


def test_a_configuration_set_that_the_policy_does_not_allow() -> None:
    scoped = TenantRequest(SHOP, scope=Scope.IDENTITY, configuration_sets=("metrics",))
    account = Account(scoped)
    account.ses.identities[REGION, SHOP.name] = identity(configuration_set="metrics")
    assert account.rules() == []
    account.ses.identities[REGION, SHOP.name] = identity(configuration_set="ses-tenant-events")
    assert account.rules() == []
    account.ses.identities[REGION, SHOP.name] = identity(configuration_set="tracking")
    assert account.rules() == ["configuration_set error"]


def test_a_verified_domain_above_counts_but_not_for_the_scope_identity() -> None:
    account = Account(TenantRequest(SHOP))
    account.ses.identities[REGION, SHOP.name] = None
    assert account.rules() == []
    scoped = Account(TenantRequest(SHOP, scope=Scope.IDENTITY))
    scoped.ses.identities[REGION, SHOP.name] = None
    assert scoped.rules() == ["identity_scope warning"]


def test_a_domain_that_is_pending_comes_with_the_records_to_add() -> None:
    account = Account(TenantRequest(SHOP))
    account.ses.identities[REGION, SHOP.name] = PENDING
    (finding,) = account.findings()
    assert finding.principal == f"arn:aws:ses:{REGION}:123456789012:identity/shop.example.com"
    assert finding.remedy == f"ses-tenant identity check shop.example.com --region {REGION}"
    assert [(r.name, r.type.value) for r in finding.records] == [
        ("k1._domainkey.shop.example.com", "CNAME"),
        ("k2._domainkey.shop.example.com", "CNAME"),
        ("k3._domainkey.shop.example.com", "CNAME"),
        ("mail.shop.example.com", "MX"),
        ("mail.shop.example.com", "TXT"),
    ]


@pytest.mark.parametrize("above", [None, EmailIdentity("agency.example", Status.PENDING)])
def test_what_many_tenants_lack_is_one_finding(above: EmailIdentity | None) -> None:
    domains = [SendingDomain.parse(f"site{n}.agency.example") for n in range(35)]
    account = Account(*(TenantRequest(domain) for domain in domains))
    for domain in domains:
        account.ses.identities[REGION, domain.name] = None
    account.ses.identities[REGION, "agency.example"] = above
    gathering = Gathering()
    for checked in account.check(*domains):
        gathering.update(f for f in checked.findings if f.rule == "not_verified")
    (finding,) = gathering.findings()
    assert finding.severity is Severity.WARNING
    assert finding.domain_count == 35
    assert finding.principal == f"arn:aws:ses:{REGION}:123456789012:identity/agency.example"


def test_a_domain_that_ses_does_not_know_gets_the_command_that_makes_its_identity() -> None:
    account = Account(TenantRequest(SHOP))
    for name in ("shop.example.com", "example.com"):
        account.ses.identities[REGION, name] = None
    assert account.rules() == ["not_verified warning"]
    (finding,) = account.findings()
    assert finding.remedy == f"ses-tenant identity create shop.example.com --region {REGION}"
    assert finding.records == ()
    assert "ses:GetEmailIdentity" in account.ses.calls


@pytest.mark.parametrize(
    ("scope", "account", "expected"),
    [
        (Scope.ANY, SesAccount(production=False, sending=True), ["ses_sandbox warning"]),
        (Scope.ANY, SesAccount(production=True, sending=False), ["sending_paused error"]),
        (
            Scope.IDENTITY,
            SesAccount(production=False, sending=True),
            ["sandbox_scope warning", "ses_sandbox warning"],
        ),
    ],
)
def test_what_ses_says_of_the_account(
    scope: Scope, account: SesAccount, expected: list[str]
) -> None:
    there = Account(TenantRequest(SHOP, scope=scope))
    there.ses.accounts[REGION] = account
    assert there.rules() == expected


def test_each_region_is_looked_at() -> None:
    account = Account(TenantRequest(SHOP, regions=("eu-central-1", "us-east-1")))
    account.ses.identities["us-east-1", SHOP.name] = PENDING
    (finding,) = account.findings()
    assert "us-east-1" in finding.message
    account.ses.identities["eu-central-1", SHOP.name] = PENDING
    assert len({f.id for f in account.findings()}) == 2


def test_what_may_not_be_read_is_told_and_the_rest_is_checked() -> None:
    account = Account(TenantRequest(SHOP))
    denied = SesTenantError(ErrorCode.ACCESS_DENIED, "AWS denies it.")
    account.ses.accounts[REGION] = denied
    account.ses.identities[REGION, SHOP.name] = denied
    account.iam.users[NAME].policies["foreign"] = {"Statement": []}
    (checked,) = account.check()
    assert [f.rule for f in checked.findings] == ["attached"]
    assert [w.code for w in checked.warnings] == ["not_read", "not_read"]


def test_a_tenant_that_cannot_be_read_does_not_stop_the_others() -> None:
    account = Account()
    gone = SendingDomain.parse("gone.example.com")
    first, second = account.check(gone, SHOP)
    assert first.error is not None
    assert first.error.code is ErrorCode.NOT_FOUND
    assert second.error is None


def decides_as_documented(request: Request) -> bool:
    """Return what IAM decides about a tenant's own policy: the address as written, and no other."""
    return request.context.get("ses:fromaddress", [""])[0].endswith("@shop.example.com")


def test_live_agrees_where_nothing_else_is_in_the_way() -> None:
    account = Account(TenantRequest(SHOP))
    account.iam.simulator = decides_as_documented
    assert account.rules(live=True) == []
    assert account.iam.calls.count("iam:SimulatePrincipalPolicy") == 5


@pytest.mark.parametrize(("answer", "disagreements"), [(False, 1), (True, 4)])
def test_live_tells_where_aws_decides_otherwise(answer: bool, disagreements: int) -> None:
    account = Account(TenantRequest(SHOP))
    account.iam.simulator = lambda _request: answer
    assert account.rules(live=True) == ["simulator_disagrees error"] * disagreements


def test_live_without_the_permission_is_a_warning() -> None:
    account = Account(TenantRequest(SHOP))

    def refuse(_request: Request) -> bool:
        raise SesTenantError(ErrorCode.ACCESS_DENIED, "AWS denies iam:SimulatePrincipalPolicy.")

    account.iam.simulator = refuse
    (checked,) = account.check(live=True)
    assert checked.findings == ()
    assert [w.code for w in checked.warnings] == ["not_read"]


def test_a_repair_that_fails_stops_no_other() -> None:
    account = Account()
    for user in account.iam.users.values():
        user.policies["foreign"] = {"Statement": []}
    inspection = account.inspect()
    error = SesTenantError(ErrorCode.NETWORK, "no answer")
    account.iam.fail_at(1, "before", error)
    done = check.repair(account.runtime, inspection, check.CheckOptions(NINETY_DAYS))
    assert sorted(str(e) for e in done.repairs.values()) == ["None", str(error)]
    assert [f.rule for c in done.checked for f in c.findings] == ["attached"]
    assert [f.rule for f in account.findings()] == ["attached"]


@pytest.mark.parametrize("version", ["", "V2", "V3", "V4"])
def test_aws_quarantine_is_told_of_and_repair_leaves_it(version: str) -> None:
    account = Account()
    policy = f"AWSCompromisedKeyQuarantine{version}"
    arn = f"arn:aws:iam::aws:policy/{policy}"
    account.iam.attach(NAME, Attachments(managed_policies=(arn, MANAGED_POLICY)))
    account.iam.managed = {arn: DENY, MANAGED_POLICY: DENY}
    assert account.rules() == ["attached error", "key_quarantined error"]
    (told,) = [f for f in account.findings() if f.rule == "key_quarantined"]
    assert told.severity is Severity.ERROR
    assert told.remedy == "ses-tenant rotate-keys shop.example.com --compromised"
    assert f"has attached {policy}, because" in told.message
    detach = f"aws iam detach-user-policy --user-name {NAME} --policy-arn {arn}"
    assert told.message.endswith(detach)
    account.repair()
    assert account.iam.users[NAME].attachments.managed_policies == (arn,)
    assert account.rules() == ["key_quarantined error"]


def test_a_policy_of_that_name_that_is_not_aws_own_is_a_foreign_one() -> None:
    account = Account()
    arn = "arn:aws:iam::123456789012:policy/AWSCompromisedKeyQuarantineV3"
    account.iam.attach(NAME, Attachments(managed_policies=(arn,)))
    account.iam.managed = {arn: DENY}
    assert account.rules() == ["attached error"]


def test_an_identity_that_was_made_after_the_watch_was_set_up() -> None:
    account, ours = Account(), {"ses-tenant:domain": BLOG.name}
    account.ses.identities[REGION, SHOP.name] = identity(configuration_set="ses-tenant-events")
    blog = replace(identity(), name=BLOG.name, tags=ours)
    account.ses.identities[REGION, BLOG.name] = blog
    (finding,) = account.findings()
    assert (finding.rule, [d.domain for d in finding.domains]) == ("not_watched", [BLOG.name])
    assert finding.principal == f"arn:aws:ses:{REGION}:123456789012:identity/{BLOG.name}"
    assert finding.remedy == f"ses-tenant watch setup --region {REGION}"
    for left_alone in (replace(blog, tags={}), replace(blog, configuration_set="metrics")):
        account.ses.identities[REGION, BLOG.name] = left_alone
        assert account.rules() == []
    account.ses.identities[REGION, BLOG.name] = blog
    account.ses.identities[REGION, SHOP.name] = identity()  # where nobody is watched
    assert account.rules() == []
