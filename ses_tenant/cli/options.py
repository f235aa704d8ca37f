"""The options that several verbs share, defined once."""

import inspect
import logging
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from ses_tenant.cli import completion
from ses_tenant.cli.console import Output
from ses_tenant.cli.terminal import STATUS
from ses_tenant.core.errors import SesTenantError
from ses_tenant.core.tenant.settings import Setting
from ses_tenant.core.tenant.spec import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    Verb = Callable[..., None]

    from ses_tenant.aws.session import AwsSession
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.core.tenant.request import TenantRequest

NONE = "none"
# The settings that options gave, by name; `takes_settings` puts the options in its place.
Given = Mapping[str, object]


Domain = Annotated[
    str,
    typer.Argument(
        metavar="DOMAIN",
        help="The sending domain.",
        show_default=False,
        autocompletion=completion.tenants,
    ),
]
Domains = Annotated[
    list[str],
    typer.Argument(
        metavar="DOMAIN",
        help="Sending domains.",
        show_default=False,
        autocompletion=completion.tenants,
    ),
]
Profile = Annotated[
    str | None, typer.Option("--profile", metavar="NAME", help="AWS profile to use.")
]
Region = Annotated[
    str | None,
    typer.Option(
        "--region",
        metavar="REGION",
        help="AWS Region to call, for the partition.",
        autocompletion=completion.regions,
    ),
]
EndpointUrl = Annotated[
    str | None,
    typer.Option("--endpoint-url", metavar="URL", help="Send every AWS request to this URL."),
]
OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="How to print the result.", show_default=True)
]
# Before the verb, which knows what it can print.
AnyOutput = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="<table|json>", help="How to print the result."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print the plan and change nothing.", show_default=False)
]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask before destroying.", show_default=False)
]
AsksNothing = Annotated[
    bool,
    typer.Option(
        "--yes", "-y", help="Taken as everywhere; this command never asks.", show_default=False
    ),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="No notes and no progress on stderr.", show_default=False),
]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug",
        help="Log each AWS call on stderr, without its contents.",
        show_default=False,
    ),
]
Verify = Annotated[
    bool,
    typer.Option(
        "--verify/--no-verify",
        help="Wait until AWS accepts the new key: STS for the API, a login for SMTP.",
        show_default=True,
    ),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Overwrite a destination that ses-tenant has not written.",
        show_default=False,
    ),
]


def takes_settings(settings: Sequence[Setting] = SETTINGS) -> "Callable[[Verb], Verb]":
    """Give a verb an option for each setting, in place of its parameter `given`.

    `given` gets the values by the settings' names. An error about a setting says by which option
    it was given.
    """

    def decorate(verb: "Verb") -> "Verb":
        signature = inspect.signature(verb)

        @wraps(verb)
        def run(**values: object) -> None:
            given = {s.name: values.pop(_parameter(s)) for s in settings}
            try:
                verb(given={name: v for name, v in given.items() if v not in (None, [])}, **values)
            except SesTenantError as error:
                raise _where_given(error, settings, given) from error

        parameters: list[inspect.Parameter] = []
        for parameter in signature.parameters.values():
            if parameter.name != "given":
                parameters.append(parameter)
                continue
            parameters += [
                parameter.replace(name=_parameter(s), default=None, annotation=_option(s))
                for s in settings
            ]
        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        return run

    return decorate


def _parameter(setting: Setting) -> str:
    return f"setting_{setting.field}"


def _option(setting: Setting) -> object:
    """Return how Typer reads a setting; not given is None, or an empty list."""
    kind = setting.kind
    value: object = str
    if kind.flag or "/" in setting.option:
        value = bool
    elif kind.choice is not None:
        value = kind.choice
    elif kind.many or kind.pairs:
        value = list[str]
    option = typer.Option(
        setting.option,
        metavar=setting.metavar,
        help=setting.help,
        show_default=False,
        autocompletion=completion.OF_SETTINGS.get(setting.name),
    )
    return Annotated[value | None, option]  # type: ignore[operator]


def _where_given(
    error: SesTenantError, settings: Sequence[Setting], given: Mapping[str, object]
) -> SesTenantError:
    """Return the failure, saying which options it is about: those that were given, else all."""
    about = [s for s in settings if s.name in error.settings]
    if not about:
        return error
    named = [s.option for s in about if given.get(s.name)]
    if named:
        return error.about(", ".join(named))
    return error.with_hint(f"The option is {' and '.join(s.option for s in about)}.")


