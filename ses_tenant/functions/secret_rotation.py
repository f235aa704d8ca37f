"""The function that Secrets Manager invokes: `ses_tenant.functions.secret_rotation.handler`."""

import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial

from ses_tenant.aws.iam import Iam
from ses_tenant.aws.session import AwsSession, open_session
from ses_tenant.aws.verify import verify_credentials
from ses_tenant.core.rotation.secret_versions import RotationEvent
from ses_tenant.core.tenant.credentials import Credentials
from ses_tenant.destinations.rotating import RotatingSecret
from ses_tenant.functions.boundary import guarded, log
from ses_tenant.functions.settings import rotation_options
from ses_tenant.operations.rotate_secret import World, rotate_secret


def handler(event: Mapping[str, object], context: object) -> None:
    """Carry out one step of a rotation.

    Secrets Manager looks at whether it raises and at nothing else: FunctionFailed says why.
    """
    del context

    def work() -> None:
        session = open_session(None, None, None)
        run(event, session, partial(verify_credentials, session, sleep=time.sleep))

    guarded(work)


def run(
    event: Mapping[str, object],
    session: AwsSession,
    verify: Callable[[Credentials], str],
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Carry out one step, and log what came of it. Raises SesTenantError."""
    parsed = RotationEvent.parse(event)
    world = World(rotation_options(os.environ, named=True), verify, sleep, now)
    told = rotate_secret(Iam(session, sleep), RotatingSecret(session, parsed), parsed, world)
    log({"step": parsed.step, "secret": parsed.secret_id, "result": told})
