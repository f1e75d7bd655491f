"""
The error tree: what happened, where, what changed, what to do next.

Families carry the exit status, codes name the situation. Every code has a page `docs/errors/<code>.md`;
`CODES` is the whole list, so a code that is not written down cannot be raised.
"""

from __future__ import annotations

NOTHING = "nothing"


class LockgateError(Exception):
    """
    Base of everything this package raises on purpose.

    Args:
        code: a key of `CODES`; names the situation and its page in `docs/errors/`.
        what: one sentence, lower case, in the user's words, names in backticks.
        where: the setting with file and line, host:port/database, revision or statement; never a URL or a secret.
        hint: the next step; where possible one command to paste.
        changed: what was committed before the error, `nothing` where nothing was.
    """

    exit_code = 70

    def __init__(self, code: str, what: str, where: str = "", hint: str = "", changed: str = NOTHING) -> None:
        if code not in CODES:
            raise KeyError(f"error code {code!r} is not in CODES")
        super().__init__(code, what, where, hint, changed)  # positional: survives pickling in worker processes
        self.code = code
        self.what = what
        self.where = where
        self.hint = hint
        self.changed = changed

    def __str__(self) -> str:
        return self.what


class Failed(LockgateError):
    """Something ran and failed; see `changed`. Exit 1."""

    exit_code = 1


class UsageError(LockgateError):
    """Wrong usage, settings or revision files; no database was written to. Exit 2."""

    exit_code = 2


class SettingsError(UsageError):
    """Mistakes in the settings, all of them at once, one line each in `what`. Exit 2."""


class Refused(LockgateError):
    """The guard said no; nothing changed, and trying again does not help. Exit 3."""

    exit_code = 3


class Busy(LockgateError):
    """A lock was not free in time; trying again later is right. Exit 4."""

    exit_code = 4


class Unreachable(LockgateError):
    """Credentials or connection could not be had; trying again may help. Exit 5."""

    exit_code = 5


class Interrupted(LockgateError):
    """Somebody pressed Ctrl-C; see `changed`. Exit 130."""

    exit_code = 130


class Terminated(LockgateError):
    """The process was asked to end (SIGTERM); see `changed`. Exit 143."""

    exit_code = 143


class Bug(LockgateError):
    """A promise of our own code was broken. Exit 70."""


CODES: dict[str, type[LockgateError]] = {
    # wrong usage, settings or revision files
    "usage": UsageError,
    "file-exists": UsageError,
    "settings-missing": SettingsError,
    "settings-both": SettingsError,
    "settings-syntax": SettingsError,
    "settings-invalid": SettingsError,
    "unknown-environment": UsageError,
    "variable-missing": UsageError,
    "url-invalid": UsageError,
    "tls-unverified": UsageError,
    "database-unsupported": UsageError,
    "driver-missing": UsageError,
    "extra-missing": UsageError,
    "alembic-missing": UsageError,
    "alembic-settings": UsageError,
    "no-revisions": UsageError,
    "revision-syntax": UsageError,
    "revision-encoding": UsageError,
    "revision-unreadable": UsageError,
    "revision-duplicate": UsageError,
    "revision-missing": UsageError,
    "revision-cycle": UsageError,
    "revision-not-found": UsageError,
    "multiple-heads": UsageError,
    "seed-invalid": UsageError,
    "seed-missing-file": UsageError,
    "seed-cycle": UsageError,
    "seed-file": UsageError,
    "unknown-seed": UsageError,
    "snapshot-invalid": UsageError,
    "export-invalid": UsageError,
    "export-value": UsageError,
    "plan-invalid": UsageError,
    "key-invalid": UsageError,
    "approver-unknown": UsageError,
    # refusals of the guard
    "identity-mismatch": Refused,
    "copied-database": Refused,
    "unmarked": Refused,
    "environment-variable": Refused,
    "environment-unclear": Refused,
    "unconfirmed": Refused,
    "destructive-in-ci": Refused,
    "locked": Refused,
    "plan-differs": Refused,
    "unapproved": Refused,
    "same-database": Refused,
    "scratch-not-allowed": Refused,
    "no-project": Refused,
    "unknown-revision": Refused,
    "revision-edited": Refused,
    "configure-twice": Refused,
    "transaction-pooler": Refused,
    "registry-newer": Refused,
    "read-only": Refused,
    "not-empty": Refused,
    "seed-environment": Refused,
    "seed-destructive": Refused,
    "seed-forbidden": Refused,
    "seed-not-idempotent": Refused,
    "seed-unknown-rows": Refused,
    "export-sensitive": Refused,
    # a lock was not free in time
    "busy": Busy,
    "busy-in-process": Busy,
    "lock-timeout": Busy,
    # credentials or connection
    "unreachable": Unreachable,
    "authentication-failed": Unreachable,
    "database-missing": Unreachable,
    "tls-failed": Unreachable,
    "credentials-missing": Unreachable,
    "credentials-denied": Unreachable,
    "credentials-unreachable": Unreachable,
    "credentials-failed": Unreachable,
    "secret-missing": Unreachable,
    "secret-incomplete": Unreachable,
    "embedded-failed": Unreachable,
    "no-comparison": Unreachable,
    "no-plan": Unreachable,
    # something ran and failed
    "revision-failed": Failed,
    "env-failed": Failed,
    "not-at-target": Failed,
    "invalid-index": Failed,
    "smoke-failed": Failed,
    "pending": Failed,
    "schema-stale": Failed,
    "schema-unequal": Failed,
    "drift": Failed,
    "plan-fails": Failed,
    "plan-findings": Failed,
    "history-not-self-contained": Failed,
    "bootstrap-failed": Failed,
    "foreign-key-violations": Failed,
    "permission-denied": Failed,
    "disk-full": Failed,
    "reset-incomplete": Failed,
    "ledger-broken": Failed,
    "registry-damaged": Failed,
    "lock-lost": Failed,
    "half-applied": Failed,
    "statement-changed": Failed,
    "statement-unclear": Failed,
    "database-error": Failed,
    "seed-failed": Failed,
    # ours
    "internal": Bug,
    "interrupted": Interrupted,
    "terminated": Terminated,
}
