"""The command line: parser, the one try/except, exit status. What one verb needs is imported when that verb is called."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import click

from lockgate.cli.call import Face, example_lines
from lockgate.errors import NOTHING, Bug, Interrupted, LockgateError, Terminated, UsageError
from lockgate.interruption import Ended, reason
from lockgate.nearest import nearest

if TYPE_CHECKING:
    from lockgate.cli.output import Output, Watched

# verb -> module, attribute, short help; a verb's module is imported when the verb is called
VERBS: dict[str, tuple[str, str, str]] = {
    "init": ("lockgate.cli.init", "command", "Write lockgate.toml, and an Alembic environment where there is none."),
    "env": ("lockgate.cli.env", "command", "List the environments and who their databases say they are."),
    "url": ("lockgate.cli.url", "command", "Print, test or open the connection of an environment."),
    "adopt": ("lockgate.cli.adopt", "command", "Write the identity marker into an existing database."),
    "status": ("lockgate.cli.status", "command", "Show current and pending revisions of each environment."),
    "history": ("lockgate.cli.history", "command", "Show the ledger: what was tried, by whom, how it ended."),
    "plan": ("lockgate.cli.plan", "command", "Show what the pending revisions will lock, rewrite, scan and drop."),
    "lint": ("lockgate.cli.lint", "command", "Judge revisions as `plan` does, without a database: for CI and before a commit."),
    "approve": ("lockgate.cli.approve", "command", "Sign a plan that was kept, or make the key for it."),
    "upgrade": ("lockgate.cli.upgrade", "command", "Run the pending revisions."),
    "downgrade": ("lockgate.cli.downgrade", "command", "Undo revisions; destructive."),
    "reset": ("lockgate.cli.reset", "command", "Empty the database and run the revisions again; destructive."),
    "stamp": ("lockgate.cli.stamp", "command", "Write the version table without running revisions."),
    "acknowledge": ("lockgate.cli.acknowledge", "command", "Accept a revision that was edited after it was applied."),
    "seed": ("lockgate.cli.seed", "command", "Load the rows that the project promises."),
    "seed-export": ("lockgate.cli.seed_export", "command", "Write tables into files that are ready to be seeds."),
    "smoke": ("lockgate.cli.smoke", "command", "Ask the smoke queries."),
    "drift": ("lockgate.cli.drift", "command", "Say how a database differs from what its revisions make."),
    "snapshot": ("lockgate.cli.snapshot", "command", "Keep the schema of the head as a file for empty databases."),
    "revision": ("lockgate.cli.revision", "command", "Write a new, empty revision file."),
}


class Verbs(click.Group):
    """The verbs by name; their modules stay unread until one is called, and `--help` reads none."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse an empty command line: a script that lost its verb must not look like a success."""
        if not args:
            raise UsageError("usage", "the verb is missing", hint="run `lockgate --help`")
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of their help."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb."""
        if cmd_name not in VERBS:
            return None
        module, attribute, _ = VERBS[cmd_name]
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest verbs where there is none of that name."""
        if args[0] not in VERBS:
            raise UsageError("usage", f"there is no verb `{args[0]}`", hint=_nearest(args[0]))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs out of the table."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, short) for name, (_, _, short) in VERBS.items()])


@click.group(
    cls=Verbs,
    no_args_is_help=False,
    subcommand_metavar="VERB [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=example_lines(("lockgate status", "lockgate upgrade dev", "lockgate upgrade --help")),
)
@click.version_option(None, "-V", "--version", package_name="lockgate", message="lockgate %(version)s")
def root() -> None:
    """Move a database safely from one schema to the next: Alembic with a guard, a lock, a ledger and a smoke query."""


def run(arguments: Sequence[str], face: Face) -> int:
    """Do what the arguments ask for and return the exit status; every error ends here."""
    try:
        return _dispatch(list(arguments), face)
    except BaseException as error:  # Ctrl-C, and SystemExit out of somebody's env.py, are answered as well
        failure = _failure(error, face.output.watched)
        return _tell(face.output, failure, _trace(error) if face.output.debug or isinstance(failure, Bug) else "")


def _trace(error: BaseException) -> str:
    import traceback

    from lockgate.secret import redact

    return redact("".join(traceback.format_exception(error)))


def _dispatch(arguments: list[str], face: Face) -> int:
    """Parse and call. Not click's own `main`: it turns Ctrl-C and a closed pipe into exit 1."""
    try:
        with root.make_context("lockgate", arguments, obj=face) as context:
            status: int = root.invoke(context)
            return status
    except click.exceptions.Exit as done:  # --help and --version
        return done.exit_code


def _failure(error: BaseException, watched: Watched) -> LockgateError:
    """Return any exception as an error of ours."""
    if isinstance(error, LockgateError):
        return error
    if isinstance(error, click.ClickException):
        return _usage(error)
    where, changed, hint = _cut_off(watched)
    if isinstance(error, Ended):
        return Terminated("terminated", reason(error), where, hint, changed)
    if isinstance(error, KeyboardInterrupt):
        return Interrupted("interrupted", reason(error), where, hint, changed)
    what = f"this is a bug of lockgate: {type(error).__name__}: {error}".rstrip(": ")
    report = "report it with the traceback above and the output of `lockgate --version`"
    return Bug("internal", what, where, f"{hint}; {report}" if hint else report, changed)


def _usage(error: click.ClickException) -> UsageError:
    """Return a mistake that click found, in our words and quotation marks."""
    message = error.format_message().rstrip(".").replace("'", "`")
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else "lockgate"
    late = " (options stand behind the verb)" if path == "lockgate" and isinstance(error, click.NoSuchOption) else ""
    return UsageError("usage", message[:1].lower() + message[1:] + late, path, f"run `{path} --help`")


def _cut_off(watched: Watched) -> tuple[str, str, str]:
    """Return where, changed and hint for a run that did not come to its own end."""
    from lockgate.report import text

    where = f"environment `{watched.environment}`" if watched.environment else ""
    where += f", in revision {text.step_name(watched.running)}" if watched.running else ""
    done = ", ".join(f"{step.step.direction} {step.step.revision}" for step in watched.committed)
    untold = "nothing that the run has told of" if watched.acting else NOTHING
    changed = f"{done} committed" if done else untold
    if watched.running and watched.left_transaction:
        changed += f", and perhaps a part of {watched.running.revision}, which left its transaction"
    return (
        where,
        changed,
        f"run the same command again to go on; `lockgate status {watched.environment}` shows where the database is" if watched.acting else "",
    )


def _tell(output: Output, failure: LockgateError, trace: str) -> int:
    if output.json:
        from lockgate.report import json

        if trace:
            output.fail(trace)
        output.document(json.error(failure))
    else:
        from lockgate.report import text

        output.fail(text.error(failure), trace)
    return failure.exit_code


def _nearest(name: str) -> str:
    near = nearest(name, VERBS)
    return f"run `lockgate {near} --help`" if near else "run `lockgate --help`"
