"""What DNS answers, as values: asked by the ring `dns`, judged here."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What became of a question."""

    FOUND = "found"
    NO_DATA = "no_data"  # the name is there, and has no record of the type
    NO_NAME = "no_name"
    FAILED = "failed"  # nobody knows: no answer, SERVFAIL, REFUSED, a signature that is bogus


@dataclass(frozen=True)
class Answer:
    """What stands at a name, in zone-file form; `detail` says why nothing could be learned.

    `canonical` is the name at the end of the aliases that the question was led along.
    """

    outcome: Outcome
    values: tuple[str, ...] = ()
    canonical: str | None = None
    detail: str = ""

    @property
    def found(self) -> bool:
        """Tell whether there is a record."""
        return self.outcome is Outcome.FOUND

    @property
    def failed(self) -> bool:
        """Tell whether nothing could be learned."""
        return self.outcome is Outcome.FAILED


Question = tuple[str, str]
Answers = Mapping[Question, Answer]

NOT_ASKED = Answer(Outcome.FAILED, detail="it was not asked")


def answer_to(answers: Answers, name: str, kind: str) -> Answer:
    """Return the answer for a name and a type of record; a failure where it was not asked."""
    return answers.get((name, kind), NOT_ASKED)
