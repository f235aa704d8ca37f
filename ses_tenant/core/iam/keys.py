"""Which condition keys nobody knows before a request is made, by who makes it.

All others describe the principal and the request itself: what is not given of them is absent.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from ses_tenant.core.iam.conditions import FEDERATION
from ses_tenant.core.iam.ses_actions import CREDENTIAL_KEYS

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
) | CREDENTIAL_KEYS  # fmt: skip
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
