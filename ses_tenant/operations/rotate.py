"""`rotate-keys` for one tenant: the next move of its keys."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError
from ses_tenant.core.rotation.decision import (
    Action,
    Case,
    Decision,
    Mode,
    NextStep,
    RotationOptions,
    Tenant,
)
from ses_tenant.core.rotation.keys import KeyState
from ses_tenant.core.rotation.next_move import decide
from ses_tenant.core.tenant import naming, steps
from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.core.tenant.destination import Destination
from ses_tenant.core.tenant.notes import Note
from ses_tenant.core.tenant.observed import KeyStatus, Observed, ReportedKey
from ses_tenant.core.tenant.request import TenantRequest, require_regions, resolve
from ses_tenant.core.tenant.spec import STDOUT, TenantSpec
from ses_tenant.core.tenant.tags import Damaged, Remembered
from ses_tenant.operations.apply import Issue, apply
from ses_tenant.operations.observe import observe_all, unknown_tenant
from ses_tenant.operations.protocols import Iam
from ses_tenant.operations.runtime import Runtime
from ses_tenant.operations.situation import read_situation


@dataclass(frozen=True)
class Turn:
    """One tenant's turn: what was decided, and after `carry_out` what came of it."""

    domain: str
    decision: Decision | None = None
    observed: Observed | None = None
    spec: TenantSpec | None = None
    destination: Destination | None = None
    credentials: Credentials | None = None
    notes: tuple[str, ...] = ()
    error: SesTenantError | None = None

    @property
    def plan(self) -> steps.Plan:
        """Return the steps that are planned."""
        return self.decision.plan if self.decision else ()


def choose(
    iam: Iam,
    domains: Sequence[SendingDomain],
    options_of: Callable[[str], RotationOptions | None],
    now: datetime,
) -> tuple[list[tuple[Observed, datetime | None]], list[Turn]]:
    """Return the tenants to look at closely, and turns for those that need no look.

    With each of the former, since when it is due, as far as that is known without a look.

    All tenants are read at once, page by page. With domains, these are looked at. Without, the
    credential report and the notes in the tags tell which may be due; the report is never the
    reason to touch a key, only to look. `options_of` gives a tenant's options, None to leave it
    alone.
    """
    tenants = {o.domain.name: o for o in observe_all(iam)[0]}
    if domains:
        missing = [
            Turn(domain.name, error=unknown_tenant(domain, tenants))
            for domain in domains
            if domain.name not in tenants
        ]
        return [(tenants[d.name], None) for d in domains if d.name in tenants], missing
    chosen = {d: (o, options) for d, o in tenants.items() if (options := options_of(d))}
    if not chosen:
        return [], []
    report = iam.credential_report().users
    close, done = [], []
    for domain, (observed, options) in chosen.items():
        quiet = _quiet(observed, report, options, now)
        if quiet is None:
            keys = report.get(observed.user.user_arn, ())
            close.append((observed, _due_since(observed, keys, options)))
        else:
            done.append(Turn(domain, quiet, observed))
    return close, done


def prepare(runtime: Runtime, observed: Observed, options: RotationOptions) -> Turn:
    """Read one tenant's keys and destination, and decide. A refusal is raised."""
    sending_domain, iam = observed.domain, runtime.iam
    domain = sending_domain.name
    observed = replace(observed, access_keys=iam.list_access_keys(observed.user.user_name))
    spec = resolve(TenantRequest(sending_domain), observed, runtime.default_region)
    require_regions(spec)
    destination = runtime.open_destination(spec)
    situation = read_situation(runtime, observed, destination)
    if situation.readable and situation.held is None:
        destination.check()  # what stands there without a key may be somebody else's
    tenant = Tenant(domain, observed.user.user_name, spec.destination)
    decision = decide(Case(tenant, situation, runtime.now(), runtime.process, options))
    if options.mode is Mode.COMPROMISED and naming.TAG_SUSPENDED in observed.user.tags:
        # A `resume` that broke off has left it behind: a suspended tenant is refused above.
        forget = steps.UntagUser(observed.user.user_name, (naming.TAG_SUSPENDED,))
        decision = replace(decision, plan=(*decision.plan, forget))
    if decision.action is Action.ISSUED:
        if spec.destination == STDOUT and not options.named:
            decision = _not_printed(domain, decision)
        else:
            destination.check()
    return Turn(domain, decision, observed, spec, destination)


