"""One step of a rotation that Secrets Manager runs; docs/lambda.md tells the whole.

It is `rotate-keys` for one tenant, with the delivery in two parts: createSecret issues a key into
a version that no site reads, finishSecret makes that version what sites read. In between, the tag
that announces the issue tells every other run to leave the key alone. The old key is not touched;
the scheduled `rotate-keys` deactivates and deletes it as after every rotation.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.rotation.decision import Action, Case, Decision, RotationOptions, Tenant
from ses_tenant.core.rotation.keys import LEASE, KeyState, Situation, note
from ses_tenant.core.rotation.next_move import decide
from ses_tenant.core.rotation.secret_versions import RotationEvent, RotationStep, SecretVersions
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.notes import Note
from ses_tenant.core.tenant.observed import Observed
from ses_tenant.core.tenant.request import TenantRequest, require_regions, resolve
from ses_tenant.core.tenant.spec import TenantSpec
from ses_tenant.operations.apply import Issue, apply
from ses_tenant.operations.observe import observe
from ses_tenant.operations.protocols import RotatingSecret
from ses_tenant.operations.runtime import Runtime
from ses_tenant.operations.situation import read_situation

# A version is made current well before another run may take its key for one that reached nobody.
_IN_TIME = LEASE - timedelta(minutes=1)
# IAM may not show yet what an earlier step has written.
_PAUSES = (1.0, 2.0, 4.0, 8.0)


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


@dataclass(frozen=True)
class _Rotation:
    """One step of a rotation, with what it works on."""

    runtime: Runtime
    secret: RotatingSecret
    versions: SecretVersions
    event: RotationEvent
    options: RotationOptions


def rotate_secret(
    runtime: Runtime, secret: RotatingSecret, event: RotationEvent, options: RotationOptions
) -> str:
    """Carry out one step, and return a sentence on what came of it. Each may be run again.

    `runtime.process` is that of the event: the steps of a rotation are one process. Raises
    SesTenantError; the step has then changed nothing that a site reads.
    """
    versions = secret.versions()
    over = versions.check(event.token)
    rotation = _Rotation(runtime, secret, versions, event, options)
    match event.step:
        case RotationStep.CREATE if not over:
            return _create(rotation)
        case RotationStep.TEST if not over:
            return _test(rotation)
        case RotationStep.FINISH if not over:
            return _finish(rotation)
        case RotationStep.FINISH:
            return _note_again(rotation)
        case RotationStep.CREATE | RotationStep.SET | RotationStep.TEST:
            # IAM knows a key from the moment it is issued: there is nothing to set.
            return f"{versions.name}: nothing to do in {event.step}."
        case _:
            assert_never(event.step)


def _create(rotation: _Rotation) -> str:
    """Issue a key into the pending version, unless an earlier attempt has."""
    runtime, secret = rotation.runtime, rotation.secret
    domain = secret.domain()
    pending = secret.pending(domain)
    key = pending.held_key()
    if key is not None:
        _require_in_time(rotation, key)
        return f"{domain}: the access key {key} is pending already."
    view = _look(rotation)
    now, situation = runtime.now(), view.situation
    decision = decide(Case(view.tenant, situation, now, runtime.process, rotation.options))
    if decision.found is KeyState.RETIRING and decision.action is Action.DELETED:
        apply(runtime, decision.plan)
        situation = _with_one_key(situation, now)
        decision = decide(Case(view.tenant, situation, now, runtime.process, rotation.options))
    if decision.action is not Action.ISSUED:
        apply(runtime, decision.plan)
        raise _no_room(view.tenant, decision)
    view.current.check()
    # It is delivered, and that is noted, when finishSecret makes the version current.
    plan = tuple(step for step in decision.plan if not isinstance(step, steps.MarkDelivered))
    first = not situation.access_keys
    issue = Issue(view.spec, view.observed.user.user_arn, pending, first)
    issued = apply(runtime, plan, issue).credentials
    return f"{domain}: the access key {issued.access_key_id if issued else '?'} is pending."


def _test(rotation: _Rotation) -> str:
    """Show the pending key to AWS."""
    credentials = rotation.secret.to_test()
    try:
        return rotation.runtime.verify(credentials)
    except SesTenantError as error:
        raise SesTenantError(
            error.code,
            f"{error.message} The site keeps its present key.",
            "Secrets Manager tries again.",
        ) from error


def _finish(rotation: _Rotation) -> str:
    """Make the pending version what sites read, and note the delivery."""
    domain = rotation.secret.domain()
    key = rotation.secret.pending(domain).held_key()
    if key is None:
        raise SesTenantError(
            ErrorCode.NOT_FOUND,
            f"{domain}: the version {rotation.event.token} of {rotation.versions.name} holds no "
            "access key.",
            "Secrets Manager has to run createSecret first.",
        )
    view = _require_in_time(rotation, key)
    _promote(rotation)
    _note(rotation.runtime, view, key)
    return f"{domain}: the site reads the access key {key} from now on."


def _note_again(rotation: _Rotation) -> str:
    """Note the delivery if an earlier attempt was stopped before it could."""
    view = _look(rotation)
    key = view.situation.held
    if key is not None and _announced(view, rotation.event):
        _note(rotation.runtime, view, key)
    return f"{view.spec.domain}: the site reads the access key {key} already."


def _note(runtime: Runtime, view: _View, key: str) -> None:
    older = (k.access_key_id for k in view.situation.access_keys if k.access_key_id != key)
    tag = note(naming.TAG_DELIVERED, (key, *older), runtime.now())
    runtime.iam.apply(steps.TagUser(view.spec.user_name, tag))


def _promote(rotation: _Rotation) -> None:
    try:
        rotation.secret.promote(rotation.versions.current)
    except SesTenantError:
        if not rotation.secret.versions().check(rotation.event.token):
            raise


def _look(rotation: _Rotation) -> _View:
    """Read the tenant: six or seven reads."""
    secret, versions, event = rotation.secret, rotation.versions, rotation.event
    domain = secret.domain()
    observed = observe(rotation.runtime.iam, domain)
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
    situation = read_situation(rotation.runtime, observed, current)
    delivered = situation.delivered
    if delivered is not None and delivered.issuer == event.process:
        # An earlier attempt of this rotation; the steps of one run one after the other.
        situation = replace(situation, issuer_alive=False)
    return _View(spec, observed, situation, current)


def _require_in_time(rotation: _Rotation, key: str) -> _View:
    """Return the view of a pending key that may become the site's.

    Raises `partial_failure` otherwise, after the rotation was given up: a version's value cannot be
    replaced, so only another rotation helps, and a label that stays would block it.
    """
    event = rotation.event
    pauses = list(_PAUSES)
    while True:
        view = _look(rotation)
        problem = _problem(view, event, key, rotation.runtime.now())
        if problem is None:
            return view
        if not pauses:
            break
        rotation.runtime.sleep(pauses.pop(0))
    if _issued_by(view, event, key):
        drop = steps.DeleteAccessKey(view.spec.user_name, key, undelivered=True)
        apply(rotation.runtime, (drop,))
    rotation.secret.discard()
    raise SesTenantError(
        ErrorCode.PARTIAL_FAILURE,
        f"{view.spec.domain}: this rotation was given up, because {problem}. The site keeps its "
        "present key.",
        f"To begin anew: aws secretsmanager rotate-secret --secret-id {rotation.versions.name}",
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
    more = " ".join(warning.message for warning in decision.warnings)
    return SesTenantError(
        ErrorCode.ACCESS_KEY_LIMIT,
        f"{tenant.domain} cannot be given another access key now: its last rotation is not over "
        f"({decision.state}), and IAM allows two keys.{when} {more}".rstrip(),
        f"ses-tenant show {tenant.domain} lists its keys. Run rotate-keys daily, and rotate "
        "secrets less often than its grace time and quarantine together.",
    )
