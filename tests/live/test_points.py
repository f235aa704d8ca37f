"""What AWS answers to each open point; a surprise fails, and names what leans on it."""

import pytest

from ses_tenant.sandbox.model import POINTS, Point

from .account import LiveAccount
from .questions import QUESTIONS
from .report import Report


@pytest.mark.parametrize("point", POINTS, ids=[point.key for point in POINTS])
def test_the_answer_is_the_one_that_is_assumed(
    account: LiveAccount, report: Report, point: Point
) -> None:
    answered = QUESTIONS[point.key](account)
    report.answers[point.key] = answered
    assert answered.answer == point.assumed, (
        f"{point.question} Assumed {point.assumed!r}, answered {answered.answer!r}. "
        f"Look at: {point.leans}. {dict(answered.evidence)}"
    )
