import pytest

from ses_tenant.core.errors import ErrorCode, SesTenantError
from ses_tenant.core.regions import (
    SMTP_REGIONS,
    check_region,
    partition_of,
    smtp_host,
    smtp_warning,
)


@pytest.mark.parametrize(
    ("region", "partition", "host"),
    [
        ("eu-central-1", "aws", "email-smtp.eu-central-1.amazonaws.com"),
        ("us-east-1", "aws", "email-smtp.us-east-1.amazonaws.com"),
        ("us-gov-west-1", "aws-us-gov", "email-smtp.us-gov-west-1.amazonaws.com"),
        ("eusc-de-east-1", "aws-eusc", "email-smtp.eusc-de-east-1.amazonaws.eu"),
        ("cn-north-1", "aws-cn", "email-smtp.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_partition_and_smtp_host(region: str, partition: str, host: str) -> None:
    assert check_region(region) == region
    assert partition_of(region) == partition
    assert smtp_host(region) == host


@pytest.mark.parametrize(
    "region", ["ap-southeast-2", "ap-northeast-3", "mx-central-1", "il-central-1", "me-south-1"]
)
def test_region_names(region: str) -> None:
    assert check_region(region) == region
    assert partition_of(region) == "aws"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("eu-central-1a", "'eu-central-1a' is an Availability Zone; its Region is eu-central-1."),
        ("us-gov-west-1b", "its Region is us-gov-west-1."),
        ("Frankfurt", "A Region looks like eu-central-1"),
        ("", "A Region looks like"),
        ("eu-central", "A Region looks like"),
        ("EU-CENTRAL-1", "A Region looks like"),
        ("eu_central_1", "A Region looks like"),
        ("eu-central-1\n", "A Region looks like"),
        (" eu-central-1", "A Region looks like"),
        ("eu-central-1,us-east-1", "A Region looks like"),
        ("eu-central-*", "A Region looks like"),
        ("eu-central-1/x", "A Region looks like"),
        ("eu-central-1.evil.example", "A Region looks like"),
        ("eu-central-\u0661", "A Region looks like"),
    ],
)
def test_not_a_region(text: str, hint: str) -> None:
    with pytest.raises(SesTenantError) as caught:
        check_region(text)
    assert caught.value.code is ErrorCode.USAGE
    assert "is not the name of an AWS Region" in caught.value.message
    assert hint in caught.value.hint


def test_no_warning_where_smtp_is_known() -> None:
    assert len(SMTP_REGIONS) == 19
    for region in ("eu-central-1", "us-east-1", "us-gov-west-1", "sa-east-1", "ap-south-1"):
        assert region in SMTP_REGIONS
        assert smtp_warning(region) is None


@pytest.mark.parametrize(
    ("region", "why"),
    [
        ("ap-southeast-3", "users report that SES offers no SMTP endpoint there"),
        ("eu-central-2", "users report that SES offers no SMTP endpoint there"),
        ("af-south-1", "users report that SES offers no SMTP endpoint there"),
        ("mx-central-1", "not in the list of Regions with a confirmed SES SMTP endpoint"),
        ("eusc-de-east-1", "not in the list of Regions with a confirmed SES SMTP endpoint"),
    ],
)
def test_warning_where_smtp_is_not_known(region: str, why: str) -> None:
    warning = smtp_warning(region)
    assert warning is not None
    assert warning.code == "smtp_region_unconfirmed"
    assert why in warning.message
    assert f"email-smtp.{region}.amazonaws." in warning.message
