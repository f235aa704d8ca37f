"""Whether somebody who reads a secret or a parameter may decrypt it, too."""

from ses_tenant.core.iam.authorization import Policy, Statement
from ses_tenant.core.proof.guards import Key
from ses_tenant.core.proof.roles import Hop
from ses_tenant.core.proof.standing import REGION_KEY, Standing, names

DECRYPT = "kms:Decrypt"
# With these somebody lets itself decrypt.
_OPENING = ("kms:PutKeyPolicy", "kms:CreateGrant")
# Secrets Manager and Parameter Store ask KMS with the credentials of whoever asks them.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html
_FORWARDED = {"aws:viaawsservice": ("true",)}
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html#security-encryption-policies
_OF_AWS = Policy(
    "of the key of AWS",
    {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt"}},
)


def leave_to_decrypt(standing: Standing, key: Key, arn: str) -> Hop | None:
    """Return what it takes to decrypt what is at the ARN with the key, or None if that is denied.

    What its key policy does not tell beforehand, such as by way of which service, is a condition.
    """
    _, _, _, region, account, _ = arn.split(":", 5)
    if key.of_aws:
        return _with_key_of_aws(standing, region, account)
    if key.policy is None:
        return Hop((), (f"the key {key.arn}, whose policy was not read, lets it decrypt",), False)
    known = {REGION_KEY: (region,), **_FORWARDED}
    by = (key.policy,)
    leave = standing.ask(DECRYPT, key.arn, known, by=by)
    if leave is not None:
        return Hop.of(leave)
    if _perhaps_granted(standing, key):
        return Hop((), (f"a grant of the key {key.arn} lets it decrypt",), False)
    for action in _OPENING:
        leave = standing.ask(action, key.arn, {REGION_KEY: (region,)}, by=by)
        if leave is not None:
            return Hop.of(leave, condition="no Deny keeps it from decrypting then")
    return None


def _with_key_of_aws(standing: Standing, region: str, account: str) -> Hop | None:
    """Return what it takes with AWS's own key: it serves all of the account, but for a Deny."""
    if standing.foreign:
        return None
    arn = f"arn:{standing.partition}:kms:{region}:{account}:key/of-aws"
    leave = standing.ask(DECRYPT, arn, {REGION_KEY: (region,), **_FORWARDED}, by=(_OF_AWS,))
    if leave is None:
        return None
    denies = any(not s.allow and s.resources != ("*",) for s in _about(standing))
    more = ("its Deny of kms:Decrypt is about other keys",) if denies else ()
    return Hop((), (*leave.conditions, *more), leave.certain and not more)


def _about(standing: Standing) -> list[Statement]:
    return [s for s in standing.statements if names(s, DECRYPT)]


def _perhaps_granted(standing: Standing, key: Key) -> bool:
    """Tell whether a grant may let it decrypt: one to it, to its account or to a session."""
    if key.grantees is None:
        return True
    others = tuple(
        f"arn:{standing.partition}:iam::{standing.account}:{k}/" for k in ("user", "role")
    )
    return any(
        each == standing.arn or not each.startswith(others)
        for each in key.grantees
        if not each.endswith(".amazonaws.com")
    )
