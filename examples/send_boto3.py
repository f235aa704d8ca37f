#!/usr/bin/env python3
"""Send one message through the SES API with the variables that `ses-tenant create DOMAIN` prints.

    python3 examples/send_boto3.py FROM TO

Needs boto3, which reads the variables itself. FROM must be an address of DOMAIN, in lower case.
"""

import sys

import boto3


def main(sender: str, recipient: str) -> None:
    """Send the message; raises botocore's ClientError if SES refuses it."""
    boto3.client("sesv2").send_email(
        FromEmailAddress=sender,
        Destination={"ToAddresses": [recipient]},
        Content={
            "Simple": {
                "Subject": {"Data": "It works"},
                "Body": {"Text": {"Data": "Sent through Amazon SES.\n"}},
            }
        },
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
