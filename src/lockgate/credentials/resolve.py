"""An environment's reference to its URL -> the URL, fetched now; the only entrance of this folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from lockgate.credentials.aws import from_parameter, from_rds_iam, from_secret
from lockgate.credentials.command import from_command
from lockgate.credentials.dotenv import from_dotenv
from lockgate.credentials.env_var import from_variable
from lockgate.credentials.python_function import from_function
from lockgate.credentials.source import Source
from lockgate.errors import Bug
from lockgate.secret import DatabaseUrl, parse_url
from lockgate.settings.project import Environment


def resolve(environment: Environment, folder: Path, environ: Mapping[str, str]) -> DatabaseUrl:
    """
    Fetch an environment's URL from where its settings say, each time anew; nothing is kept, so a rotated secret is seen.

    The environment's driver and driver options are merged in (its options win over the URL's), and a SQLite path becomes
    absolute. `embedded` is not among the kinds: it starts a server, which is `scratch`'s to do, so `runs` asks there.

    Args:
        folder: the project's; relative files and commands start here.
        environ: variables for `env`, `dotenv` and `command`; boto3 and Python functions read the process's own.
    Raises:
        UsageError: `variable-missing`, `url-invalid`, `database-unsupported`, `extra-missing`, or a SettingsError.
        Unreachable: `credentials-…` or `secret-…`; nothing was changed anywhere.
    """
    fetch = _KINDS.get(environment.url.kind)
    if not fetch:
        raise Bug("internal", f"`{environment.url.kind}` is not a source that can be resolved", environment.where)
    url = fetch(Source(environment, folder, environ)).with_driver(environment.driver)
    return replace(url, query={**url.query, **environment.query}).anchored(folder)


def _from_settings(source: Source) -> DatabaseUrl:
    return parse_url(source.value, source.where)  # the settings have refused a password in it


_KINDS: dict[str, Callable[[Source], DatabaseUrl]] = {
    "env": from_variable,
    "dotenv": from_dotenv,
    "aws_secret": from_secret,
    "aws_parameter": from_parameter,
    "rds_iam": from_rds_iam,
    "command": from_command,
    "python": from_function,
    "url": _from_settings,
}
