"""The command by which a site sends a test mail: a shell reads it, and it mails the simulator."""

import shlex
import subprocess

import pytest

from ses_tenant.core.tenant.spec import Interface
from ses_tenant.destinations.formats import FORMATS

# Their consumers send as what is set in them, at the tenant's domain.
FROM_THE_FORMAT = {"wp-mail-smtp", "wp-offload-ses", "fluent-smtp", "django", "laravel"}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("interface", Interface)
def test_a_site_can_try_its_settings(name: str, interface: Interface) -> None:
    command = FORMATS[name].test_mail("shop.example.com", interface)
    if name == "json":
        assert command is None
        return
    assert command is not None
    subprocess.run(["bash", "-n", "-c", command], check=True)
    assert "success@simulator.amazonses.com" in command
    assert ("test@shop.example.com" in command) == (name not in FROM_THE_FORMAT)
    assert "DOMAIN" not in command
    assert "SENDER" not in command


def test_each_interface_has_its_sender() -> None:
    sent = {i: shlex.split(FORMATS["env"].test_mail("a.example", i) or "") for i in Interface}
    assert sent[Interface.API][:2] == ["python3", "examples/send_boto3.py"]
    assert sent[Interface.SMTP][:2] == ["python3", "examples/send_smtplib.py"]
