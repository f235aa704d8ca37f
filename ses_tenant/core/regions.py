"""AWS Regions and partitions, as far as ARNs and SMTP host names depend on them."""

import re

from ses_tenant.core.errors import ErrorCode, Notice, SesTenantError

_REGION = re.compile(r"[a-z]{2,8}(-[a-z]+){1,3}-[0-9]{1,2}")

# Partitions whose Regions share a prefix; every other Region is in `aws`.
_PARTITIONS = {
    "us-gov-": ("aws-us-gov", "amazonaws.com"),
    "eusc-": ("aws-eusc", "amazonaws.eu"),
    "cn-": ("aws-cn", "amazonaws.com.cn"),
}

# Regions whose SMTP endpoint is confirmed by lists that are in wide use. The authoritative page is
# https://docs.aws.amazon.com/general/latest/gr/ses.html#ses_smtp_endpoints
SMTP_REGIONS = frozenset(
    {
        *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"),
        *("eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3"),
        *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1"),
        *("ap-southeast-1", "ap-southeast-2", "us-gov-east-1", "us-gov-west-1"),
    }
)
_SMTP_REPORTED_MISSING = frozenset(
    {
        *("af-south-1", "ap-southeast-3", "ap-southeast-5", "eu-central-2"),
        *("eu-south-1", "me-south-1"),
    }
)


# Regions with the SES API, in the partition `aws`.
# https://docs.aws.amazon.com/general/latest/gr/ses.html#ses_region
_SES_REGIONS = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "ca-west-1"),
    *("eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1"),
    *("eu-west-2", "eu-west-3", "ap-east-2", "ap-northeast-1", "ap-northeast-2"),
    *("ap-northeast-3", "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2"),
    *("ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7"),
    *("af-south-1", "il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1"),
)
_SES_REGIONS_OF = {
    "aws": _SES_REGIONS,
    "aws-us-gov": ("us-gov-east-1", "us-gov-west-1"),
    "aws-eusc": ("eusc-de-east-1",),
}


def ses_regions(partition: str) -> tuple[str, ...]:
    """Return the Regions of a partition that may have SES; there may be others by now."""
    return _SES_REGIONS_OF.get(partition, ())


def is_region(text: str) -> bool:
    """Tell whether the text has the shape of a Region name."""
    return _REGION.fullmatch(text) is not None


def check_region(text: str) -> str:
    """Return `text` if it has the shape of a Region name.

    Raises SesTenantError `usage` otherwise, as for an Availability Zone or a place name.
    """
    if _REGION.fullmatch(text):
        return text
    zone = re.fullmatch(rf"({_REGION.pattern})[a-z]", text)
    hint = (
        f"'{text}' is an Availability Zone; its Region is {zone[1]}."
        if zone
        else "A Region looks like eu-central-1; see the Region menu of the AWS console."
    )
    raise SesTenantError(ErrorCode.USAGE, f"'{text}' is not the name of an AWS Region.", hint)


def partition_of(region: str) -> str:
    """Return the partition that ARNs of `region` begin with: `aws`, `aws-us-gov`, ...

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
    """
    return _partition(region)[0]


def smtp_host(region: str) -> str:
    """Return the host name of the SES SMTP interface in `region`.

    https://docs.aws.amazon.com/general/latest/gr/ses.html
    """
    return f"email-smtp.{region}.{_partition(region)[1]}"


def api_host(region: str) -> str:
    """Return the host name of the SES API in `region`."""
    return f"email.{region}.{_partition(region)[1]}"


def smtp_warning(region: str) -> Notice | None:
    """Return a warning if it is not known for certain that SES offers SMTP in `region`."""
    if region in SMTP_REGIONS:
        return None
    why = (
        "users report that SES offers no SMTP endpoint there, only the API"
        if region in _SMTP_REPORTED_MISSING
        else "it is not in the list of Regions with a confirmed SES SMTP endpoint"
    )
    return Notice(
        "smtp_region_unconfirmed",
        f"SMTP in {region}: {why}. Check that {smtp_host(region)} resolves before you use it.",
    )


def _partition(region: str) -> tuple[str, str]:
    for prefix, partition in _PARTITIONS.items():
        if region.startswith(prefix):
            return partition
    return ("aws", "amazonaws.com")
