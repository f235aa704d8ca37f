"""The HTML report of an audit: what it says, that it says it harmlessly, and what it may load."""

from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest

from ses_tenant.core.findings.accepted import Accepted, Known
from ses_tenant.core.findings.audit import Audit
from ses_tenant.core.findings.finding import AffectedDomain, Finding, PathStep, Severity
from ses_tenant.core.findings.rules import Rule
from ses_tenant.report.audit import AuditedAccount, audit_html

NOW = datetime(2026, 6, 5, 9, 30, tzinfo=UTC)
USER = "arn:aws:iam::123456789012:user/wordpress"
OWNERS = tuple((f"site{n}.example", f"arn:aws:iam::123456789012:user/site{n}") for n in range(3))
VOID = {"meta", "br"}


class Page(HTMLParser):
    """Reads a page: its text, its elements, whether every element is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.data: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.data.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.data).split())

    @property
    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}


def gets_at(
    principal: str, *domains: str, severity: Severity | None = None, remedy: str = "aws iam x"
) -> Finding:
    step = PathStep(principal, "ses:SendRawEmail", "*", "the statement Send of the policy mail")
    return Rule.MAY_SEND_AS.found(
        principal, "may send mail as these domains", remedy, severity=severity,
        domains=[AffectedDomain(domain, f"a@{domain}") for domain in domains], path=(step,),
    )  # fmt: skip


def report(*findings: Finding, known: Known | None = None, unread: tuple[str, ...] = ()) -> Page:
    audit = Audit(5, 3, findings, OWNERS)
    account = AuditedAccount(None, audit, known or Known(findings))
    return Page(audit_html([account], unread, NOW, "1.2.3"))


def test_an_account_in_order_is_said_to_be_so_with_what_was_not_looked_at() -> None:
    page = report(unread=("The access keys were not looked at.",))
    assert "✓ Nothing was found by which a site could send mail as another." in page.text
    assert "The access keys were not looked at." in page.text
    assert "Service control" in page.text
    assert "5 June 2026, 09:30 UTC" in page.text
    assert "✗" not in page.text.partition("✗ may not expected")[0]


@pytest.mark.parametrize(
    ("severity", "verdict", "cell"),
    [
        (Severity.ERROR, "✗ 1 of 3 sending domains can be impersonated.", ("leak", "✗ may")),
        (Severity.WARNING, "but 1 of 3 perhaps can.", ("perhaps", "! perhaps")),
        (Severity.INFO, "✓ Nothing was found", ("expected", "expected")),
    ],
)
def test_the_verdict_and_the_table_tell_by_words_and_not_by_colour_alone(
    severity: Severity, verdict: str, cell: tuple[str, str]
) -> None:
    page = report(gets_at(USER, "site1.example", severity=severity))
    assert verdict in page.text
    assert ("td", {"class": cell[0]}) in page.elements
    assert f"site1.example own {cell[1]}" in page.text
    assert "site0.example , site2.example own \u2013 no" in page.text


def test_a_finding_is_told_whole() -> None:
    page = report(gets_at(USER, "site1.example"))
    for part in (
        f"✗ error {USER}",
        "May send mail as these domains",
        "Such as: a@site1.example",
        f"{USER} may use ses:SendRawEmail on * , by the statement Send of the policy mail",
        "What to do aws iam x",
        "may_send_as:123456789012:user/wordpress",
        Rule.MAY_SEND_AS.meaning,
    ):
        assert part in page.text


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; alert(1); '",
    "</style><script>alert(1)</script>",
    "{{ 7*7 }}{% raw %}",
    "javascript:alert(1)",
    "&lt;b&gt;",
    "]]><!--",
    "a\u202eb\x1b[2J\x00",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_text(text: str) -> None:
    plain = report(gets_at(USER, "site1.example"), unread=("x",))
    finding = Finding(
        "may_send_as", Severity.ERROR, f"arn:aws:iam::123456789012:user/{text}", text, text,
        (AffectedDomain("site1.example", text),), (PathStep(text, text, text, text),), text,
    )  # fmt: skip
    accepted = Accepted(finding.id, text, date(2026, 7, 1))
    known = Known((finding,), ((finding, accepted),))
    account = AuditedAccount(text, Audit(5, 3, (finding,), ((text, text), *OWNERS)), known)
    html = audit_html([account], (text,), NOW, "1.2.3")
    page = Page(html)
    assert page.tags - {"strong"} <= plain.tags | {"h3", "bdi", "details", "summary", "span"}
    assert all(not name.startswith("on") for _, attrs in page.elements for name in attrs)
    hrefs = [attrs["href"] for tag, attrs in page.elements if tag == "a"]
    assert all(href is not None and href.startswith("#") for href in hrefs)
    shown = text.replace("\u202e", r"\u202e").replace("\x1b", r"\x1b").replace("\x00", r"\x00")
    assert shown in page.text
    assert not set(html) & set("\u202e\x1b\x00")


def test_nothing_is_loaded_and_nothing_runs() -> None:
    page = report(gets_at(USER, "site1.example"))
    assert not page.tags & {"script", "link", "img", "iframe", "object", "form", "base"}
    policies = [a["content"] for tag, a in page.elements if "http-equiv" in a]
    assert policies == [
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    ]


def test_accepted_findings_stand_apart_with_their_reason_and_still_in_the_table() -> None:
    finding = gets_at(USER, "site1.example")
    known = Known((), ((finding, Accepted(finding.id, "Until it moves.", date(2026, 7, 1))),))
    page = report(finding, known=known)
    assert "It found 0 errors, 0 warnings and 0 notes." in page.text
    assert "Known and accepted" in page.text
    assert "Until 2026-07-01 : Until it moves." in page.text
    assert "site1.example own ✗ may" in page.text
    assert "✗ 1 of 3 sending domains can be impersonated." in page.text


def test_thousands_of_domains_and_dozens_of_administrators_fit() -> None:
    owners = tuple((f"s{n:04}.example", f"o{n}") for n in range(1500))
    domains = [domain for domain, _ in owners]
    findings = tuple(
        gets_at(f"arn:aws:iam::1:user/admin{n}", *domains, severity=Severity.INFO, remedy="")
        for n in range(24)
    )
    account = AuditedAccount(None, Audit(1524, 1500, findings, owners), Known(findings))
    html = audit_html([account], (), NOW, "1.2.3")
    assert len(html) < 100_000
    assert html.count("<tr>") == 2
    assert "s1499.example" in html


def test_many_columns_are_parted_so_that_they_fit_on_paper() -> None:
    owners = tuple((f"d{n}.example", f"o{n}") for n in range(40))
    findings = [gets_at(f"p{n:02}", f"d{n}.example") for n in range(40)]
    account = AuditedAccount(None, Audit(80, 40, tuple(findings), owners), Known(tuple(findings)))
    page = Page(audit_html([account], (), NOW, "1.2.3"))
    assert [tag for tag, _ in page.elements].count("table") == 3
    assert all(f"p{n:02}" in page.text for n in range(40))


def test_an_account_without_tenants() -> None:
    account = AuditedAccount("agency", Audit(2, 0, ()), Known(()))
    page = Page(audit_html([account], (), NOW, "1.2.3", saved=True))
    assert "There is no tenant yet" in page.text
    assert "from a saved answer" in page.text
