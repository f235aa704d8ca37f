"""The fixture `ses_tenant_sandbox`: any project can test that its site sends as itself alone.

pytest loads this where ses-tenant is installed; until a test asks for the fixture it imports
nothing more, and starts nothing.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ses_tenant.sandbox.attended import Sandboxes, TestSandbox

_SCOPE = "ses_tenant_sandbox_scope"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the setting."""
    parser.addini(
        _SCOPE,
        "How long a sandbox of ses_tenant_sandbox lives: function, class, module or session.",
        default="function",
    )


def _scope(fixture_name: str, config: pytest.Config) -> str:  # noqa: ARG001 - pytest gives both
    return str(config.getini(_SCOPE))


@pytest.fixture(scope="session")
def _ses_tenant_sandboxes() -> Iterator["Sandboxes"]:
    from ses_tenant.sandbox.attended import open_sandboxes

    with open_sandboxes() as sandboxes:
        yield sandboxes


@pytest.fixture(scope=_scope)  # type: ignore[arg-type]  # a name of a scope, as it is configured
def ses_tenant_sandbox(_ses_tenant_sandboxes: "Sandboxes") -> Iterator["TestSandbox"]:
    """Serve an AWS account of one's own that enforces sending policies, empty at first.

    `credentials(domain)` makes a tenant, `outbox` is what was accepted and refused, `url` the AWS
    endpoint. With pytest-xdist each worker has its own.
    """
    with _ses_tenant_sandboxes.sandbox() as sandbox:
        yield sandbox
