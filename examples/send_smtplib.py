#!/usr/bin/env python3
"""Send one message over SMTP with the variables that `ses-tenant create DOMAIN --smtp` prints.

    python3 examples/send_smtplib.py FROM TO

Needs nothing but Python. FROM must be an address of DOMAIN, in lower case.
"""

import os
import smtplib
import ssl
import sys
from email.message import EmailMessage


def main(sender: str, recipient: str) -> None:
    """Send the message; raises an SMTPException if SES refuses it."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = "It works"
    message.set_content("Sent through Amazon SES.\n")
    host, port = os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])
    with smtplib.SMTP(host, port, timeout=30) as smtp:
        smtp.starttls(context=ssl.create_default_context())
        smtp.login(os.environ["SMTP_USERNAME"], os.environ["SMTP_PASSWORD"])
        smtp.send_message(message)


if __name__ == "__main__":
    main(*sys.argv[1:])
