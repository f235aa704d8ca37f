"""Plans: from each state of a tenant, and carried out on a small model of IAM."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.plans.create import plan_create as plan_create_for
from ses_tenant.core.plans.delete import plan_delete
from ses_tenant.core.plans.repair import drift
from ses_tenant.core.rotation.keys import Situation
from ses_tenant.core.tenant import steps
from ses_tenant.core.tenant.notes import Process
from ses_tenant.core.tenant.observed import AccessKey, Attachments, KeyStatus, Observed, User
from ses_tenant.core.tenant.spec import Interface, SendingOptions, TenantSpec
from tests.core.samples import (
    NOW,
    SHOP,
    access_key,
    domains,
    interfaces,
    regions,
    sending_options,
    steady,
    user,
)

NAME = "ses-shop.example.com"
PATH = "/ses-tenant/shop.example.com/"
BOUNDARY = "arn:aws:iam::123456789012:policy/limits"
SPEC = TenantSpec(SHOP, Interface.SMTP, ("eu-central-1",))
TAGS = {
    "ses-tenant:domain": "shop.example.com",
    "ses-tenant:interface": "smtp",
    "ses-tenant:regions": "eu-central-1",
    "ses-tenant:destination": "-",
    "ses-tenant:version": "1",
}
POLICY: dict[str, object] = json.loads("""
{"Version":"2012-10-17","Statement":[
 {"Sid":"SendAsOwnDomain","Effect":"Allow","Action":["ses:SendRawEmail"],"Resource":"*",
  "Condition":{"StringLike":{"ses:FromAddress":["*@shop.example.com"]},
               "StringLikeIfExists":{"ses:FeedbackAddress":["*@shop.example.com"]}}},
 {"Sid":"NothingElse","Effect":"Deny","Action":"*","Resource":"*",
  "Condition":{"StringNotLike":{"ses:FromAddress":["*@shop.example.com"]}}}]}
