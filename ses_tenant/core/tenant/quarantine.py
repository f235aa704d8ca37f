"""The policies that AWS attaches to a user of whom it has found an access key in public.

They deny what costs money, not sending. AWS asks to replace the key and to answer its support case
before they are detached.
https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCompromisedKeyQuarantineV3.html
"""

import re

QUARANTINE_POLICIES = tuple(f"AWSCompromisedKeyQuarantine{version}" for version in ("", "V2", "V3"))
_ARN = re.compile(rf"arn:aws[a-z-]*:iam::aws:policy/({QUARANTINE_POLICIES[0]}(?:V[0-9]+)?)")


def quarantine_policy(arn: str) -> str | None:
    """Return the name of AWS's quarantine policy if that is what the ARN is of, a later one too."""
    match = _ARN.fullmatch(arn)
    return match[1] if match else None
