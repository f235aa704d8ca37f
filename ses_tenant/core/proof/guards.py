"""What AWS tells of the secrets and parameters that hold tenants' credentials: who guards them.

A secret has a policy of its own perhaps, and both are encrypted with a key of KMS, whose policy has
the last word: the policies of users and roles count only as far as it leaves it to them.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ses_tenant.core.iam.authorization import Policy, Statement


@dataclass(frozen=True)
class SecretTold:
    """What Secrets Manager tells of a secret: its whole ARN, its policy, and its key, if any.

    Without a key of KMS it has AWS's own.
    """

    arn: str
    policy: Mapping[str, object] | None = None
    key_id: str | None = None


@dataclass(frozen=True, eq=False)
class Key:
    """A key of KMS; `policy` None if that could not be read.

    `grantees` are whom its grants let decrypt, None if they could not be listed. `of_aws` if it is
    AWS's own for the service, with which everybody in the account may decrypt by way of it.
    """

    arn: str
    policy: Policy | None = None
    grantees: tuple[str, ...] | None = None
    of_aws: bool = False


AWS_KEY = Key("", of_aws=True)


@dataclass(frozen=True, eq=False)
class Guard:
    """What guards one secret or parameter, whose whole ARN it tells.

    `policies` are its own; `key` None if it is not encrypted. What is `assumed` was not read: it is
    what there has to be, for others to get at it at all.
    """

    arn: str
    policies: tuple[Policy, ...] = ()
    key: Key | None = AWS_KEY
    assumed: bool = False

    @cached_property
    def giving(self) -> tuple[Statement, ...]:
        """Return the Allow statements of its own policies."""
        if self.assumed:
            return ()
        return tuple(s for policy in self.policies for s in policy.statements if s.allow)


_ASSUMED = Policy(
    "of the other account, which was not read",
    {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*"}},
)
# A secret of another account is read only by those whom its policy lets read it.
OF_ANOTHER_ACCOUNT = Guard("", (_ASSUMED,), None, assumed=True)
