"""IAM's credential report: one request for the keys of the whole account."""

import csv
import io
from collections.abc import Callable, Mapping
from datetime import datetime

from ses_tenant.aws.session import AwsSession
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.observed import CredentialReport, ReportedKey

# IAM makes a report in some seconds; a large account may take longer.
_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)


def credential_report(session: AwsSession, sleep: Callable[[float], None]) -> CredentialReport:
    """Return the report: two requests, and more only while IAM makes the report.

    A report that is less than four hours old is not made again.
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateCredentialReport.html
    """
    client = session.iam_client()
    with session.errors():
        client.generate_credential_report()
        for pause in (*_PAUSES, None):
            try:
                answer = client.get_credential_report()
            except (
                client.exceptions.CredentialReportNotReadyException,
                client.exceptions.CredentialReportNotPresentException,
                client.exceptions.CredentialReportExpiredException,
            ):
                if pause is None:
                    break
                sleep(pause)
                continue
            return CredentialReport(
                answer["GeneratedTime"], parse_report(answer["Content"].decode())
            )
    raise SesTenantError(
        ErrorCode.NETWORK,
        "IAM did not finish its credential report within a minute.",
        "Run the same command again, or name the domains.",
    )


def parse_report(content: str) -> Mapping[str, tuple[ReportedKey, ...]]:
    """Return the keys of each user in a report; what is not in use is left out."""
    return {
        row["arn"]: tuple(
            ReportedKey(
                active=row.get(f"access_key_{number}_active", "").lower() == "true",
                changed_at=changed,
                last_used_at=_moment(row.get(f"access_key_{number}_last_used_date", "")),
            )
            for number in (1, 2)
            if (changed := _moment(row.get(f"access_key_{number}_last_rotated", ""))) is not None
            or row.get(f"access_key_{number}_active", "").lower() == "true"
        )
        for row in csv.DictReader(io.StringIO(content))
    }


def _moment(text: str) -> datetime | None:
    """Return a time of the report; it writes N/A and other words where there is none."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
