"""A certificate authority that lives as long as the sandbox, and the TLS settings of its server."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import trustme

from ses_tenant.core.regions import api_host

_ALWAYS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Certificate:
    """`ca_file` has the authority alone; `bundle_file` has what the system trusts beside it."""

    context: ssl.SSLContext
    ca_file: Path
    bundle_file: Path


def make_certificate(
    folder: Path, host: str, region: str, environ: Mapping[str, str]
) -> Certificate:
    """Make a certificate for `host`, the names of the loopback and those of SES in the Region.

    Its files go to `folder`.
    """
    authority = trustme.CA(organization_name="ses-tenant sandbox")
    any_host = ("0.0.0.0", "::")  # noqa: S104 - which is no name
    names = dict.fromkeys(n for n in (*_ALWAYS, host, api_host(region)) if n not in any_host)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert(*names).configure_cert(context)
    ca_file, bundle_file = folder / "ca.pem", folder / "bundle.pem"
    pem = authority.cert_pem.bytes()
    ca_file.write_bytes(pem)
    paths = ssl.get_default_verify_paths()
    system = environ.get("SSL_CERT_FILE") or paths.cafile or paths.openssl_cafile
    trusted = Path(system).read_bytes() if system and os.access(system, os.R_OK) else b""
    bundle_file.write_bytes(trusted + b"\n" + pem)
    return Certificate(context, ca_file, bundle_file)
