"""Programs that send by the SES API and that nobody here wrote, each as one function.

A sender gets the sandbox's URL, an access key and a From address, and returns whether the message
was taken with the text that the program showed.
"""

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .senders import TO, Said, ran


@dataclass(frozen=True)
class ApiLogin:
    """What a program is configured with."""

    url: str
    region: str
    access_key_id: str
    secret_access_key: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_MAX_ATTEMPTS": "1",
        }


def aws(login: ApiLogin, sender: str) -> Said:
    content = {"Simple": {"Subject": {"Data": "Order"}, "Body": {"Text": {"Data": "Hello"}}}}
    return ran(
        *("aws", "sesv2", "send-email", "--from-email-address", sender),
        *("--destination", f"ToAddresses={TO}", "--content", json.dumps(content)),
        env=login.environment,
    )


_DJANGO = """
import os, sys
from django.conf import settings
settings.configure(**{backend})
import django
django.setup()
from django.core.mail import send_mail
try:
    sys.exit(0 if send_mail("Order", "Hello", sys.argv[1], ["customer@client.example"]) == 1 else 1)
except Exception as error:
    sys.exit(str(error))
"""
_DJANGO_SES = """dict(
    EMAIL_BACKEND="django_ses.SESBackend",
    AWS_SES_REGION_NAME=os.environ["AWS_REGION"],
    AWS_SES_REGION_ENDPOINT_URL=os.environ["AWS_ENDPOINT_URL"],
    AWS_ACCESS_KEY_ID=os.environ["AWS_ACCESS_KEY_ID"],
    AWS_SECRET_ACCESS_KEY=os.environ["AWS_SECRET_ACCESS_KEY"],
)"""
_ANYMAIL = """dict(
    EMAIL_BACKEND="anymail.backends.amazon_ses.EmailBackend", INSTALLED_APPS=["anymail"],
)"""


def django_ses(login: ApiLogin, sender: str) -> Said:
    program = _DJANGO.replace("{backend}", _DJANGO_SES)
    return ran(sys.executable, "-c", program, sender, env=login.environment)


def anymail(login: ApiLogin, sender: str) -> Said:
    program = _DJANGO.replace("{backend}", _ANYMAIL)
    return ran(sys.executable, "-c", program, sender, env=login.environment)


API_SENDERS: Mapping[str, Callable[[ApiLogin, str], Said]] = {
    "aws": aws,
    "django-ses": django_ses,
    "anymail": anymail,
}


def missing_api(name: str) -> str:
    """Return why a sender cannot run here, or nothing."""
    if name == "aws" and shutil.which("aws") is None:
        return "the aws CLI is not installed"
    return ""
