#!/usr/bin/env python3
"""Load a sandbox: many sessions at once, then a steady rate; report what was lost or doubled.

    python tests/foreign/load.py [SESSIONS] [RATE] [SECONDS]

Not a test: it takes a minute and both cores. Ends with status 1 if a message is lost or doubled.
"""

import smtplib
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from email.parser import BytesHeaderParser

from ses_tenant.sandbox.server import serve
from tests.sandbox.conftest import SHOP, Box


def main(sessions: int, rate: int, seconds: int) -> int:
    """Run both parts and return the exit status."""
    with serve() as sandbox:
        box = Box(sandbox)
        shop = box.tenant(SHOP)

        def connect() -> smtplib.SMTP:
            connection = box.smtp()
            connection.login(shop.access_key_id, shop.password())
            return connection

        def send(connection: smtplib.SMTP, number: int) -> None:
            text = f"From: a@{SHOP}\r\nX-Number: {number}\r\n\r\nx\r\n"
            connection.sendmail(f"a@{SHOP}", ["b@client.example"], text)

        with ThreadPoolExecutor(sessions) as pool:
            began = time.monotonic()
            open_at_once = list(pool.map(lambda _: connect(), range(sessions)))
            took = time.monotonic() - began
            print(f"{len(open_at_once)} sessions open at once after {took:.1f} s")
            list(pool.map(send, open_at_once, range(sessions)))
            for connection in open_at_once[20:]:
                connection.quit()
            senders = open_at_once[:20]

            def steady(place: int) -> None:
                for turn in range(place, rate * seconds, len(senders)):
                    time.sleep(max(0.0, start + turn / rate - time.monotonic()))
                    send(senders[place], sessions + turn)

            start = time.monotonic()
            list(pool.map(steady, range(len(senders))))
            took = time.monotonic() - start
            for connection in senders:
                connection.quit()
        parser = BytesHeaderParser()
        found = Counter(
            parser.parsebytes(entry.raw)["X-Number"] for entry in sandbox.post.outbox.entries()
        )
        wanted = {str(number) for number in range(sessions + rate * seconds)}
        lost, doubled = wanted - found.keys(), [n for n, times in found.items() if times > 1]
        print(
            f"{rate * seconds} messages in {took:.1f} s ({rate * seconds / took:.1f}/s): "
            f"{len(lost)} lost, {len(doubled)} doubled"
        )
    return 1 if lost or doubled else 0


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*given, *(200, 50, 60)[len(given) :]))