""")
GOOD = Observed(
    user=user(tags=TAGS),
    inline_policies=("ses-tenant-sending",),
    sending_policy=POLICY,
    access_keys=(access_key(1),),
)
PUT_POLICY = steps.PutUserPolicy(NAME, "ses-tenant-sending", POLICY)
NEW_KEY = steps.CreateAccessKey(NAME)
ME = Process("this-host", 4711)


def plan_create(spec: TenantSpec, observed: Observed | None) -> steps.Plan:
    """The plan where credentials are printed; printing itself is left out of it."""
    keys, suspended = (observed.access_keys, observed.suspended) if observed else ((), False)
    situation = Situation(keys, readable=False, held=None, suspended=suspended)
    plan = plan_create_for(spec, observed, situation, NOW, ME)
    printed = steps.Deliver(spec.user_name, "-")
    assert (printed in plan) == any(isinstance(step, steps.CreateAccessKey) for step in plan)
    return tuple(step for step in plan if step != printed)


def with_user(observed: Observed, **changes: object) -> Observed:
    return replace(observed, user=replace(observed.user, **changes))  # type: ignore[arg-type]


# --- create, from each state --------------------------------------------------------------------


def test_new_tenant_takes_three_writes() -> None:
    assert plan_create(SPEC, None) == (
        steps.CreateUser(NAME, PATH, TAGS, None),
        PUT_POLICY,
        NEW_KEY,
    )


def test_new_tenant_with_boundary_and_tags() -> None:
    spec = replace(SPEC, permissions_boundary=BOUNDARY, user_tags={"client": "Shop"})
    assert plan_create(spec, None)[0] == steps.CreateUser(
        NAME, PATH, {"client": "Shop", **TAGS}, BOUNDARY
    )


def test_policy_stands_before_the_key() -> None:
    for observed in (None, replace(GOOD, access_keys=(), sending_policy=None, inline_policies=())):
        plan = plan_create(SPEC, observed)
        assert plan.index(PUT_POLICY) < plan.index(NEW_KEY)
        assert plan[-1] == NEW_KEY


SUSPENDED = ("ses-tenant-sending", "ses-tenant-suspended")
STATES: dict[str, tuple[Observed, steps.Plan]] = {
    "as it should be": (GOOD, ()),
    "no policy": (replace(GOOD, inline_policies=(), sending_policy=None), (PUT_POLICY,)),
    "wrong policy": (replace(GOOD, sending_policy={"Version": "2012-10-17"}), (PUT_POLICY,)),
    "path has drifted": (
        with_user(GOOD, path="/ses-tenant/old.example.com/"),
        (steps.UpdateUser(NAME, PATH),),
    ),
    "one tag has drifted": (
        with_user(GOOD, tags={**TAGS, "ses-tenant:interface": "api"}),
        (steps.TagUser(NAME, {"ses-tenant:interface": "smtp"}),),
    ),
    "tags are missing": (
        with_user(GOOD, tags={"ses-tenant:domain": "shop.example.com"}),
        (
            steps.TagUser(
                NAME, {key: value for key, value in TAGS.items() if key != "ses-tenant:domain"}
            ),
        ),
    ),
    "foreign tags stay": (
        with_user(
            GOOD,
            tags={**TAGS, "client": "Shop", "ses-tenant:delivered": "x", "ses-tenant:sent": "y"},
        ),
        (),
    ),
    "stale tags of lists": (
        with_user(
            GOOD,
            tags={
                **TAGS,
                "ses-tenant:regions.2": "us-east-1",
                "ses-tenant:sending": "subdomains",
                "ses-tenant:sending.2": "x",
            },
        ),
        (
            steps.UntagUser(
                NAME, ("ses-tenant:regions.2", "ses-tenant:sending", "ses-tenant:sending.2")
            ),
        ),
    ),
    "foreign boundary stays": (with_user(GOOD, permissions_boundary=BOUNDARY), ()),
    "no key": (replace(GOOD, access_keys=()), (NEW_KEY,)),
    "inactive key": (replace(GOOD, access_keys=(access_key(1, KeyStatus.INACTIVE),)), ()),
    "two keys": (replace(GOOD, access_keys=(access_key(1), access_key(2))), ()),
    "suspended": (replace(GOOD, inline_policies=SUSPENDED), ()),
    "suspended, no key": (replace(GOOD, inline_policies=SUSPENDED, access_keys=()), ()),
    "suspended, no policy": (
        replace(GOOD, inline_policies=("ses-tenant-suspended",), sending_policy=None),
        (PUT_POLICY,),
    ),
    "everything": (
        Observed(user(path="/ses-tenant/x/"), (), None, ()),
        (
            steps.UpdateUser(NAME, PATH),
            steps.TagUser(
                NAME, {key: value for key, value in TAGS.items() if key != "ses-tenant:domain"}
            ),
            PUT_POLICY,
            NEW_KEY,
        ),
    ),
}


@pytest.mark.parametrize("state", STATES)
def test_plan_of_each_state(state: str) -> None:
    observed, plan = STATES[state]
    assert plan_create(SPEC, observed) == plan


@pytest.mark.parametrize("present", [None, "arn:aws:iam::123456789012:policy/other"])
def test_boundary_is_set_where_it_differs(present: str | None) -> None:
    spec = replace(SPEC, permissions_boundary=BOUNDARY)
    assert plan_create(spec, with_user(GOOD, permissions_boundary=present)) == (
        steps.PutUserPermissionsBoundary(NAME, BOUNDARY),
    )
    assert plan_create(spec, with_user(GOOD, permissions_boundary=BOUNDARY)) == ()


@pytest.mark.parametrize(
    "stranger", [user(path="/"), user(tags={}), user(tags={"ses-tenant:domain": "x.y"})]
)
def test_a_stranger_is_left_alone(stranger: User) -> None:
    with pytest.raises(SesTenantError) as caught:
        plan_create(SPEC, replace(GOOD, user=stranger))
    assert caught.value.code is ErrorCode.NOT_OURS


def test_more_tags_than_iam_allows() -> None:
    others = {f"other{n}": "x" for n in range(50 - len(TAGS))}
    assert plan_create(SPEC, with_user(GOOD, tags={**others, **TAGS})) == ()
    with pytest.raises(SesTenantError) as caught:
        plan_create(SPEC, with_user(GOOD, tags={**others, "one": "more", **TAGS}))
    assert caught.value.code is ErrorCode.QUOTA_EXCEEDED
    assert "more than 50 tags" in caught.value.message


# --- a model of IAM -----------------------------------------------------------------------------


@dataclass
class Iam:
    """One user, as far as the steps change it; what IAM would refuse is an error here."""

    user: User | None = None
    policies: dict[str, Mapping[str, object]] = field(default_factory=dict)
    keys: list[AccessKey] = field(default_factory=list)
    attachments: Attachments = field(default_factory=Attachments)
    virtual_devices: set[str] = field(default_factory=set)
    issued: int = 0

    @classmethod
    def holding(cls, observed: Observed | None) -> "Iam":
        if observed is None:
            return cls()
        policies = {name: {"Sid": name} for name in observed.inline_policies}
        iam = cls(observed.user, {**policies}, list(observed.access_keys))
        if observed.sending_policy is not None:
            iam.policies["ses-tenant-sending"] = observed.sending_policy
        iam.attachments = observed.attachments or Attachments()
        iam.virtual_devices = {s for s in iam.attachments.mfa_devices if ":mfa/" in s}
        return iam

    def observe(self) -> Observed | None:
        if self.user is None:
            return None
        return Observed(
            user=self.user,
            inline_policies=tuple(self.policies),
            sending_policy=self.policies.get("ses-tenant-sending"),
            access_keys=tuple(self.keys),
            attachments=self.attachments,
        )

    def apply(self, plan: Iterable[steps.Step]) -> None:
        for step in plan:
            self.apply_one(step)

    def apply_one(self, step: steps.Step) -> None:  # noqa: C901 - a case for each step
        if isinstance(step, steps.CreateUser):
            assert self.user is None, "EntityAlreadyExists"
            self.user = User(
                step.user_name,
                f"arn:aws:iam::123456789012:user{step.path}{step.user_name}",
                step.path,
                NOW,
                dict(step.tags),
                step.permissions_boundary,
            )
            return
        if isinstance(step, steps.DeleteVirtualMFADevice):
            assert step.serial_number not in self.attachments.mfa_devices, "DeleteConflict"
            self.virtual_devices.remove(step.serial_number)
            return
        assert self.user is not None, "NoSuchEntity"
        assert step.user_name == self.user.user_name, "NoSuchEntity"
        tags = dict(self.user.tags)
        match step:
            case steps.UpdateUser(new_path=path):
                self.user = replace(self.user, path=path)
            case steps.PutUserPermissionsBoundary(permissions_boundary=arn):
                self.user = replace(self.user, permissions_boundary=arn)
            case steps.TagUser():
                tags |= step.tags
                assert len(tags) <= 50, "LimitExceeded"
                self.user = replace(self.user, tags=tags)
            case steps.UntagUser():
                self.user = replace(
                    self.user, tags={k: v for k, v in tags.items() if k not in step.keys}
                )
            case steps.PutUserPolicy():
                self.policies[step.policy_name] = step.document
            case steps.CreateAccessKey():
                assert len(self.keys) < 2, "LimitExceeded"
                self.issued += 1
                self.keys.append(access_key(100 + self.issued))
            case steps.DeleteAccessKey(access_key_id=key_id):
                assert key_id in [key.access_key_id for key in self.keys], "NoSuchEntity"
                self.keys = [key for key in self.keys if key.access_key_id != key_id]
            case steps.DeleteUserPolicy(policy_name=name):
                del self.policies[name]
            case steps.DeleteUser():
                assert self.policies == {}, "DeleteConflict"
                assert self.keys == [], "DeleteConflict"
                assert self.attachments == Attachments(), "DeleteConflict"
                self.user = None
            case _:
                self.detach(step)

    def detach(self, step: steps.Step) -> None:
        held = self.attachments
        match step:
            case steps.DetachUserPolicy(policy_arn=arn):
                held = replace(held, managed_policies=without(held.managed_policies, arn))
            case steps.RemoveUserFromGroup(group_name=group):
                held = replace(held, groups=without(held.groups, group))
            case steps.DeleteLoginProfile():
                assert held.login_profile, "NoSuchEntity"
                held = replace(held, login_profile=False)
            case steps.DeactivateMFADevice(serial_number=serial):
                held = replace(held, mfa_devices=without(held.mfa_devices, serial))
            case steps.DeleteSSHPublicKey(ssh_key_id=key_id):
                held = replace(held, ssh_keys=without(held.ssh_keys, key_id))
            case steps.DeleteSigningCertificate(certificate_id=certificate):
                held = replace(held, certificates=without(held.certificates, certificate))
            case steps.DeleteServiceSpecificCredential(credential_id=credential):
                held = replace(
                    held, service_credentials=without(held.service_credentials, credential)
                )
            case _:
                raise NotImplementedError(step)
        self.attachments = held


def without(items: tuple[str, ...], gone: str) -> tuple[str, ...]:
    assert gone in items, "NoSuchEntity"
    return tuple(item for item in items if item != gone)


words = st.text("abcXYZ019_-", min_size=1, max_size=6)


def names(prefix: str = "") -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(words.map(lambda w: prefix + w), max_size=3, unique=True).map(tuple)


attachments = st.builds(
    Attachments,
    managed_policies=names("arn:aws:iam::aws:policy/"),
    groups=names(),
    login_profile=st.booleans(),
    mfa_devices=st.one_of(names("arn:aws:iam::123456789012:mfa/"), names("GAHT")),
    ssh_keys=names("APKA"),
    certificates=names(),
    service_credentials=names("ACCA"),
)
specs = st.builds(
    TenantSpec,
    domains(),
    interfaces(),
    regions(),
    sending_options(),
    permissions_boundary=st.sampled_from((None, BOUNDARY)),
    user_tags=st.dictionaries(words, words, max_size=3),
)
our_tags = st.sampled_from(
    (
        "ses-tenant:interface",
        "ses-tenant:regions",
        "ses-tenant:regions.2",
        "ses-tenant:sending",
        "ses-tenant:sending.2",
        "ses-tenant:sending.3",
        "ses-tenant:destination",
        "ses-tenant:delivered",
        "ses-tenant:version",
    )
)
statuses = st.sampled_from(KeyStatus)


@st.composite
def situations(draw: st.DrawFn) -> tuple[TenantSpec, Observed | None]:
    """What is wanted, and any state that our own path and tag can be found in."""
    spec = draw(specs)
    if draw(st.integers(0, 9)) == 0:
        return spec, None
    exact = f"/ses-tenant/{spec.domain}/"
    tags = draw(st.dictionaries(our_tags | words, words, max_size=8))
    if draw(st.booleans()):
        tags |= spec.tags
    policies = draw(names())
    if draw(st.booleans()):
        policies += ("ses-tenant-suspended",)
    sending_policy: Mapping[str, object] | None = None
    if draw(st.booleans()):
        policies += ("ses-tenant-sending",)
        sending_policy = POLICY if draw(st.booleans()) else {"Version": "2012-10-17"}
    observed = Observed(
        user=User(
            user_name=spec.user_name,
            user_arn="arn:aws:iam::123456789012:user/x",
            path=draw(st.sampled_from((exact, "/ses-tenant/", "/ses-tenant/old.example.com/"))),
            created_at=NOW,
            tags={**tags, "ses-tenant:domain": spec.domain.name},
            permissions_boundary=draw(st.sampled_from((None, BOUNDARY, BOUNDARY + "2"))),
        ),
        inline_policies=policies,
        sending_policy=sending_policy,
        access_keys=tuple(
            access_key(n, status) for n, status in enumerate(draw(st.lists(statuses, max_size=2)))
        ),
        attachments=draw(attachments),
    )
    return spec, observed


# --- properties ---------------------------------------------------------------------------------


@steady
@given(situations())
def test_create_settles_and_leaves_no_drift(situation: tuple[TenantSpec, Observed | None]) -> None:
    spec, observed = situation
    iam = Iam.holding(observed)
    iam.apply(plan_create(spec, observed))
    after = iam.observe()
    assert after is not None
    assert plan_create(spec, after) == ()
    assert after.user.path == f"/ses-tenant/{spec.domain}/"
    assert after.user.tags.items() >= spec.tags.items()
    assert after.sending_policy is not None
    assert after.access_keys or after.suspended
    bare = replace(after, inline_policies=("ses-tenant-sending",), attachments=None)
    assert drift(spec, bare) == ()
    if observed is not None:
        assert after.attachments == observed.attachments
        assert set(after.inline_policies) >= set(observed.inline_policies)
        assert after.suspended == observed.suspended


@steady
@given(situations(), st.integers(0, 6))
def test_create_run_again_finishes_what_a_crashed_run_began(
    situation: tuple[TenantSpec, Observed | None], done: int
) -> None:
    spec, observed = situation
    plan = plan_create(spec, observed)
    crashed, whole = Iam.holding(observed), Iam.holding(observed)
    crashed.apply(plan[:done])
    crashed.apply(plan_create(spec, crashed.observe()))
    whole.apply(plan)
    assert crashed == whole


@steady
@given(situations())
def test_create_never_touches_a_key_and_destroys_nothing(
    situation: tuple[TenantSpec, Observed | None],
) -> None:
    spec, observed = situation
    plan = plan_create(spec, observed)
    assert not any(s.destructive for s in plan if not isinstance(s, steps.PutUserPolicy))
    issued = [step for step in plan if isinstance(step, steps.CreateAccessKey)]
    has_none = observed is None or (not observed.access_keys and not observed.suspended)
    assert len(issued) == has_none
    assert issued == list(plan[-1:]) or not issued


long_options = st.builds(
    SendingOptions,
    also=st.lists(domains(), max_size=8, unique=True).map(tuple),
    subdomains=st.booleans(),
)
MANY = SendingOptions(also=tuple(SendingDomain(f"{'a' * 40}{n}.example") for n in range(6)))
FEW = SendingOptions(also=(SendingDomain("b.example"),))


def remembered_after_each_step(old: SendingOptions, new: SendingOptions) -> list[object]:
    iam = Iam()
    iam.apply(plan_create(replace(SPEC, sending=old), None))
    found: list[object] = []
    for step in plan_create(replace(SPEC, sending=new), iam.observe()):
        iam.apply_one(step)
        assert iam.user is not None
        try:
            found.append(SendingOptions.from_tags(iam.user.tags))
        except SesTenantError as error:
            found.append(error)
    return found


@steady
@given(long_options)
def test_crash_while_options_grow_leaves_old_or_new_options(new: SendingOptions) -> None:
    for found in remembered_after_each_step(SendingOptions(), new):
        assert found in (SendingOptions(), new)


def test_crash_while_options_shrink_leaves_old_or_new_options() -> None:
    for found in remembered_after_each_step(MANY, FEW):
        assert found in (MANY, FEW)


# --- delete -------------------------------------------------------------------------------------

FULL = replace(
    GOOD,
    inline_policies=("zz-foreign", "ses-tenant-sending", "ses-tenant-suspended", "a-foreign"),
    access_keys=(access_key(1), access_key(2, KeyStatus.INACTIVE)),
    attachments=Attachments(
        managed_policies=("arn:aws:iam::aws:policy/AmazonSESFullAccess",),
        groups=("AWSSESSendingGroupDoNotRename",),
        login_profile=True,
        mfa_devices=("arn:aws:iam::123456789012:mfa/phone", "GAHT12345678"),
        ssh_keys=("APKAEXAMPLE",),
        certificates=("CERTEXAMPLE",),
        service_credentials=("ACCAEXAMPLE",),
    ),
)


def test_delete_of_a_plain_tenant() -> None:
    assert plan_delete(GOOD) == (
        steps.DeleteAccessKey(NAME, "AKIAEXAMPLE000000001"),
        steps.DeleteUserPolicy(NAME, "ses-tenant-sending"),
        steps.DeleteUser(NAME),
    )


def test_delete_of_everything_that_iam_can_hang_on_a_user() -> None:
    assert plan_delete(FULL) == (
        steps.DeleteAccessKey(NAME, "AKIAEXAMPLE000000001"),
        steps.DeleteAccessKey(NAME, "AKIAEXAMPLE000000002"),
        steps.DeleteLoginProfile(NAME),
        steps.DeleteServiceSpecificCredential(NAME, "ACCAEXAMPLE"),
        steps.DeleteSSHPublicKey(NAME, "APKAEXAMPLE"),
        steps.DeleteSigningCertificate(NAME, "CERTEXAMPLE"),
        steps.DeactivateMFADevice(NAME, "arn:aws:iam::123456789012:mfa/phone"),
        steps.DeleteVirtualMFADevice(NAME, "arn:aws:iam::123456789012:mfa/phone"),
        steps.DeactivateMFADevice(NAME, "GAHT12345678"),
        steps.RemoveUserFromGroup(NAME, "AWSSESSendingGroupDoNotRename"),
        steps.DetachUserPolicy(NAME, "arn:aws:iam::aws:policy/AmazonSESFullAccess"),
        steps.DeleteUserPolicy(NAME, "a-foreign"),
        steps.DeleteUserPolicy(NAME, "ses-tenant-suspended"),
        steps.DeleteUserPolicy(NAME, "zz-foreign"),
        steps.DeleteUserPolicy(NAME, "ses-tenant-sending"),
        steps.DeleteUser(NAME),
    )


@steady
@given(situations())
def test_delete_leaves_nothing(situation: tuple[TenantSpec, Observed | None]) -> None:
    _, observed = situation
    if observed is None:
        return
    iam = Iam.holding(observed)
    plan = plan_delete(observed)
    iam.apply(plan)
    assert iam == Iam()
    lifted = steps.DeleteUserPolicy(observed.user.user_name, "ses-tenant-suspended")
    assert all(step.destructive for step in plan if step != lifted)
    keys = len(observed.access_keys)
    assert all(isinstance(step, steps.DeleteAccessKey) for step in plan[:keys])
    assert isinstance(plan[-1], steps.DeleteUser)
    if observed.sending_policy is not None:
        assert plan[-2] == steps.DeleteUserPolicy(observed.user.user_name, "ses-tenant-sending")


@steady
@given(situations(), st.integers(0, 20))
def test_delete_run_again_finishes_what_a_crashed_run_began(
    situation: tuple[TenantSpec, Observed | None], done: int
) -> None:
    _, observed = situation
    if observed is None:
        return
    iam = Iam.holding(observed)
    plan = plan_delete(observed)
    iam.apply(plan[: min(done, len(plan) - 1)])
    left = iam.observe()
    assert left is not None
    iam.apply(plan_delete(left))
    assert (iam.user, iam.keys, iam.policies) == (None, [], {})


# --- drift --------------------------------------------------------------------------------------


def test_no_drift() -> None:
    assert drift(SPEC, GOOD) == ()
    assert drift(SPEC, replace(GOOD, inline_policies=SUSPENDED)) == ()
    assert drift(SPEC, replace(GOOD, access_keys=())) == ()


@pytest.mark.parametrize(
    ("observed", "lines"),
    [
        (
            replace(GOOD, inline_policies=(), sending_policy=None),
            ["the inline policy ses-tenant-sending is missing"],
        ),
        (
            replace(GOOD, sending_policy={}),
            ["the inline policy ses-tenant-sending is not as ses-tenant writes it"],
        ),
        (
            with_user(GOOD, path="/ses-tenant/x/"),
            [f"would move the IAM user {NAME} to {PATH}"],
        ),
        (
            with_user(
                GOOD, tags={"ses-tenant:domain": "shop.example.com", "ses-tenant:sending": "x"}
            ),
            [
                "would set the tags "
                + ", ".join(
                    f"ses-tenant:{x}" for x in ("destination", "interface", "regions", "version")
                ),
                "would remove the tags ses-tenant:sending",
            ],
        ),
        (
            FULL,
            [
                "foreign inline policy zz-foreign",
                "foreign inline policy a-foreign",
                "attached managed policy arn:aws:iam::aws:policy/AmazonSESFullAccess",
                "member of the group AWSSESSendingGroupDoNotRename",
                "has a console password",
                "MFA device arn:aws:iam::123456789012:mfa/phone",
                "MFA device GAHT12345678",
                "SSH public key APKAEXAMPLE",
                "signing certificate CERTEXAMPLE",
                "service-specific credential ACCAEXAMPLE",
            ],
        ),
    ],
    ids=["no policy", "wrong policy", "path", "tags", "attachments"],
)
def test_drift_lines(observed: Observed, lines: list[str]) -> None:
    assert list(drift(SPEC, observed)) == lines


# --- steps --------------------------------------------------------------------------------------

EVERY_STEP: list[tuple[steps.Step, str, str, bool]] = [
    (
        steps.Deliver(NAME, "file:/srv/.env"),
        "file:Put",
        "deliver the credentials to file:/srv/.env",
        False,
    ),
    (
        steps.Deliver(NAME, "secretsmanager:mail/shop", "PutSecretValue"),
        "secretsmanager:PutSecretValue",
        "deliver the credentials to secretsmanager:mail/shop",
        False,
    ),
    (
        steps.MarkDelivered(NAME),
        "iam:TagUser",
        "note the delivery in the tag ses-tenant:delivered",
        False,
    ),
    (
        steps.DeleteAccessKey(NAME, "AKIAEXAMPLE000000001", undelivered=True),
        "iam:DeleteAccessKey",
        "delete the access key AKIAEXAMPLE000000001",
        False,
    ),
    (
        steps.DeleteUserPolicy(NAME, "ses-tenant-suspended"),
        "iam:DeleteUserPolicy",
        "delete the inline policy ses-tenant-suspended",
        False,
    ),
    (
        steps.CreateUser(NAME, PATH, TAGS),
        "iam:CreateUser",
        f"create the IAM user {NAME} under {PATH}",
        False,
    ),
    (steps.UpdateUser(NAME, PATH), "iam:UpdateUser", f"move the IAM user {NAME} to {PATH}", False),
    (
        steps.PutUserPermissionsBoundary(NAME, BOUNDARY),
        "iam:PutUserPermissionsBoundary",
        f"set the permissions boundary {BOUNDARY}",
        False,
    ),
    (steps.TagUser(NAME, {"b": "{x}", "a": ""}), "iam:TagUser", "set the tags a, b", False),
    (steps.UntagUser(NAME, ("b", "a")), "iam:UntagUser", "remove the tags b, a", False),
    (
        PUT_POLICY,
        "iam:PutUserPolicy",
        "attach the inline policy ses-tenant-sending",
        False,
    ),
    (NEW_KEY, "iam:CreateAccessKey", f"issue an access key for {NAME}", False),
    (
        steps.UpdateAccessKey(NAME, "AKIAX", KeyStatus.INACTIVE),
        "iam:UpdateAccessKey",
        "make the access key AKIAX Inactive",
        False,
    ),
    (
        steps.DeleteAccessKey(NAME, "AKIAX"),
        "iam:DeleteAccessKey",
        "delete the access key AKIAX",
        True,
    ),
    (
        steps.DeleteUserPolicy(NAME, "p"),
        "iam:DeleteUserPolicy",
        "delete the inline policy p",
        True,
    ),
    (
        steps.DetachUserPolicy(NAME, "arn"),
        "iam:DetachUserPolicy",
        "detach the managed policy arn",
        True,
    ),
    (
        steps.RemoveUserFromGroup(NAME, "g"),
        "iam:RemoveUserFromGroup",
        "remove the user from the group g",
        True,
    ),
    (
        steps.DeleteLoginProfile(NAME),
        "iam:DeleteLoginProfile",
        "delete the console password",
        True,
    ),
    (
        steps.DeactivateMFADevice(NAME, "s"),
        "iam:DeactivateMFADevice",
        "deactivate the MFA device s",
        True,
    ),
    (
        steps.DeleteVirtualMFADevice(NAME, "s"),
        "iam:DeleteVirtualMFADevice",
        "delete the virtual MFA device s",
        True,
    ),
    (
        steps.DeleteSSHPublicKey(NAME, "k"),
        "iam:DeleteSSHPublicKey",
        "delete the SSH public key k",
        True,
    ),
    (
        steps.DeleteSigningCertificate(NAME, "c"),
        "iam:DeleteSigningCertificate",
        "delete the signing certificate c",
        True,
    ),
    (
        steps.DeleteServiceSpecificCredential(NAME, "c"),
        "iam:DeleteServiceSpecificCredential",
        "delete the service-specific credential c",
        True,
    ),
    (steps.DeleteUser(NAME), "iam:DeleteUser", f"delete the IAM user {NAME}", True),
]


@pytest.mark.parametrize(
    ("step", "action", "summary", "destructive"), EVERY_STEP, ids=[row[1] for row in EVERY_STEP]
)
def test_step(step: steps.Step, action: str, summary: str, destructive: bool) -> None:
    assert step.action == action
    assert step.summary == summary
    assert step.destructive is destructive
    assert "\n" not in step.summary


def test_every_step_is_in_the_table() -> None:
    kinds = {
        value
        for value in vars(steps).values()
        if isinstance(value, type) and issubclass(value, steps._Step) and value is not steps._Step
    }
    assert {type(row[0]) for row in EVERY_STEP} == kinds
    assert set(cast("tuple[type, ...]", steps.Step.__args__)) == kinds
