"""`python -m tests.live clean [--profile P] [--region R]`: remove what a run has left behind."""

import argparse
import os
import sys

import boto3

from .account import LiveAccount, clean


def main() -> None:
    """Delete every user and identity that carries the tag of the live suite."""
    parser = argparse.ArgumentParser(prog="python -m tests.live")
    parser.add_argument("what", choices=["clean"])
    parser.add_argument("--profile")
    parser.add_argument("--region")
    given = parser.parse_args()
    session = boto3.Session(profile_name=given.profile)
    region = given.region or session.region_name or "eu-central-1"
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    for name in clean(LiveAccount(session, region, "", "", "", endpoint)):
        sys.stdout.write(f"deleted {name}\n")


main()
