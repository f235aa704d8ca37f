"""No test gets out of the machine."""

import os
import socket

import boto3
import pytest


@pytest.mark.parametrize("address", [("198.51.100.1", 443), ("2001:db8::1", 443, 0, 0)])
def test_a_connection_elsewhere_is_refused(address: tuple[str, int]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as connection, pytest.raises(pytest.fail.Exception):
        connection.connect(address)


def test_a_name_is_not_looked_up() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"iam\.amazonaws\.com"):
        socket.create_connection(("iam.amazonaws.com", 443), timeout=1)


@pytest.mark.usefixtures("credentials")
def test_a_client_of_aws_is_stopped() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"amazonaws\.com"):
        boto3.client("iam", region_name="eu-central-1").list_users()


def test_there_are_no_credentials_to_find() -> None:
    assert boto3.session.Session().get_credentials() is None
    assert not any(name in os.environ for name in ("AWS_PROFILE", "AWS_REGION", "AWS_ENDPOINT_URL"))
