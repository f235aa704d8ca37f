"""Each open point as a question to an account: what is sent, and how the answer is read.

A question makes its own user, first sends what has to pass until that passes, so that what is
refused afterwards is not refused because AWS has not heard of the key yet.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from ses_tenant.sandbox.model import ABSENT, BOTH, ENVELOPE, HEADER

from .account import NOBODY, LiveAccount, Login, Said

UNDECIDED = "undecided"
NOT_ASKED = "not asked"
TEMPLATE = {"Subject": "ses-tenant live", "Text": "A question."}


@dataclass(frozen=True)
class Answered:
    """An answer, one of a point's or `undecided`, and what AWS said, step by step."""

    answer: str
    evidence: Mapping[str, str] = field(default_factory=dict)


def statement(actions: str | list[str], **more: object) -> dict[str, object]:
    """Return a statement that allows actions, on everything unless a Resource is given."""
    return {"Effect": "Allow", "Action": actions, "Resource": "*"} | more


def own(domain: str, actions: str | list[str] = "ses:SendRawEmail") -> dict[str, object]:
    """Return a statement that allows sending as a domain."""
    return statement(actions, Condition={"StringLike": {"ses:FromAddress": f"*@{domain}"}})


def ready(account: LiveAccount, login: Login, sender: str) -> dict[str, str]:
    """Send until a mail passes that has to; return that as evidence."""
    said = account.settled(lambda: account.smtp(login, sender))
    if not said.ok:
        raise AssertionError(f"a mail that has to pass did not: {said.text}")
    return {"control": said.text}


def smtp_from(account: LiveAccount) -> Answered:
    """Send with the foreign domain in the header alone, and in the envelope alone."""
    login = account.user(own(account.first))
    mine, other = f"info@{account.first}", f"info@{account.second}"
    seen = ready(account, login, mine)
    header = account.smtp(login, mine, other)
    envelope = account.smtp(login, other, mine)
    answers = {(False, False): BOTH, (False, True): HEADER, (True, False): ENVELOPE}
    return Answered(
        answers.get((header.ok, envelope.ok), UNDECIDED),
        {**seen, "foreign header": header.text, "foreign envelope": envelope.text},
    )


def smtp_feedback(account: LiveAccount) -> Answered:
    """Ask for a Return-Path without IfExists: that fails where there is none."""
    sends = own(account.first)
    login = account.user(sends)
    mine = f"info@{account.first}"
    seen = ready(account, login, mine)
    # The Deny names a request without the key, so it is told apart from a policy not yet heard of.
    refused = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    account.permit(
        login.name, sends, {**refused, "Condition": {"Null": {"ses:FeedbackAddress": "false"}}}
    )
    said = changed(account, login, mine, wanted=False)
    return Answered(
        ABSENT if said.ok else ENVELOPE, {**seen, "with a Deny where it is present": said.text}
    )


def changed(account: LiveAccount, login: Login, sender: str, *, wanted: bool) -> Said:
    """Send until the answer is as wanted, for as long as a policy may take to be heard of."""

    def attempt() -> Said:
        said = account.smtp(login, sender)
        return Said(ok=said.ok is wanted, text=said.text)

    said = account.settled(attempt)
    return Said(ok=said.ok is wanted, text=said.text)


def several_from(account: LiveAccount) -> Answered:
    """Send with two addresses in From, in either order."""
    login = account.user(own(account.first))
    mine, other = f"info@{account.first}", f"info@{account.second}"
    seen = ready(account, login, mine)
    same = account.smtp(login, mine, f"{mine}, sales@{account.first}")
    behind = account.smtp(login, mine, f"{mine}, {other}")
    before = account.smtp(login, mine, f"{other}, {mine}")
    answers = {
        (True, False, False): "all", (True, True, False): "first", (False, False, False): "refused",
    }  # fmt: skip
    return Answered(
        answers.get((same.ok, behind.ok, before.ok), UNDECIDED),
        {
            **seen,
            "both own": same.text,
            "foreign second": behind.text,
            "foreign first": before.text,
        },
    )


