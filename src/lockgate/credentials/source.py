"""What every kind of source is handed: the environment that asks, its folder, and the variables of this process."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from lockgate.records import dataclass
from lockgate.secret import MASK, redact
from lockgate.settings.project import Environment

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


@dataclass(frozen=True)
class Source:
    """
    One environment's reference to its URL, with all that is needed to follow it.

    Args:
        folder: the project's; absolute.
        environ: variables that `env` and `dotenv` read and that a `command` is given.
    """

    environment: Environment
    folder: Path
    environ: Mapping[str, str] = field(repr=False)

    @property
    def value(self) -> str:
        """The text behind the kind: a variable, a file, the name of a secret."""
        return self.environment.url.value

    @property
    def options(self) -> Mapping[str, str]:
        """The remaining keys of the reference."""
        return self.environment.url.options

    @property
    def where(self) -> str:
        """For errors: environment, line of the settings and kind of source; a literal URL is left out."""
        line = f" ({self.environment.where})" if self.environment.where else ""
        label = "" if self.environment.url.kind == "url" else f", {self.environment.url.label}"
        return f"environment `{self.environment.name}`{line}{label}"

    def timeout(self, default: float) -> float:
        """Return the option `timeout` in seconds."""
        return float(self.options.get("timeout", default))


def quiet(text: str) -> str:
    """
    Return a foreign message without what may be a value: known secrets, URLs' passwords and quoted text go.

    Quoted text goes because parsers quote what they could not read: `ValueError: Port could not be cast to integer value
    as 'hunter2'` is what urllib says of a raw password with a slash. A quoted name of a variable stays.
    """
    return _QUOTED.sub(lambda found: found[0] if _VARIABLE.fullmatch(found[0][1:-1]) else MASK, redact(text))