def tenant_request(domain: str, given: Mapping[str, object]) -> "TenantRequest":
    """Return the request that the options of `create`, `policy` and `adopt` stand for.

    Raises SesTenantError `invalid_domain` and `usage`.
    """
    from ses_tenant.core.domain import SendingDomain
    from ses_tenant.core.tenant.request import TenantRequest
    from ses_tenant.core.tenant.spec import Interface
    from ses_tenant.destinations.formats import get_format
    from ses_tenant.destinations.registry import normalise

    by_name = parsed(SETTINGS, given)
    values = {s.field: by_name[s.name] for s in SETTINGS if s.name in by_name}
    form, interface = values.get("format"), values.get("interface")
    if isinstance(form, str) and isinstance(interface, Interface):
        get_format(form, interface)
    if isinstance(to := values.get("destination"), str):
        values["destination"] = normalise(to)
    return TenantRequest(SendingDomain.parse(domain), **values)  # type: ignore[arg-type]


def parsed(settings: Sequence[Setting], given: Mapping[str, object]) -> dict[str, object]:
    """Return the values that options stand for, by the settings' names. Raises SesTenantError."""
    return {s.name: _value(s, given[s.name]) for s in settings if s.name in given}


_PART_OF_NAME = re.compile(r"[A-Za-z0-9.-]+")


def tenants_named(
    texts: Iterable[str], profile: str | None, region: str | None, endpoint_url: str | None
) -> "list[SendingDomain]":
    """Return the sending domains of tenants that exist, each once.

    Raises SesTenantError `invalid_domain`: where a part of a tenant's name was given, with what
    may be meant.
    """
    from ses_tenant.core.domain import SendingDomain

    found: dict[SendingDomain, None] = {}
    for text in texts:
        try:
            found[SendingDomain.parse(text)] = None
        except SesTenantError as error:
            if not _PART_OF_NAME.fullmatch(text):
                raise
            from ses_tenant.core.tenant.similar import meant

            options = {"profile": profile, "region": region, "endpoint_url": endpoint_url}
            likely = meant(text, completion.tenants_of(options))
            if likely:
                raise error.hinting(f"Did you mean {' or '.join(likely)}?") from error
            raise
    return list(found)


def first_region(request: "TenantRequest") -> str | None:
    """Return the first Region that was given."""
    return next(iter(request.regions or ()), None)


def _value(setting: Setting, given: object) -> object:
    """Return the value that an option stands for."""
    match given:
        case bool() if "/" in setting.option and not setting.kind.flag:
            first, second = setting.option.removeprefix("--").split("/--")
            return setting.parsed(first if given else second)
        case list() if setting.kind.pairs:
            return dict(_tag(text) for text in given)
        case list() | str() if setting.clears:
            texts = given if isinstance(given, list) else [given]
            return tuple(setting.parsed(text) for text in texts if texts != [NONE])
        case list():
            return tuple(setting.parsed(text) for text in given)
        case str():
            return setting.parsed(given)
        case _:
            return given


def fill_help(text: str) -> str:
    """Return the help of an option with the destinations and formats that there are.

    They are looked up for the command that is run alone, because that takes its time.
    """
    if "{destinations}" in text:
        from ses_tenant.destinations.registry import told

        return text.replace("{destinations}", _or(told()))
    if "{formats}" in text:
        from ses_tenant.destinations.formats import FORMATS

        return text.replace("{formats}", _or(list(FORMATS)))
    return text


def _or(words: list[str]) -> str:
    return " or ".join((", ".join(words[:-1]), words[-1]))


class _DebugLog(logging.StreamHandler[TextIO]):
    """Lines on stderr that never stand beside the status line."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        with STATUS.away():
            super().emit(record)


def connect(
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    *,
    debug: bool,
    workers: int = 8,
    role_arn: str | None = None,
) -> "AwsSession":
    """Return the AWS session that the options ask for; imports boto3."""
    if debug:
        handler = _DebugLog(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
        logger = logging.getLogger("ses_tenant")
        logger.handlers = [handler]
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
    from ses_tenant.aws.session import open_session

    session = open_session(profile, region, endpoint_url, workers, role_arn)
    if sys.stdin.isatty():  # a profile may ask for an MFA code: before any status line
        session.load_credentials()
    return session


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"'{text}' is not KEY=VALUE.", param_hint="--tag")
    return key, value
