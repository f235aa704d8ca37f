"""One step of a rotation that Secrets Manager runs; docs/lambda.md tells the whole.

It is `rotate-keys` for one tenant, with the delivery in two parts: createSecret issues a key into
a version that no site reads, finishSecret makes that version what sites read. In between, the tag
that announces the issue tells every other run to leave the key alone. The old key is not touched;
the scheduled `rotate-keys` deactivates and deletes it as after every rotation.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.rotation.decision import Action, Decision, RotationOptions, Tenant
from ses_tenant.core.rotation.keys import LEASE, KeyState, Situation, note
from ses_tenant.core.rotation.next_move import decide
from ses_tenant.core.rotation.secret_versions import RotationEvent, RotationStep, SecretVersions
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.notes import Note
from ses_tenant.core.tenant.observed import Observed
from ses_tenant.core.tenant.request import TenantRequest, require_regions, resolve
from ses_tenant.core.tenant.spec import TenantSpec
from ses_tenant.operations.apply import Issue, apply
from ses_tenant.operations.observe import observe
from ses_tenant.operations.protocols import Iam, RotatingSecret
from ses_tenant.operations.situation import read_situation

# A version is made current well before another run may take its key for one that reached nobody.
_IN_TIME = LEASE - timedelta(minutes=1)
# IAM may not show yet what an earlier step has written.
_PAUSES = (1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class World:
    """What a step needs besides IAM and the secret."""

    options: RotationOptions
    verify: Callable[[Credentials], str]
    sleep: Callable[[float], None]
    now: Callable[[], datetime]


@dataclass(frozen=True)
class _View:
    """The tenant and its keys, as a step finds them."""

    spec: TenantSpec
    observed: Observed
    situation: Situation
    current: Destination

    @property
    def tenant(self) -> Tenant:
        spec = self.spec
        return Tenant(spec.domain.name, spec.user_name, spec.destination)


def rotate_secret(iam: Iam, secret: RotatingSecret, event: RotationEvent, world: World) -> str:
    """Carry out one step, and return a sentence on what came of it. Each may be run again.

    Raises SesTenantError; the step has then changed nothing that a site reads.
    """
    versions = secret.versions()
    over = versions.check(event.token)
    match event.step:
        case RotationStep.CREATE if not over:
            return _create(iam, secret, versions, event, world)
        case RotationStep.TEST if not over:
            return _test(secret, world)
        case RotationStep.FINISH if not over:
            return _finish(iam, secret, versions, event, world)
        case RotationStep.FINISH:
            return _note_again(iam, secret, versions, event, world)
        case RotationStep.CREATE | RotationStep.SET | RotationStep.TEST:
            # IAM knows a key from the moment it is issued: there is nothing to set.
            return f"{versions.name}: nothing to do in {event.step}."
        case _:
            assert_never(event.step)


def _create(
    iam: Iam, secret: RotatingSecret, versions: SecretVersions, event: RotationEvent, world: World
) -> str:
    """Issue a key into the pending version, unless an earlier attempt has."""
    domain = secret.domain()
    pending = secret.pending(domain)
    key = pending.held_key()
    if key is not None:
        _require_in_time(iam, secret, versions, event, world, key)
        return f"{domain}: the access key {key} is pending already."
    view = _look(iam, secret, versions, event)
    now, situation = world.now(), view.situation
    decision = decide(view.tenant, situation, world.options, now, event.process)
    if decision.found is KeyState.RETIRING and decision.action is Action.DELETED:
        apply(iam, decision.plan, world.sleep)
        situation = _with_one_key(situation, now)
        decision = decide(view.tenant, situation, world.options, now, event.process)
    if decision.action is not Action.ISSUED:
        apply(iam, decision.plan, world.sleep)
        raise _no_room(view.tenant, decision)
    view.current.check()
    # It is delivered, and that is noted, when finishSecret makes the version current.
    plan = tuple(step for step in decision.plan if not isinstance(step, steps.MarkDelivered))
    first = not situation.access_keys
    issue = Issue(view.spec, view.observed.user.user_arn, pending, world.now, first)
    issued = apply(iam, plan, world.sleep, issue).credentials
    return f"{domain}: the access key {issued.access_key_id if issued else '?'} is pending."


def _test(secret: RotatingSecret, world: World) -> str:
    """Show the pending key to AWS."""
    credentials = secret.to_test()
    try:
        return world.verify(credentials)
    except SesTenantError as error:
        raise SesTenantError(
            error.code,
            f"{error.message} The site keeps its present key.",
            "Secrets Manager tries again.",
        ) from error


def _finish(
    iam: Iam, secret: RotatingSecret, versions: SecretVersions, event: RotationEvent, world: World
) -> str:
    """Make the pending version what sites read, and note the delivery."""
    domain = secret.domain()
    key = secret.pending(domain).held_key()
    if key is None:
        raise SesTenantError(
            ErrorCode.NOT_FOUND,
            f"{domain}: the version {event.token} of {versions.name} holds no access key.",
            "Secrets Manager has to run createSecret first.",
        )
    view = _require_in_time(iam, secret, versions, event, world, key)
    _promote(secret, versions, event)
    _note(iam, view, key, world.now())
    return f"{domain}: the site reads the access key {key} from now on."


def _note_again(
    iam: Iam, secret: RotatingSecret, versions: SecretVersions, event: RotationEvent, world: World
) -> str:
    """Note the delivery if an earlier attempt was stopped before it could."""
    view = _look(iam, secret, versions, event)
    key = view.situation.held
    if key is not None and _announced(view, event):
        _note(iam, view, key, world.now())
    return f"{view.spec.domain}: the site reads the access key {key} already."


def _note(iam: Iam, view: _View, key: str, now: datetime) -> None:
    older = (k.access_key_id for k in view.situation.access_keys if k.access_key_id != key)
    tag = note(naming.TAG_DELIVERED, (key, *older), now)
    iam.apply(steps.TagUser(view.spec.user_name, tag))


def _promote(secret: RotatingSecret, versions: SecretVersions, event: RotationEvent) -> None:
    try:
        secret.promote(versions.current)
    except SesTenantError:
        if not secret.versions().check(event.token):
            raise


def _look(
    iam: Iam, secret: RotatingSecret, versions: SecretVersions, event: RotationEvent
) -> _View:
    """Read the tenant: six or seven reads."""
    domain = secret.domain()
    observed = observe(iam, domain)
    if observed is None:
        raise SesTenantError(
            ErrorCode.NOT_FOUND,
            f"There is no tenant {domain}, although {versions.name} was written for it.",
            f"ses-tenant create {domain} --to secretsmanager:{versions.name}",
        )
    spec = resolve(TenantRequest(domain), observed, event.region)
    require_regions(spec)
    versions.require_destination_of(spec)
    current = secret.current(domain)
    situation = read_situation(iam, observed, current, event.process)
    delivered = situation.delivered
    if delivered is not None and delivered.issuer == event.process:
        # An earlier attempt of this rotation; the steps of one run one after the other.
        situation = replace(situation, issuer_alive=False)
    return _View(spec, observed, situation, current)


def _require_in_time(
    iam: Iam,
    secret: RotatingSecret,
    versions: SecretVersions,
    event: RotationEvent,
    world: World,
    key: str,
) -> _View:
    """Return the view of a pending key that may become the site's.

    Raises `partial_failure` otherwise, after the rotation was given up: a version's value cannot be
    replaced, so only another rotation helps, and a label that stays would block it.
    """
    pauses = list(_PAUSES)
    while True:
        view = _look(iam, secret, versions, event)
        problem = _problem(view, event, key, world.now())
        if problem is None:
            return view
        if not pauses:
            break
        world.sleep(pauses.pop(0))
    if _issued_by(view, event, key):
        drop = steps.DeleteAccessKey(view.spec.user_name, key, undelivered=True)
        apply(iam, (drop,), world.sleep)
    secret.discard()
    raise SesTenantError(
        ErrorCode.PARTIAL_FAILURE,
        f"{view.spec.domain}: this rotation was given up, because {problem}. The site keeps its "
        "present key.",
        f"To begin anew: aws secretsmanager rotate-secret --secret-id {versions.name}",
    )


def _problem(view: _View, event: RotationEvent, key: str, now: datetime) -> str | None:
    """Return why the pending key must not become the site's, None if it may."""
    situation, delivered = view.situation, view.situation.delivered
    if situation.suspended:
        return "the tenant is suspended"
    if key == situation.held:
        return f"its version holds the access key {key} that the site has already"
    if key not in {k.access_key_id for k in situation.active}:
        return f"the access key {key} is no longer Active"
    if delivered is None or not _announced(view, event):
        return "another run has gone on with the keys since"
    if now - delivered.at >= _IN_TIME:
        return f"it has taken longer than {_IN_TIME}"
    return None


