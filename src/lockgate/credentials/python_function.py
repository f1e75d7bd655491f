"""A URL returned by a function of the project, for settings objects that know it already."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lockgate.credentials.source import Source, quiet
from lockgate.errors import Unreachable
from lockgate.secret import DatabaseUrl, Secret, parse_url


def from_function(source: Source) -> DatabaseUrl:
    """
    Import `module:function` and call it without arguments; its result is the URL.

    The project's folder and its `src` are on `sys.path` meanwhile. The function runs in this process and sees the
    process's own environment, not the request's. Besides text it may return SQLAlchemy's `URL`, pydantic's `SecretStr` or
    any object whose `str()` is the URL.

    Raises:
        Unreachable: `credentials-failed`: the import or the call raised, also SystemExit.
        UsageError: `url-invalid` or `database-unsupported`.
    """
    module, _, function = source.value.partition(":")
    with _importable(source.folder):
        text, reason = _call(module, function)
    if reason:
        hint = f"in {source.folder}: python -c 'import {module}; {module}.{function}()'"
        raise Unreachable("credentials-failed", f"the function `{source.value}` failed: {reason}", source.where, hint)
    return parse_url(text.reveal(), source.where)


def _call(module: str, function: str) -> tuple[Secret, str]:
    # The reason is returned and not raised here: the foreign exception, which may hold values, must not become a context.
    try:
        return _unmask(getattr(importlib.import_module(module), function)()), ""
    except (Exception, SystemExit) as error:
        # Only the first line: pydantic goes on with the values that it could not validate.
        message = quiet(str(error)).strip().partition("\n")[0][:200]
        return Secret(""), f"{type(error).__name__}{': ' if message else ''}{message}"


def _unmask(result: object) -> Secret:
    if callable(reveal := getattr(result, "get_secret_value", None)):
        result = reveal()
    if callable(render := getattr(result, "render_as_string", None)):
        return Secret(str(render(hide_password=False)))  # its str() has *** for a password
    return Secret(str(result))


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    added = [str(path) for path in (folder, folder / "src") if path.is_dir()]
    sys.path[:0] = added
    importlib.invalidate_caches()
    try:
        yield
    finally:
        for path in added:
            with suppress(ValueError):  # the project's code may have taken it out itself
                sys.path.remove(path)
