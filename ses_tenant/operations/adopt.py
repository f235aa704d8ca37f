"""`adopt`: make a hand-made IAM user the tenant of a domain, its keys unchanged."""

from dataclasses import dataclass, replace

from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.core.plans.adopt import (
    Candidate,
    adoption_warnings,
    arn_of,
    check_user_name,
    choose_user,
    plan_adopt,
)
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.observed import Observed, User
from ses_tenant.core.tenant.policy import check_policy_size, sending_policy
from ses_tenant.core.tenant.request import TenantRequest, check_spec, require_regions, resolve
from ses_tenant.core.tenant.spec import TenantSpec
from ses_tenant.operations.apply import apply
from ses_tenant.operations.protocols import Iam
from ses_tenant.operations.runtime import Runtime


@dataclass(frozen=True)
class Adoption:
    """What `adopt` is about to do. `user_arn` is the one that the user comes to."""

    spec: TenantSpec
    plan: steps.Plan
    user_name: str
    user_arn: str
    former_user_arn: str
    warnings: tuple[Notice, ...]


def prepare(
    runtime: Runtime, request: TenantRequest, user_name: str, operator_key: str | None = None
) -> Adoption:
    """Observe and plan. `operator_key` is the access key that this run itself uses.

    The destination is opened, so that an impossible one is refused; it is not read. Raises
    SesTenantError `not_found`, `already_exists`, `not_ours`, `access_key_limit`,
    `policy_too_large`, `no_region`, `usage` and what AWS answers.
    """
    check_user_name(user_name)
    iam = runtime.iam
    check_policy_size(sending_policy(resolve(request, None, runtime.default_region)))
    domain = request.domain
    own = naming.user_name(domain)
    named = iam.get_user(user_name)
    tenant = named if own == user_name else iam.get_user(own)
    candidate = _read(iam, choose_user(domain, user_name, named, tenant))
    observed = candidate.observed
    if any(key.access_key_id == operator_key for key in observed.access_keys):
        raise SesTenantError(
            ErrorCode.USAGE,
            f"This run itself uses an access key of {observed.user.user_name}; as a tenant that "
            "could not even finish it.",
            "Run it with an administrator's credentials, and make sure that NAME is a site's user.",
        )
    spec = resolve(request, observed, runtime.default_region)
    require_regions(spec)
    check_spec(spec)
    runtime.open_destination(spec)
    plan = plan_adopt(spec, candidate, runtime.now())
    given = request.interface is not None or observed.user.remembered.interface is not None
    return Adoption(
        spec=spec,
        plan=plan,
        user_name=observed.user.user_name,
        user_arn=arn_of(spec, observed.user),
        former_user_arn=observed.user.user_arn,
        warnings=adoption_warnings(spec, candidate, plan, user_name, interface_given=given),
    )


def carry_out(runtime: Runtime, adoption: Adoption) -> None:
    """Apply the plan. Raises the SesTenantError of the step that failed."""
    apply(runtime, adoption.plan)


def _read(iam: Iam, user: User) -> Candidate:
    """Return all that IAM holds of the user."""
    name = user.user_name
    documents = {
        policy: iam.get_user_policy(name, policy) for policy in iam.list_user_policies(name)
    }
    keys = iam.list_access_keys(name)
    services = {
        key.access_key_id: service
        for key in keys
        if key.active and (service := iam.access_key_last_service(key.access_key_id))
    }
    observed = Observed(
        user=user,
        inline_policies=tuple(documents),
        sending_policy=documents.get(naming.SENDING_POLICY),
        access_keys=keys,
    )
    return Candidate(replace(observed, attachments=iam.list_attachments(name)), documents, services)