def _announced(view: _View, event: RotationEvent) -> bool:
    delivered = view.situation.delivered
    return delivered is not None and delivered.issuer == event.process


def _issued_by(view: _View, event: RotationEvent, key: str) -> bool:
    """Tell whether this very rotation has issued the key, so that no site can have it."""
    situation, delivered = view.situation, view.situation.delivered
    return (
        _announced(view, event)
        and delivered is not None
        and key not in delivered.access_key_ids
        and key != situation.held
        and key in {k.access_key_id for k in situation.access_keys}
    )


def _with_one_key(situation: Situation, now: datetime) -> Situation:
    """Return the situation after the Inactive key was deleted; IAM may still show it."""
    delivered = Note((situation.active[0].access_key_id,), now)
    return replace(situation, access_keys=situation.active, delivered=delivered, retired=None)


def _no_room(tenant: Tenant, decision: Decision) -> SesTenantError:
    """Return why no key can be issued now."""
    if decision.found is KeyState.SUSPENDED:
        return SesTenantError(
            ErrorCode.SUSPENDED,
            f"{tenant.domain} is suspended: all its keys are Inactive and stay so.",
            f"First: ses-tenant resume {tenant.domain}",
        )
    at = decision.next_step_at
    when = f" The next step is due at {at:%Y-%m-%d %H:%M} UTC." if at else ""
    told = " ".join(warning.message for warning in decision.warnings)
    return SesTenantError(
        ErrorCode.ACCESS_KEY_LIMIT,
        f"{tenant.domain} cannot be given another access key now: its last rotation is not over "
        f"({decision.state}), and IAM allows two keys.{when} {told}".rstrip(),
        f"ses-tenant show {tenant.domain} lists its keys. Run rotate-keys daily, and rotate "
        "secrets less often than its grace time and quarantine together.",
    )
