"""The DMARC policy that receivers find for a domain, and what it means for mail sent by SES.

RFC 9989: a receiver asks at the domain itself, then walks up the tree, at most eight questions; the
public suffix list plays no part.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.identity.answers import Answers, answer_to
from ses_tenant.core.identity.records import DnsRecord, txt_text, txt_value
from ses_tenant.core.identity.verdicts import Judged, Verdict

# RFC 9989 §4.10: a longer name is cut to its last seven labels after the first question.
_MAX_QUESTIONS = 8
_TAG = re.compile(r"\s*([A-Za-z]+)\s*=\s*([^;]*?)\s*")
_POLICIES = ("none", "quarantine", "reject")


@dataclass(frozen=True)
class DmarcPolicy:
    """A policy: where it stands, its text, and its tags in lower case."""

    domain: str
    text: str
    tags: Mapping[str, str]

    @property
    def strict_dkim(self) -> bool:
        """Tell whether the signature has to be of exactly the From domain."""
        return self.tags.get("adkim", "r").lower() == "s"

    @property
    def strict_spf(self) -> bool:
        """Tell whether the MAIL FROM domain has to be exactly the From domain."""
        return self.tags.get("aspf", "r").lower() == "s"


def walk(domain: str) -> tuple[str, ...]:
    """Return the domains at which receivers look for a policy, in their order."""
    labels = domain.split(".")
    above = labels[1:] if len(labels) < _MAX_QUESTIONS else labels[-(_MAX_QUESTIONS - 1) :]
    parents = [".".join(above[start:]) for start in range(len(above))]
    return (domain, *parents)


def questions(domain: str) -> tuple[tuple[str, str], ...]:
    """Return what has to be asked to know the policy."""
    return tuple((f"_dmarc.{name}", "TXT") for name in walk(domain))


def policies_at(domain: str, answers: Answers) -> tuple[DmarcPolicy, ...]:
    """Return the DMARC records at a domain: one, if all is well."""
    found = (txt_text(value) for value in answer_to(answers, f"_dmarc.{domain}", "TXT").values)
    return tuple(
        DmarcPolicy(domain, text, tags)
        for text in found
        if (tags := _tags(text)).get("v") == "DMARC1" and re.match(r"\s*v\s*=\s*DMARC1", text)
    )


def policy_for(domain: str, answers: Answers) -> DmarcPolicy | None:
    """Return the policy that applies to mail from a domain, None if there is none.

    Its own, else that of the organizational domain: the walk stops at a record with `psd=n`, or
    below one with `psd=y`; otherwise the record nearest to the root counts. Two records at a name
    count as none there.
    """
    singles = {
        name: found[0] for name in walk(domain) if len(found := policies_at(name, answers)) == 1
    }
    if domain in singles:
        return singles[domain]
    chosen = None
    for name in walk(domain)[1:]:
        policy = singles.get(name)
        if policy is None:
            continue
        psd = policy.tags.get("psd", "u").lower()
        if psd == "y":
            return chosen or policy
        chosen = policy
        if psd == "n":
            break
    return chosen


def judge_dmarc(record: DnsRecord, domain: str, identity: str, answers: Answers) -> Judged:
    """Return the verdict on the domain's DMARC policy, wherever it stands.

    `identity` is the name whose key signs its mail: the domain, or one above it. What stands at a
    public suffix says nothing of the domain's owner, so it need not be known.
    """
    organization = SendingDomain(domain).registrable
    failed = [
        answer.detail
        for name in walk(domain)
        if f".{name}".endswith(f".{organization}")
        and (answer := answer_to(answers, f"_dmarc.{name}", "TXT")).failed
    ]
    doubled = [name for name in walk(domain) if len(policies_at(name, answers)) > 1]
    policy = policy_for(domain, answers)
    if doubled and (policy is None or policy.domain != domain):
        shown = tuple(txt_value(p.text) for name in doubled for p in policies_at(name, answers))
        told = f"_dmarc.{doubled[0]} has more than one DMARC record, so receivers use none of them"
        return Judged(record, Verdict.DUPLICATE, shown, told)
    if policy is None:
        if failed:
            return Judged(record, Verdict.UNKNOWN, note=f"it could not be looked up: {failed[0]}")
        return Judged(record, Verdict.MISSING, note="no DMARC policy stands here or above")
    problem = _problem(policy)
    if problem:
        return Judged(record, Verdict.WRONG, (txt_value(policy.text),), problem)
    return Judged(
        record, Verdict.OK, (txt_value(policy.text),), alignment(policy, domain, identity)
    )


def alignment(policy: DmarcPolicy, domain: str, identity: str) -> str:
    """Return what keeps mail from passing under a strict policy; empty if nothing does."""
    if policy.strict_dkim and identity != domain:
        return (
            f"the policy asks for a signature of exactly {domain} (adkim=s), and SES signs as "
            f"{identity}: its mail fails DMARC until {domain} has an identity of its own"
        )
    if policy.strict_spf:
        return (
            "the policy asks for an envelope of exactly the From domain (aspf=s), which a MAIL "
            "FROM domain never is: mail passes by its DKIM signature alone"
        )
    return ""


def report_questions(policy: DmarcPolicy, organization: str) -> tuple[tuple[str, str], ...]:
    """Return what has to be asked to know whether others take the policy's reports (RFC 9990 §4).

    A report address outside of the `organization`, the domain that can be registered, needs a TXT
    record `v=DMARC1` at `<policy's domain>._report._dmarc.<its domain>`.
    """
    listed = (uri.strip() for uri in policy.tags.get("rua", "").split(","))
    hosts = (uri.rpartition("@")[2].split("!")[0].lower() for uri in listed if "@" in uri)
    return tuple(
        (f"{policy.domain}._report._dmarc.{host}", "TXT")
        for host in dict.fromkeys(hosts)
        if not f".{host}".endswith(f".{organization}")
    )


def _tags(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(";"):
        match = _TAG.fullmatch(part)
        if match is not None:
            found.setdefault(match[1].lower(), match[2])
    return found


def _problem(policy: DmarcPolicy) -> str:
    wanted = policy.tags.get("p", "").lower()
    if not wanted and "rua" not in policy.tags:
        return "the record has no policy (p=none, p=quarantine or p=reject)"
    if wanted and wanted not in _POLICIES:
        return f"'p={policy.tags['p']}' is no policy: p=none, p=quarantine or p=reject"
    return ""
