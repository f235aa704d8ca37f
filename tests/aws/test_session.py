"""The session: which Region and endpoint count, and what is logged."""

import logging
from pathlib import Path

import pytest
from moto import mock_aws

from ses_tenant.aws.iam import Iam
from ses_tenant.aws.session import open_session
from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.tenant.steps import CreateUser


class TestRegion:
    @pytest.mark.parametrize(
        ("option", "environment", "expected"),
        [
            (None, {}, None),
            (None, {"AWS_DEFAULT_REGION": "us-east-1"}, "us-east-1"),
            (None, {"AWS_REGION": "eu-west-1"}, "eu-west-1"),
            (None, {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}, "eu-west-1"),
            (None, {"AWS_REGION": "", "AWS_DEFAULT_REGION": "us-east-1"}, "us-east-1"),
            ("eu-north-1", {"AWS_REGION": "eu-west-1"}, "eu-north-1"),
        ],
    )
    def test_the_option_counts_before_aws_region_before_aws_default_region(
        self,
        monkeypatch: pytest.MonkeyPatch,
        option: str | None,
        environment: dict[str, str],
        expected: str | None,
    ) -> None:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

        assert open_session(None, option, None).region == expected

    def test_a_profiles_region_counts_last(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        config = tmp_path / "config"
        config.write_text("[profile agency]\nregion = ap-south-1\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))

        assert open_session("agency", None, None).region == "ap-south-1"
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
        assert open_session("agency", None, None).region == "eu-west-1"

    def test_regions_with_ses_are_known(self) -> None:
        open_session(None, None, None).check_regions(("eu-central-1", "us-east-1"))

    @pytest.mark.parametrize(
        ("region", "hint"),
        [
            ("eu-centrall-1", "Did you mean eu-central-1?"),
            ("eu-norht-1", "Did you mean eu-north-1?"),
            ("nowhere-9", "A newer boto3 may know the Region."),
        ],
    )
    def test_an_unknown_region_is_refused_with_what_was_meant(self, region: str, hint: str) -> None:
        with pytest.raises(SesTenantError) as caught:
            open_session(None, None, None).check_regions(("eu-central-1", region))

        assert caught.value.code is ErrorCode.NO_REGION
        assert f"'{region}'" in caught.value.message
        assert caught.value.hint == hint


def test_an_unknown_profile_is_named() -> None:
    with pytest.raises(SesTenantError) as caught:
        open_session("nobody", None, None)

    assert caught.value.code is ErrorCode.NO_CREDENTIALS
    assert "nobody" in caught.value.message


@pytest.mark.parametrize("url", ["", "localhost:5000", "ftp://127.0.0.1", "http://", "not a url"])
def test_a_bad_endpoint_is_refused(url: str) -> None:
    with pytest.raises(SesTenantError) as caught:
        open_session(None, None, url)

    assert caught.value.code is ErrorCode.USAGE


@pytest.mark.usefixtures("credentials")
def test_a_bad_endpoint_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost:5000")

    try:
        open_session(None, "eu-central-1", None).iam_client()
    except SesTenantError as error:
        assert error.code is ErrorCode.USAGE
    else:
        pytest.fail("it was taken")


def test_without_credentials_it_says_so() -> None:
    gateway = Iam(open_session(None, "eu-central-1", "http://127.0.0.1:9"))

    with pytest.raises(SesTenantError) as caught:
        gateway.get_user("shop")

    assert caught.value.code is ErrorCode.NO_CREDENTIALS


@pytest.mark.usefixtures("credentials")
class TestClient:
    def test_calls_are_repeated_up_to_eight_times(self) -> None:
        client = open_session(None, "eu-central-1", None).iam_client()

        assert client.meta.config.retries == {"mode": "standard", "total_max_attempts": 10}  # type: ignore[attr-defined]

    def test_a_client_can_be_made_that_repeats_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
        client = open_session(None, "eu-central-1", None).iam_client_without_retries()

        assert client.meta.config.retries["total_max_attempts"] == 1  # type: ignore[attr-defined]

    def test_what_the_environment_says_of_retries_counts(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
        client = open_session(None, "eu-central-1", None).iam_client()

        assert client.meta.config.retries["total_max_attempts"] == 3  # type: ignore[attr-defined]

    @pytest.mark.parametrize(("workers", "connections"), [(1, 10), (32, 32)])
    def test_every_worker_has_a_connection(self, workers: int, connections: int) -> None:
        client = open_session(None, "eu-central-1", None, workers).iam_client()

        assert client.meta.config.max_pool_connections == connections  # type: ignore[attr-defined]


class TestDebugLog:
    """botocore's own log prints the answer to CreateAccessKey, secret included."""

    def test_it_names_calls_and_never_holds_a_secret(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        with mock_aws(), caplog.at_level(logging.DEBUG, logger="ses_tenant"):
            gateway = Iam(open_session(None, "eu-central-1", None))
            gateway.create_user(CreateUser("shop", "/", {"client": "secret-client"}))
            key = gateway.create_access_key("shop")

        ours = [r.getMessage() for r in caplog.records if r.name.startswith("ses_tenant")]
        assert [line.split(" request=")[0] for line in ours] == [
            "-> CreateUser",
            "<- CreateUser status=200 attempts=1",
            "-> CreateAccessKey",
            "<- CreateAccessKey status=200 attempts=1",
        ]
        assert key.secret_access_key not in caplog.text
        assert key.access_key_id not in caplog.text
        assert "secret-client" not in caplog.text

    def test_without_debug_nothing_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        with mock_aws(), caplog.at_level(logging.INFO, logger="ses_tenant"):
            Iam(open_session(None, "eu-central-1", None)).get_user("shop")

        assert [r for r in caplog.records if r.name.startswith("ses_tenant")] == []

    @pytest.mark.usefixtures("credentials")
    def test_a_session_shows_no_credentials(self) -> None:
        assert "EXAMPLE" not in repr(open_session(None, "eu-central-1", None))