def carry_out(runtime: Runtime, turn: Turn, *, verify: bool) -> Turn:
    """Apply a turn's plan, and verify a new key if asked.

    Raises the SesTenantError of a step that failed. What fails after a key was issued is part of
    what is returned, as is the key.
    """
    if turn.error or not turn.plan or not (turn.observed and turn.spec and turn.destination):
        return turn
    issue = Issue(
        turn.spec,
        turn.observed.user.user_arn,
        turn.destination,
        first=not turn.observed.access_keys,
    )
    turn = replace(turn, credentials=apply(runtime, turn.plan, issue).credentials)
    try:
        _reactivate_if_held(runtime.iam, turn)
        if turn.credentials and verify:
            turn = replace(turn, notes=(runtime.verify(turn.credentials),))
    except SesTenantError as error:
        return replace(turn, error=error)
    return turn


def _reactivate_if_held(iam: Iam, turn: Turn) -> None:
    """After a deactivation look at the destination once more: somebody may have put a key back."""
    off = [
        s.access_key_id
        for s in turn.plan
        if isinstance(s, steps.UpdateAccessKey) and s.status is KeyStatus.INACTIVE
    ]
    destination = turn.destination
    if not off or destination is None or not destination.readable:
        return
    held = destination.held_key()
    if held in off and turn.observed:
        iam.apply(steps.UpdateAccessKey(turn.observed.user.user_name, held, KeyStatus.ACTIVE))
        raise SesTenantError(
            ErrorCode.PARTIAL_FAILURE,
            f"{turn.domain}: the destination holds {held} again, which was just deactivated; it "
            "is Active again.",
            "Somebody else has changed the destination. Run the same command again.",
        )


def _quiet(
    observed: Observed,
    report: Mapping[str, tuple[ReportedKey, ...]],
    options: RotationOptions,
    now: datetime,
) -> Decision | None:
    """Return the decision to do nothing if it is certain enough, else None."""
    tags = observed.user.remembered
    if observed.suspended:
        return Decision(KeyState.SUSPENDED, KeyState.SUSPENDED, next_step=NextStep.RESUME)
    keys = report.get(observed.user.user_arn, ())
    delivered = tags.delivered
    busy = (
        tags.retired is not None
        or isinstance(delivered, Damaged)
        or (delivered is not None and delivered.open)
    )
    if busy or len(keys) != 1 or not keys[0].active or keys[0].changed_at is None:
        return None
    due_at = keys[0].changed_at + options.max_age
    if now >= due_at:
        return None
    return Decision(
        KeyState.STEADY, KeyState.STEADY, next_step=NextStep.ROTATE, next_step_at=due_at
    )


def _due_since(
    observed: Observed, keys: Sequence[ReportedKey], options: RotationOptions
) -> datetime | None:
    """Return when the next step has become due, as the notes or the report tell it."""
    match observed.user.remembered:
        case Remembered(retired=Note(at=at)):
            return at + options.quarantine
        case Remembered(delivered=Note(open=True, at=at, issuer=issuer, elsewhere=elsewhere)):
            return at if issuer or elsewhere else at + options.grace
    changed_at = keys[0].changed_at if len(keys) == 1 else None
    return changed_at + options.max_age if changed_at else None


def _not_printed(domain: str, decision: Decision) -> Decision:
    """Return the decision not to print a secret that nobody asked for, as in cron's mail."""
    return Decision(
        decision.found,
        decision.found,
        next_step=NextStep.ROTATE,
        warnings=(
            Notice(
                "not_rotated",
                f"{domain} is due, and its credentials go to stdout. Give it a destination: "
                f"ses-tenant create {domain} --to DESTINATION. Or print new ones: ses-tenant "
                f"rotate-keys {domain}",
            ),
        ),
    )
