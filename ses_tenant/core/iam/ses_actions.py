"""What a request to send mail through SES carries: actions, condition keys, resources.

A condition key that an action does not carry is absent from the request, whatever the policy says
of it. https://docs.aws.amazon.com/service-authorization/latest/reference/list_ses.html and
https://docs.aws.amazon.com/service-authorization/latest/reference/list_sesv2.html
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache

FROM = "ses:fromaddress"
FEEDBACK = "ses:feedbackaddress"
DISPLAY_NAME = "ses:fromdisplayname"
RECIPIENTS = "ses:recipients"
API_VERSION = "ses:apiversion"
TENANT_NAME = "ses:tenantname"
ENDPOINT = "ses:multiregionendpointid"

_FIVE = frozenset({API_VERSION, FEEDBACK, FROM, DISPLAY_NAME, RECIPIENTS})
_BULK = frozenset({API_VERSION, TENANT_NAME, ENDPOINT})

# The mail that asks whoever has an address to verify it, made from a template that SES keeps.
# https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html#send-email-verify-address-custom
VERIFY = "ses:SendCustomVerificationEmail"
TEMPLATE_OF_VERIFY = "custom-verification-email-template/"

# SMTP and a raw message of either API version are ses:SendRawEmail.
CARRIED: Mapping[str, frozenset[str]] = {
    "ses:sendrawemail": _FIVE,
    "ses:sendemail": _FIVE | {TENANT_NAME, ENDPOINT},
    "ses:sendtemplatedemail": _FIVE,
    "ses:sendbulktemplatedemail": _FIVE,
    # The second version's SendBulkEmail names its From outside what a condition sees.
    "ses:sendbulkemail": _BULK,
    "ses:sendbounce": frozenset({API_VERSION, FROM}),
    # The table lists the five keys, but the From of this mail stands in its template.
    VERIFY.lower(): _FIVE,
}
# The actions with which a principal can send mail under a From address of its choice.
SEND_ACTIONS = (
    "ses:SendRawEmail",
    "ses:SendEmail",
    "ses:SendTemplatedEmail",
    "ses:SendBulkTemplatedEmail",
    "ses:SendBulkEmail",
    "ses:SendBounce",
)
_SENDING_KEYS = (_FIVE | _BULK) - {API_VERSION}  # which every action of SES carries

# Keys that hold several values, so that only ForAllValues and ForAnyValue can judge them.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
MULTIVALUED = frozenset(
    {
        RECIPIENTS,
        "aws:calledvia",
        "aws:principalorgpaths",
        "aws:principalservicenameslist",
        "aws:resourceorgpaths",
        "aws:tagkeys",
    }
)


# Keys of a service that describe the principal's credentials, and so come with every request.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
CREDENTIAL_KEYS = frozenset(
    {
        "codebuild:buildarn",
        "codebuild:projectarn",
        "ec2:roledelivery",
        "ec2:sourceinstancearn",
        "glue:credentialissuingservice",
        "glue:roleassumedby",
        "identitystore:userid",
        "lambda:sourcefunctionarn",
        "ssm:sourceinstancearn",
    }
)
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
_POLICY_CALLS = frozenset(
    f"iam:{verb}{kind}policy"
    for verb in ("attach", "detach", "put", "delete")
    for kind in ("user", "role")
)
_CARRIERS = {
    "iam:permissionsboundary": _POLICY_CALLS
    | {
        "iam:createuser",
        "iam:createrole",
        "iam:putuserpermissionsboundary",
        "iam:putrolepermissionsboundary",
        "iam:deleteuserpermissionsboundary",
        "iam:deleterolepermissionsboundary",
    },
}


@lru_cache(maxsize=1 << 14)
def carries(action: str, key: str) -> bool:
    """Tell whether a request for `action` can carry the condition key; both in lower case."""
    service, of = key.partition(":")[0], action.partition(":")[0]
    if service != "ses":
        # A key with a dot or of SAML tells of a federated principal.
        general = service in ("aws", "saml") or "." in service or key in CREDENTIAL_KEYS
        return general or (service == of and action in _CARRIERS.get(key, (action,)))
    if action in CARRIED:
        return key in CARRIED[action]
    return action.startswith("ses:") and key not in _SENDING_KEYS


def mail_context(
    sender: str,
    *,
    return_path: str | None = None,
    recipients: Iterable[str] = (),
    display_name: str | None = None,
    api_version: str | None = None,
) -> dict[str, tuple[str, ...]]:
    """Return the condition keys of a mail, as far as they are given.

    `sender` is the bare From address; SES takes mail over TLS alone.
    """
    values = {
        FROM: (sender,),
        FEEDBACK: (return_path,) if return_path else (),
        RECIPIENTS: tuple(recipients),
        DISPLAY_NAME: (display_name,) if display_name is not None else (),
        API_VERSION: (api_version,) if api_version else (),
        "aws:securetransport": ("true",),
    }
    return {key: value for key, value in values.items() if value}


def identity_arn(partition: str, region: str, account: str, identity: str) -> str:
    """Return the ARN of an email identity: a domain or an address."""
    return f"arn:{partition}:ses:{region}:{account}:identity/{identity}"
