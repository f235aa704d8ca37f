"""What came out: a JSON file that the sandbox takes as its model, and a page to read."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ses_tenant.sandbox.model import BY_KEY, POINTS

from .questions import NOT_ASKED, Answered

# Open points that no run of an hour can settle, or that need more than mail.
LEFT_OUT = {
    "restart_after_failed": "Does an identity keep its DKIM keys when it is started again after "
    "FAILED? SES says FAILED after 72 hours.",
    "tenant_name_raw": "Does ses:TenantName come with SendRawEmail? No SES tenant is made here.",
    "paused_tenant": "What does SMTP answer for an SES tenant whose sending is paused?",
    "caller_identity_smtp": "Do events tell the IAM user of a mail over SMTP? `ses-tenant watch "
    "test --deployed` and one mail show it, where the watch is set up.",
}
_SECRET = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+=]{40,44}(?![A-Za-z0-9/+=])")
_KEY = re.compile(r"\bA[KS]IA[A-Z0-9]{12,}\b")
_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")


@dataclass
class Report:
    """The answers of one run, and figures with their unit."""

    region: str
    begun: str
    answers: dict[str, Answered] = field(default_factory=dict)
    figures: dict[str, Mapping[str, object]] = field(default_factory=dict)

    def data(self) -> dict[str, object]:
        """Return the report as JSON has it, without secrets, access keys and account numbers."""
        points = [
            {
                "key": point.key,
                "question": point.question,
                "assumed": point.assumed,
                "answer": answered.answer,
                "agrees": answered.answer == point.assumed,
                "leans": point.leans,
                "evidence": {k: redacted(v) for k, v in answered.evidence.items()},
            }
            for point in POINTS
            for answered in [self.answers.get(point.key, Answered(NOT_ASKED))]
        ]
        return {
            "version": 1,
            "region": self.region,
            "begun": self.begun,
            "points": points,
            "figures": self.figures,
            "left_out": LEFT_OUT,
        }

    def write(self, file: Path) -> None:
        """Write the report as JSON to `file`, and as Markdown beside it."""
        file.write_text(json.dumps(self.data(), indent=2) + "\n", "utf-8")
        file.with_suffix(".md").write_text("\n".join(self._lines()) + "\n", "utf-8")

    def _lines(self) -> Iterable[str]:
        yield f"# What an account in {self.region} answered, {self.begun}\n"
        yield "| question | assumed | answered | if they differ, look at |"
        yield "|---|---|---|---|"
        for key, answered in self.answers.items():
            point = BY_KEY[key]
            told = answered.answer if answered.answer == point.assumed else f"**{answered.answer}**"
            yield f"| {point.question} | {point.assumed} | {told} | {point.leans} |"
        yield "\n| figure | |\n|---|---|"
        for name, figures in self.figures.items():
            yield f"| {name} | {', '.join(f'{k}: {v}' for k, v in figures.items())} |"
        yield "\nNot asked:\n"
        for key, why in LEFT_OUT.items():
            yield f"- `{key}`: {why}"


def redacted(text: str) -> str:
    """Return text without what may be a secret, an access key or an account's number."""
    text = _KEY.sub("AKIA…", _SECRET.sub("…", text))
    return _ACCOUNT.sub("111111111111", text)


def percentiles(seconds: Iterable[float]) -> dict[str, object]:
    """Return how many there were, their median, 90th percentile and maximum, in seconds."""
    found = sorted(seconds)
    at = [found[min(len(found) - 1, int(len(found) * share))] for share in (0.5, 0.9)]
    numbers = zip(("p50 s", "p90 s", "max s"), (*at, found[-1]), strict=True)
    return {"n": len(found), **{name: round(value, 2) for name, value in numbers}}
