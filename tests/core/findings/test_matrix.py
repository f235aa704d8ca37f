"""The matrix of domains and principals: lossless, compact, the worst first."""

from hypothesis import given
from hypothesis import strategies as st

from ses_tenant.core.findings.finding import AffectedDomain, Finding, PathStep, Severity
from ses_tenant.core.findings.matrix import Mark, matrix, reaches
from ses_tenant.core.findings.rules import Rule
from tests.examples import examples

STEP = PathStep("p", "ses:SendRawEmail", "*", "All")
OWNERS = tuple((f"site{n}.example", f"arn:aws:iam::1:user/site{n}") for n in range(4))


def gets_at(principal: str, *domains: str, severity: Severity = Severity.ERROR) -> Finding:
    return Rule.MAY_SEND_AS.found(
        principal, "", "", severity=severity, domains=map(AffectedDomain, domains), path=(STEP,)
    )


def test_rows_and_columns_that_are_alike_are_one() -> None:
    owners = tuple((f"s{n:04}.example", f"o{n}") for n in range(1000))
    everywhere = [domain for domain, _ in owners]
    found = [
        *(gets_at(f"admin{n}", *everywhere, severity=Severity.INFO) for n in range(20)),
        gets_at("wordpress", "s0007.example"),
    ]
    result = matrix(owners, found)
    assert [len(column) for column in result.columns] == [1, 20]
    assert [(len(row.domains), row.marks) for row in result.rows] == [
        (1, (Mark.LEAK, Mark.EXPECTED)),
        (999, (Mark.NONE, Mark.EXPECTED)),
    ]
    assert result.domains(Mark.LEAK) == ("s0007.example",)
    assert len(result.domains(Mark.EXPECTED)) == 999


def test_a_tenant_that_gets_at_others_has_its_own_domain_marked_as_such() -> None:
    result = matrix(OWNERS, [gets_at(OWNERS[0][1], "site1.example", severity=Severity.WARNING)])
    assert {row.domains: row.marks for row in result.rows} == {
        ("site1.example",): (Mark.PERHAPS,),
        ("site0.example",): (Mark.OWN,),
        ("site2.example", "site3.example"): (Mark.NONE,),
    }
    assert result.domains(Mark.PERHAPS, Mark.LEAK) == ("site1.example",)


def test_what_reaches_nobodys_domain_is_no_column() -> None:
    old = Rule.KEY_TOO_OLD.found("p", "", "", domains=[AffectedDomain("site0.example")])
    assert not reaches(old)
    assert matrix(OWNERS, [old, Rule.HAND_MADE_USER.found("q", "", "")]).columns == ()
    assert reaches(Rule.UNDECIDED.found("p", "", "", domains=[AffectedDomain("site0.example")]))


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sets(st.sampled_from([domain for domain, _ in OWNERS]), min_size=1),
            st.sampled_from(Severity),
        )
    )
)
@examples()
def test_every_cell_says_the_worst_that_was_found(
    found: list[tuple[str, set[str], Severity]],
) -> None:
    result = matrix(OWNERS, [gets_at(p, *sorted(ds), severity=how) for p, ds, how in found])
    cells = {
        (principal, domain): row.marks[number]
        for row in result.rows
        for domain in row.domains
        for number, column in enumerate(result.columns)
        for principal in column
    }
    marks = {
        Severity.INFO: Mark.EXPECTED,
        Severity.WARNING: Mark.PERHAPS,
        Severity.ERROR: Mark.LEAK,
    }
    expected: dict[tuple[str, str], Mark] = {}
    for how in (Severity.INFO, Severity.WARNING, Severity.ERROR):
        expected |= {(p, d): marks[how] for p, ds, severity in found for d in ds if severity is how}
    assert {cell: mark for cell, mark in cells.items() if mark is not Mark.NONE} == expected
    assert sorted(d for row in result.rows for d in row.domains) == [d for d, _ in OWNERS]
