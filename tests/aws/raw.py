"""An answer of AWS that is made up, down to its bytes."""

from collections.abc import Iterator
from dataclasses import dataclass

from botocore.awsrequest import AWSResponse


@dataclass(frozen=True)
class _Raw:
    body: bytes

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.body


def response(status: int, body: bytes = b"") -> AWSResponse:
    return AWSResponse("", status, {}, _Raw(body))  # type: ignore[arg-type]
