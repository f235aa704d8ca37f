"""The function that Secrets Manager invokes: `ses_tenant.functions.secret_rotation.handler`."""

import os
from collections.abc import Callable, Mapping

from ses_tenant.aws.session import AwsSession, open_session
from ses_tenant.core.rotation.secret_versions import RotationEvent
from ses_tenant.core.tenant.notes import Process
from ses_tenant.destinations.rotating import RotatingSecret
from ses_tenant.functions.boundary import guarded, log
from ses_tenant.functions.runtime import make_runtime
from ses_tenant.functions.settings import rotation_options
from ses_tenant.operations.rotate_secret import rotate_secret
from ses_tenant.operations.runtime import Runtime


def handler(event: Mapping[str, object], context: object) -> None:
    """Carry out one step of a rotation.

    Secrets Manager looks at whether it raises and at nothing else: FunctionFailed says why.
    """
    del context

    guarded(lambda: run(event, open_session(None, None, None)))


def run(
    event: Mapping[str, object],
    session: AwsSession,
    runtime_of: Callable[[AwsSession, Process], Runtime] = make_runtime,
) -> None:
    """Carry out one step, and log what came of it. Raises SesTenantError."""
    parsed = RotationEvent.parse(event)
    options = rotation_options(os.environ, named=True)
    runtime = runtime_of(session, parsed.process)
    result = rotate_secret(runtime, RotatingSecret(session, parsed), parsed, options)
    log({"step": parsed.step, "secret": parsed.secret_id, "result": result})
