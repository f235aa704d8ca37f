"""SES's production access: what the account has, and the request for it."""

from ses_tenant.aws.session import AwsSession
from ses_tenant.core.identity.production import AccountStatus, ProductionRequest


def account_status(session: AwsSession, region: str) -> AccountStatus:
    """Return how far the account is in a Region. Raises SesTenantError."""
    with session.errors():
        answer = session.sesv2_client(region).get_account()
    review = answer.get("Details", {}).get("ReviewDetails", {})
    return AccountStatus(
        production=answer.get("ProductionAccessEnabled", True),
        review=review.get("Status"),
        case_id=review.get("CaseId"),
    )


def request_production(session: AwsSession, region: str, request: ProductionRequest) -> None:
    """Send the request. Raises SesTenantError `already_exists` while another is under review."""
    contacts = {"AdditionalContactEmailAddresses": list(request.contacts)}
    with session.errors():
        session.sesv2_client(region).put_account_details(
            MailType=request.mail_type.value,
            WebsiteURL=request.website,
            ContactLanguage="JA" if request.language == "JA" else "EN",
            UseCaseDescription=request.use_case.strip(),
            ProductionAccessEnabled=True,
            **(contacts if request.contacts else {}),
        )
