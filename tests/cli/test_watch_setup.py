"""`watch setup` and `watch remove` from the command line, against the sandbox."""

from collections.abc import Iterator

import boto3
import pytest
from typer.testing import CliRunner

from ses_tenant.cli.app import app
from ses_tenant.sandbox.server import Options, serve

from .conftest import Answer

SHOP, EU, US = "shop.example.com", "eu-central-1", "us-east-1"
SET = "ses-tenant-events"


def run(*args: str, status: int = 0) -> Answer:
    result = CliRunner().invoke(app, list(args), prog_name="ses-tenant")
    assert result.exit_code == status, (result.stdout, result.stderr)
    return Answer(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with serve(Options(region=EU)) as sandbox:
        monkeypatch.setenv("AWS_ENDPOINT_URL", sandbox.url)
        monkeypatch.setenv("AWS_REGION", EU)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "operator")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
        yield sandbox.url


def test_a_site_goes_on_sending_while_it_comes_to_be_watched(url: str) -> None:
    created = run("create", SHOP, "--scope", "identity", "--quiet", "--no-verify", "-o", "json")
    key = created.json["data"]["credentials"]
    site = boto3.client(
        "sesv2", EU, endpoint_url=url, aws_access_key_id=key["access_key_id"],
        aws_secret_access_key=key["secret_access_key"],
    )  # fmt: skip

    def send() -> None:
        site.send_email(
            FromEmailAddress=f"info@{SHOP}",
            Destination={"ToAddresses": ["success@simulator.amazonses.com"]},
            Content={"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}},
        )

    shown = run("watch", "setup", "--dry-run").stdout.splitlines()
    actions = ("CreateConfigurationSet", "CreateConfigurationSetEventDestination")
    default = "PutEmailIdentityConfigurationSetAttributes"
    told = (
        f"create the configuration set {SET}",
        f"send the events of {SET} to EventBridge",
        f"make {SET} the default configuration set of {SHOP}",
    )
    expected = zip((*actions, default), told, strict=True)
    assert shown == [f"+ ses:{action}: eu-central-1: {line}" for action, line in expected]
    first = run("watch", "setup", "-o", "json").json["data"]
    assert list(first) == ["configuration_set", "regions", "steps"]
    assert first["configuration_set"] == SET
    assert first["regions"] == [{"region": EU, "watched": [SHOP]}]
    assert [f"+ {s['action']}: {s['summary']}" for s in first["steps"]] == shown
    send()
    assert "nothing to change" in run("watch", "setup").stderr
    assert run("check", SHOP, "-o", "json").json["data"]["findings"] == []

    refused = run("watch", "remove", "-o", "json", status=2)
    assert refused.error["code"] == "usage"
    removed = run("watch", "remove", "--yes", "-o", "json").json["data"]
    assert [step["destructive"] for step in removed["steps"]] == [False, True]
    assert removed["regions"] == [{"region": EU, "watched": []}]
    send()


def test_a_region_with_a_set_of_somebody_elses_is_told_and_the_other_is_done(url: str) -> None:
    boto3.client("sesv2", US, endpoint_url=url).create_configuration_set(ConfigurationSetName=SET)
    both = run("watch", "setup", "--region", US, "--region", EU, "-o", "json", status=3)
    assert (both.error["code"], both.json["status"]) == ("not_ours", "partial")
    assert f"delete-configuration-set --region {US}" in both.error["hint"]
    assert both.json["data"]["regions"] == [{"region": EU, "watched": []}]
    assert len(both.json["data"]["steps"]) == 2
    alone = run("watch", "setup", "--region", US, "-o", "json", status=1)
    assert alone.error["code"] == "not_ours"
