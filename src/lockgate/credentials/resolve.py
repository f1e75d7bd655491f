"""An environment's reference to its URL -> the URL, fetched now; the only entrance of this folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path

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
    if environment.url.kind not in _KINDS:
        raise Bug("internal", f"`{environment.url.kind}` is not a source that can be resolved", environment.where)
    module, function = _KINDS[environment.url.kind]
    fetch: Callable[[Source], DatabaseUrl] = getattr(import_module(module), function)
    url = fetch(Source(environment, folder, environ)).with_driver(environment.driver)
    return replace(url, query={**url.query, **environment.query}).anchored(folder)


def _from_settings(source: Source) -> DatabaseUrl:
    return parse_url(source.value, source.where)  # the settings have refused a password in it


# A run needs one of them: the others stay unread, start-up time is a feature.
_KINDS = {
    "env": ("lockgate.credentials.env_var", "from_variable"),
    "dotenv": ("lockgate.credentials.dotenv", "from_dotenv"),
    "aws_secret": ("lockgate.credentials.aws", "from_secret"),
    "aws_parameter": ("lockgate.credentials.aws", "from_parameter"),
    "rds_iam": ("lockgate.credentials.aws", "from_rds_iam"),
    "command": ("lockgate.credentials.command", "from_command"),
    "python": ("lockgate.credentials.python_function", "from_function"),
    "url": ("lockgate.credentials.resolve", "_from_settings"),
}