def sender_header(account: LiveAccount) -> Answered:
    """Send with a foreign Sender header."""
    login = account.user(own(account.first))
    mine = f"info@{account.first}"
    seen = ready(account, login, mine)
    said = account.smtp(login, mine, extra=f"Sender: info@{account.second}\r\n")
    return Answered("ignored" if said.ok else "judged", {**seen, "foreign Sender": said.text})


def from_case(account: LiveAccount) -> Answered:
    """Send from the own domain in capitals, in header and envelope."""
    login = account.user(own(account.first))
    seen = ready(account, login, f"info@{account.first}")
    said = account.smtp(login, f"info@{account.first.upper()}")
    return Answered("lowered" if said.ok else "kept", {**seen, "capitals": said.text})


def subdomain_identity(account: LiveAccount) -> Answered:
    """Allow a Resource that nothing has, and read in the refusal what SES wanted."""
    sub = f"live-{account.run}.{account.first}"
    sends = own(account.first)
    login = account.user(sends)
    seen = ready(account, login, f"info@{account.first}")
    account.permit(login.name, sends, statement("ses:SendRawEmail", Resource=_arn(account, "none")))
    said = account.smtp(login, f"info@{sub}")
    _, _, name = said.text.partition(":identity/")
    names = {f"info@{sub}": "address", sub: "subdomain", account.first: "parent"}
    return Answered(names.get(name.strip(" '`\"."), UNDECIDED), {**seen, "refusal": said.text})


def _arn(account: LiveAccount, name: str) -> str:
    partition = account.client("sts").get_caller_identity()["Arn"].split(":")[1]
    return f"arn:{partition}:ses:{account.region}:*:identity/{name}"


def unverified_child(account: LiveAccount) -> Answered:
    """Make an identity below a verified domain, verify it not, and send as it."""
    child = f"unverified.live-{account.run}.{account.first}"
    login = account.user(own(f"live-{account.run}.{account.first}"), own(child))
    seen = ready(account, login, f"info@live-{account.run}.{account.first}")
    account.identity(child)
    try:
        said = account.smtp(login, f"info@{child}")
    finally:
        account.client("sesv2").delete_email_identity(EmailIdentity=child)
    answer = "parent_serves" if said.ok else "child_blocks"
    return Answered(answer, {**seen, "below an unverified identity": said.text})


def template_v2(account: LiveAccount) -> Answered:
    """Send with a template by API v2 as users who may do one of two actions, and both."""

    def send(login: Login) -> Said:
        return account.api(
            login, "send_email", FromEmailAddress=f"info@{account.first}",
            Destination={"ToAddresses": [NOBODY]},
            Content={"Template": {"TemplateContent": TEMPLATE, "TemplateData": "{}"}},
        )  # fmt: skip

    return which_of(account, ("SendEmail", "SendTemplatedEmail"), send)


def bulk_v2(account: LiveAccount) -> Answered:
    """Send in bulk by API v2 as users who may do one of two actions, and both."""

    def send(login: Login) -> Said:
        return account.api(
            login, "send_bulk_email", FromEmailAddress=f"info@{account.first}",
            DefaultContent={"Template": {"TemplateContent": TEMPLATE, "TemplateData": "{}"}},
            BulkEmailEntries=[{"Destination": {"ToAddresses": [NOBODY]}}],
        )  # fmt: skip

    return which_of(account, ("SendBulkEmail", "SendBulkTemplatedEmail"), send)


def which_of(
    account: LiveAccount, names: tuple[str, str], send: Callable[[Login], Said]
) -> Answered:
    """Tell which of two actions a call needs."""
    both = account.user(statement([f"ses:{name}" for name in names]))
    alone = {name: account.user(statement(f"ses:{name}")) for name in names}
    seen = {"both": account.settled(lambda: send(both)).text}
    # Those users are as old as the one that passes, so their keys are known by now.
    said = {name: send(login) for name, login in alone.items()}
    seen |= {name: answer.text for name, answer in said.items()}
    passed = [name for name in names if said[name].ok]
    if seen["both"] != "Ok" or len(passed) > 1:
        return Answered(UNDECIDED, seen)
    return Answered(passed[0] if passed else BOTH, seen)


