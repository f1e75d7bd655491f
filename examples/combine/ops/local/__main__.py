"""`python -m ops.local up|down|status|env`, started in the example's folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ops.local.processes import StackError
from ops.local.stack import EXAMPLE, Stack


def main(argv: list[str] | None = None) -> int:
    """Return the exit status: 0 done, 1 failed or (`status`, `env`) not running, 2 wrong usage."""
    arguments = _parser().parse_args(argv)
    stack = Stack(arguments.folder)
    try:
        return int(arguments.do(stack, arguments) or 0)
    except StackError as error:
        print(f"error: {error.what}\n  where: {error.where}\n\nhint: {error.hint}", file=sys.stderr)
        return 1


def _up(stack: Stack, _: argparse.Namespace) -> None:
    stack.up()
    print('the local stack is up; in this shell: eval "$(python -m ops.local env)"', file=sys.stderr)


def _down(stack: Stack, arguments: argparse.Namespace) -> None:
    stack.down(delete=arguments.delete)
    print("the local stack is down", file=sys.stderr)


def _status(stack: Stack, _: argparse.Namespace) -> int:
    ports = {"postgres": stack.postgres.port(), "secrets": stack.secrets.port()}
    for name, port in ports.items():
        print(f"{name:9}{f'running on 127.0.0.1:{port}' if port else 'stopped'}")
    return 0 if all(ports.values()) else 1


def _env(stack: Stack, _: argparse.Namespace) -> None:
    if not stack.running():
        raise StackError("the local stack is not running", str(stack.folder), "python -m ops.local up")
    print(stack.shell(), end="")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops.local", description="A stand-in for AWS: PostgreSQL and Secrets Manager.")
    parser.add_argument("--folder", type=Path, default=EXAMPLE / ".local", help="of the stack (default: .local of this example)")
    commands = parser.add_subparsers(required=True, metavar="up|down|status|env")
    commands.add_parser("up", help="start both servers and provision them").set_defaults(do=_up)
    down = commands.add_parser("down", help="stop both; the data stay")
    down.add_argument("--delete", action="store_true", help="remove the data as well")
    down.set_defaults(do=_down)
    commands.add_parser("status", help="say what runs").set_defaults(do=_status)
    commands.add_parser("env", help="print the variables for a shell").set_defaults(do=_env)
    return parser


if __name__ == "__main__":
    sys.exit(main())
