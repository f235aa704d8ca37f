"""Signature Version 4, seen from the side of AWS.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPMessage

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_MAX_SKEW = timedelta(minutes=15)
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)/(\d{8})/([\w-]+)/([\w-]+)/aws4_request,\s*"
    r"SignedHeaders=([\w;.-]+),\s*Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True)
class Signed:
    """What an Authorization header says: by whom, for which service and Region."""

    access_key_id: str
    date: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str


def parse_authorization(header: str) -> Signed | None:
    """Return the parts of an Authorization header, or None if it is not of Signature Version 4."""
    match = _AUTHORIZATION.fullmatch(header.strip())
    if match is None:
        return None
    access_key_id, date, region, service, headers, signature = match.groups()
    return Signed(access_key_id, date, region, service, tuple(headers.split(";")), signature)


def is_genuine(
    signed: Signed,
    secret_access_key: str,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> bool:
    """Tell whether the request was signed with the secret, not more than 15 minutes ago.

    The body's hash is always computed here, never taken from a header.
    """
    given = {name: headers.get(name, "") for name in signed.headers}
    stamp = headers.get("x-amz-date", "")
    claimed = headers.get("x-amz-content-sha256")
    if "host" not in given or "x-amz-date" not in given or not stamp.startswith(signed.date):
        return False
    if claimed is not None and claimed != hashlib.sha256(body).hexdigest():
        return False
    try:
        at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    if abs(now - at) > _MAX_SKEW:
        return False
    credentials = Credentials(signed.access_key_id, secret_access_key)
    auth = _AllHeaders(credentials, signed.service, signed.region)
    request = AWSRequest(method=method, url=url, headers=given, data=body)
    request.context["timestamp"] = stamp
    text = auth.string_to_sign(request, auth.canonical_request(request))
    return hmac.compare_digest(auth.signature(text, request), signed.signature)


class _AllHeaders(SigV4Auth):
    """Sign every header given; the client has chosen them."""

    def headers_to_sign(self, request: AWSRequest) -> HTTPMessage:
        headers = HTTPMessage()
        for name, value in request.headers.items():
            headers[name.lower()] = value
        return headers
