"""Which condition keys nobody knows before a request is made, by who makes it.

All others describe the principal and the request itself: what is not given of them is absent, but
for global keys that AWS has added since: of these nobody knows.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from functools import lru_cache

from ses_tenant.core.iam.ses_actions import CREDENTIAL_KEYS

# Families of keys, see `family`.
FEDERATION = "federation:*"
NEW = "aws:*"
# Of the network, the session and the time.
ENVIRONMENT = frozenset(
    f"aws:{name}"
    for name in (
        "sourceip", "vpcsourceip", "sourcevpc", "sourcevpce", "sourcevpcarn", "securetransport",
        "currenttime", "epochtime", "useragent", "referer", "multifactorauthpresent",
        "multifactorauthage", "tokenissuetime", "requestedregion", "calledvia", "calledviafirst",
        "calledvialast", "viaawsservice", "sourceidentity", "federatedprovider", "sourceaccount",
        "sourcearn", "sourceorgid", "sourceorgpaths", "vpceaccount", "vpceorgid", "vpceorgpaths",
        "principalorgid", "principalorgpaths", "resourceaccount", "resourceorgid",
        "resourceorgpaths", "userid", "ec2instancesourcevpc", "ec2instancesourceprivateipv4",
    )
) | CREDENTIAL_KEYS | {NEW}  # fmt: skip
RESOURCE_TAGS = "aws:resourcetag/*"
# Of a role's session: whoever assumes the role may choose them, or its identity provider does.
# Session tags take the place of the role's own.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
SESSION = frozenset({"aws:principaltag/*", "sts:rolesessionname", "sts:sourceidentity", FEDERATION})
# Of principals outside of the account, and of services.
OF_OTHERS = SESSION | frozenset(
    f"aws:{name}"
    for name in (
        "principalarn", "principalaccount", "principaltype", "username", "principalisawsservice",
        "principalservicename", "principalservicenameslist", "assumedroot",
    )
)  # fmt: skip
# The global keys of the page above that are in no request to send mail, or known of a principal.
_DOCUMENTED = frozenset(
    {*ENVIRONMENT, *OF_OTHERS, RESOURCE_TAGS, "aws:requesttag/*", "aws:tagkeys", "aws:sourceowner"}
)


@lru_cache(maxsize=1 << 12)
def family(key: str) -> str:
    """Return the family of a key in lower case: `aws:principaltag/*`, FEDERATION, NEW or itself.

    Keys of an identity provider have its host name before the colon.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
    """
    service, _, _ = key.partition(":")
    if service == "saml" or "." in service:
        return FEDERATION
    head, slash, _ = key.partition("/")
    of = f"{head}/*" if slash else key
    return NEW if service == "aws" and of not in _DOCUMENTED else of
