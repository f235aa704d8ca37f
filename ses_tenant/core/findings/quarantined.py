"""A tenant whose access key AWS has found in public: what is told of it, and what to run."""

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.findings.remedy import command, option


def told_of_quarantine(policy: str, user_name: str, arn: str) -> str:
    """Return what it means that the policy, of this ARN, is attached to the user."""
    detach = command(
        *("aws", "iam", "detach-user-policy", *option("--user-name", user_name)),
        *option("--policy-arn", arn),
    )
    return (
        f"AWS has attached {policy}, because it found an access key in public; that does not stop "
        f"mail. Once the key is replaced and AWS's support case is answered: {detach}"
    )


def replace_keys(domain: SendingDomain) -> str:
    """Return the command that replaces all keys of a tenant at once."""
    return command("ses-tenant", "rotate-keys", domain.name, "--compromised")
