"""A URL printed by a command, such as a password manager's."""

from __future__ import annotations

import shlex
import subprocess

from lockgate.credentials.shapes import Shape, read_shape
from lockgate.credentials.source import Source, quiet
from lockgate.errors import Unreachable
from lockgate.secret import DatabaseUrl, Secret, without_known

_TIMEOUT_S = 30.0  # long enough for a password manager that asks for a fingerprint


def from_command(source: Source) -> DatabaseUrl:
    """
    Run the command in the project's folder, without a shell, and read what it prints on stdout.

    It is given the request's variables, without what lockgate has fetched or was confirmed, and nothing on stdin. The first line counts, or a JSON object
    in one of the shapes that secrets have. Option `timeout`: seconds, default 30.

    Raises:
        Unreachable: `credentials-failed`: not started, not done in time, a status other than 0, or nothing printed;
            `secret-incomplete`: no URL and no known shape.
    """
    stdout = _run(source)
    first = stdout.reveal() if stdout.reveal().startswith("{") else stdout.reveal().partition("\n")[0]
    return read_shape(Secret(first.strip()), Shape(source.where, _again(source), source.options.get("key", "")))


def _run(source: Source) -> Secret:
    words, timeout = source.environment.url.argv, source.timeout(_TIMEOUT_S)
    try:
        # Popen's exit closes the pipes without reading on: a grandchild that holds them would make `run()` wait for it.
        with subprocess.Popen(
            words, cwd=source.folder, env=without_known(source.environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as child:
            stdout, stderr = _talk(child, timeout)
    except OSError as error:
        raise _failed(source, f"could not be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:  # holds what was printed so far
        raise _failed(source, f"did not end within {timeout:g} s") from None
    if child.returncode:
        raise _failed(source, f"ended with status {child.returncode}{_last_line(stderr)}")
    printed = Secret(stdout.decode("utf-8", "replace").strip())
    if not printed:
        raise _failed(source, "printed nothing")
    return printed


def _talk(child: subprocess.Popen[bytes], timeout: float) -> tuple[bytes, bytes]:
    try:
        return child.communicate(timeout=timeout)
    except BaseException:
        child.kill()
        raise


def _last_line(stderr: bytes) -> str:
    lines = quiet(stderr.decode("utf-8", "replace")).split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {last[:200]}" if last else ""


def _again(source: Source) -> str:
    return f"cd {shlex.quote(str(source.folder))} && {shlex.join(source.environment.url.argv)}"


def _failed(source: Source, reason: str) -> Unreachable:
    return Unreachable("credentials-failed", f"the command `{source.environment.url.argv[0]}` {reason}", source.where, _again(source))