def smtp_last_used(account: LiveAccount) -> Answered:
    """Send, and look for up to twenty minutes whether IAM tells of it."""
    login = account.user(own(account.first))
    seen = ready(account, login, f"info@{account.first}")
    iam = account.client("iam")
    until = account.clock() + 1200
    while True:
        used = iam.get_access_key_last_used(AccessKeyId=login.access_key_id)["AccessKeyLastUsed"]
        if "LastUsedDate" in used or account.clock() > until:
            break
        account.sleep(20)
    name = used["ServiceName"] if "LastUsedDate" in used else ABSENT
    answer = name if name in ("ses", "ses-smtp", ABSENT) else UNDECIDED
    return Answered(answer, {**seen, "service": name})


def default_key_length(account: LiveAccount) -> Answered:
    """Make an identity without attributes and read the length of its keys."""
    name = f"live-{account.run}.{account.first}"
    account.identity(name)
    ses = account.client("sesv2")
    try:
        dkim = ses.get_email_identity(EmailIdentity=name)["DkimAttributes"]
    finally:
        ses.delete_email_identity(EmailIdentity=name)
    length = dkim.get("CurrentSigningKeyLength") or dkim.get("NextSigningKeyLength", UNDECIDED)
    return Answered(length, {"DkimAttributes": str(dkim)})


def replica_zone(account: LiveAccount) -> Answered:
    """Replicate an identity to another Region, and compare where its keys are said to be."""
    name = f"live-{account.run}.{account.first}"
    other = "ap-northeast-3"  # whose keys have a zone of their own, and which nobody has to enable
    here, there = account.client("sesv2"), account.client("sesv2", region=other)
    tag = [{"Key": "ses-tenant-live", "Value": account.run}]
    account.identity(name)
    try:
        origin = f"AWS_SES_{account.region.upper().replace('-', '_')}"
        there.create_email_identity(
            EmailIdentity=name, Tags=tag,
            DkimSigningAttributes={"DomainSigningAttributesOrigin": origin},
        )  # fmt: skip
        zones = [
            ses.get_email_identity(EmailIdentity=name)["DkimAttributes"].get("SigningHostedZone")
            for ses in (here, there)
        ]
        there.delete_email_identity(EmailIdentity=name)
    finally:
        here.delete_email_identity(EmailIdentity=name)
    evidence = {account.region: str(zones[0]), other: str(zones[1])}
    if None in zones:
        return Answered(UNDECIDED, evidence)
    return Answered("primary" if zones[0] == zones[1] else "replica", evidence)


def mail_from_taken(account: LiveAccount) -> Answered:
    """Give an identity a MAIL FROM domain that is an identity, too."""
    name = f"live-{account.run}.{account.first}"
    taken = f"live-mail.{name}"
    account.identity(name)
    account.identity(taken)
    ses = account.client("sesv2")
    try:
        ses.put_email_identity_mail_from_attributes(EmailIdentity=name, MailFromDomain=taken)
        answered = Answered("accepted", {"answer": "Ok"})
    except ClientError as error:
        answered = Answered("refused", {"answer": str(error)})
    finally:
        for identity in (name, taken):
            ses.delete_email_identity(EmailIdentity=identity)
    return answered


QUESTIONS: Mapping[str, Callable[[LiveAccount], Answered]] = {
    question.__name__: question
    for question in (
        smtp_from, smtp_feedback, several_from, sender_header, from_case, subdomain_identity,
        unverified_child, template_v2, bulk_v2, smtp_last_used, default_key_length, replica_zone,
        mail_from_taken,
    )
}  # fmt: skip
