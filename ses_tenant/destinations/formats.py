"""How credentials are written: each format is one function from credentials to text."""

from ses_tenant.core.credentials import Credentials


def env(credentials: Credentials) -> str:
    """Return NAME=value lines, as .env files, systemd's EnvironmentFile and shells read them.

    Keys and passwords are base64, so no value needs quotes, which some of these readers would keep
    as part of the value. The second and further Regions of an SMTP tenant get names that end in
    the Region.
    """
    lines = []
    if credentials.secret_access_key is not None:
        lines += [
            f"AWS_ACCESS_KEY_ID={credentials.access_key_id}",
            f"AWS_SECRET_ACCESS_KEY={credentials.secret_access_key}",
            # Most SDKs read the first name, botocore the second.
            f"AWS_REGION={credentials.regions[0]}",
            f"AWS_DEFAULT_REGION={credentials.regions[0]}",
        ]
    for number, smtp in enumerate(credentials.smtp):
        suffix = f"_{smtp.region.upper().replace('-', '_')}" if number else ""
        lines += [
            f"SMTP_HOST{suffix}={smtp.host}",
            f"SMTP_PORT{suffix}={smtp.port}",
            f"SMTP_USERNAME{suffix}={smtp.user_name}",
            f"SMTP_PASSWORD{suffix}={smtp.password}",
        ]
    return "".join(f"{line}\n" for line in lines)
