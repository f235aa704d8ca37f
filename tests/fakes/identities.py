"""SES's email identities in memory, as strict as live answers are known to be."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.identity import steps
from ses_tenant.core.identity.ses import ListedIdentity
from ses_tenant.core.identity.state import Dkim, EmailIdentity, MailFrom, Status

_T = TypeVar("_T")


class FakeIdentities:
    """Identities by Region and name; each starts as PENDING, and a test says when it is verified.

    `calls` are the requests made. With `fail_at`, the call of that number fails: before it is
    carried out, or, with `after`, after it.
    """

    def __init__(self) -> None:
        self.identities: dict[tuple[str, str], EmailIdentity] = {}
        self.calls: list[str] = []
        self.fail_at: int | None = None
        self.after = False
        self._made = 0

    def get(self, region: str, name: str) -> EmailIdentity | None:
        return self._counted("ses:GetEmailIdentity", lambda: self.identities.get((region, name)))

    def listed(self, region: str) -> tuple[ListedIdentity, ...]:
        return self._counted(
            "ses:ListEmailIdentities",
            lambda: tuple(
                ListedIdentity(name, found.verified)
                for (where, name), found in self.identities.items()
                if where == region
            ),
        )

    def apply(self, step: steps.IdentityStep) -> None:
        self._counted(step.action, lambda: self._apply(step))

    def verify(self, region: str, name: str) -> None:
        found = self.identities[region, name]
        self.identities[region, name] = replace(
            found,
            status=Status.SUCCESS,
            sending=True,
            dkim=replace(found.dkim, status=Status.SUCCESS),
            mail_from=replace(
                found.mail_from,
                status=Status.SUCCESS if found.mail_from.domain else Status.NOT_STARTED,
            ),
        )

    def _counted(self, action: str, work: Callable[[], _T]) -> _T:
        number = len(self.calls)
        self.calls.append(action)
        failure = SesTenantError(ErrorCode.NETWORK, "The connection broke.", "Try again.")
        if number == self.fail_at and not self.after:
            raise failure
        answer = work()
        if number == self.fail_at:
            raise failure
        return answer

    def _apply(self, step: steps.IdentityStep) -> None:
        key = (step.region, step.identity)
        found = self.identities.get(key)
        if isinstance(step, steps.CreateEmailIdentity):
            if found is not None:
                raise SesTenantError(
                    ErrorCode.ALREADY_EXISTS, f"Email identity {step.identity} already exist."
                )
            self.identities[key] = self._created(step)
            return
        if found is None:
            code = (
                ErrorCode.NOT_FOUND
                if isinstance(step, steps.DeleteEmailIdentity | steps.TagResource)
                else ErrorCode.USAGE  # 400 BadRequest: only deletion and tags answer 404
            )
            raise SesTenantError(code, f"Email identity {step.identity} does not exist.")
        if isinstance(step, steps.DeleteEmailIdentity):
            del self.identities[key]
        else:
            self.identities[key] = _changed(found, step)

    def _created(self, step: steps.CreateEmailIdentity) -> EmailIdentity:
        source = step.replicate_from
        if source is not None:
            primary = self.identities.get((source, step.identity))
            if primary is None or primary.dkim.external or primary.dkim.replica_of:
                raise SesTenantError(ErrorCode.USAGE, "The primary identity cannot be replicated.")
            selectors = primary.dkim.selectors
            origin = f"AWS_SES_{source.upper().replace('-', '_')}"
        else:
            self._made += 1
            selectors, origin = tuple(f"key{self._made}{letter}" for letter in "abc"), "AWS_SES"
        return EmailIdentity(
            step.identity,
            Status.PENDING,
            dkim=Dkim(
                Status.PENDING,
                signing=True,
                selectors=selectors,
                hosted_zone="dkim.amazonses.com",
                origin=origin,
            ),
            tags=dict(step.tags),
        )


def _changed(
    found: EmailIdentity,
    step: steps.PutEmailIdentityMailFromAttributes
    | steps.PutEmailIdentityDkimSigningAttributes
    | steps.PutEmailIdentityDkimAttributes
    | steps.TagResource,
) -> EmailIdentity:
    match step:
        case steps.PutEmailIdentityMailFromAttributes(mail_from=name):
            return replace(found, mail_from=MailFrom(name, Status.PENDING))
        case steps.PutEmailIdentityDkimSigningAttributes():
            return replace(found, dkim=replace(found.dkim, status=Status.PENDING))
        case steps.PutEmailIdentityDkimAttributes():
            return replace(found, dkim=replace(found.dkim, signing=True))
        case steps.TagResource(tags=tags):
            return replace(found, tags={**found.tags, **tags})
