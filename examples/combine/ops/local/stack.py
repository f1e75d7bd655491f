"""Both servers and what a shell must know of them, in one folder."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path

from ops.local.postgres import MASTER, Postgres
from ops.local.processes import HOST, StackError
from ops.local.secrets_manager import SecretsManager

EXAMPLE = Path(__file__).resolve().parents[2]
REGION = "us-east-1"
# A profile or a session of the person at the keyboard would win over the stand-in's keys, and reach the real AWS.
UNSET = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
_PORTS = {"postgres_port", "secrets_port"}


class Stack:
    """
    The stand-in for AWS; any number of them run side by side, each in a folder of its own.

    Args:
        folder: created with mode 0700; `.local/` of the example where nothing is said.
    """

    def __init__(self, folder: Path = EXAMPLE / ".local") -> None:
        self.folder = folder.resolve()
        self.postgres, self.secrets = Postgres(self.folder), SecretsManager(self.folder)

    def up(self) -> None:
        """
        Start what is not running and provision what is missing; a second call changes nothing.

        Raises:
            StackError: a server did not start, or provisioning failed; what runs by then goes on running.
        """
        with self._alone():
            # Each takes seconds to start, and neither needs the other.
            with ThreadPoolExecutor(1) as beside:
                started = beside.submit(self.secrets.start, int(self._state().get("secrets_port", 0)))
                self._start_postgres()
            self._save(secrets_port=started.result())
            self._keep()
            self._provision()

    def down(self, *, delete: bool = False) -> None:
        """Stop both; the secrets are gone then, the data stay for the next `up` unless `delete` removes the whole folder."""
        with self._alone() if self.folder.exists() else nullcontext():  # somebody may have removed the folder of running servers
            self.secrets.stop()
            self.postgres.stop()
            self._env_file.unlink(missing_ok=True)
            if delete:
                shutil.rmtree(self.folder, ignore_errors=True)

    def environ(self) -> dict[str, str]:
        """
        Return the variables that lead programs here; a caller who merges them removes those in `UNSET`.

        Raises:
            StackError: a server has never been started here.
        """
        state = self._state()
        if not state.keys() >= _PORTS:
            raise StackError("the local stack has not been started", str(self.folder), "python -m ops.local up")
        endpoint = f"http://{HOST}:{state['secrets_port']}"
        return {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": endpoint,  # would win over the general one
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "PROVISION_DATABASE_URL": f"postgresql://{MASTER}:{state['master_password']}@{HOST}:{state['postgres_port']}/postgres",
        }

    def shell(self) -> str:
        """Return the same as lines for a shell, what must be unset included."""
        lines = [f"export {name}={shlex.quote(value)}" for name, value in self.environ().items()]
        return "\n".join([f"unset {' '.join(UNSET)}", *lines]) + "\n"

    def running(self) -> bool:
        """Return whether both servers run."""
        return bool(self.postgres.port() and self.secrets.port())

    def start_postgres(self) -> None:
        """Start PostgreSQL alone, on its last port where that is still free; else `up` tells the secrets of the new one."""
        with self._alone():
            self._start_postgres()
            self._keep()

    def stop_postgres(self) -> None:
        """Stop PostgreSQL alone; its data stay."""
        with self._alone():
            self.postgres.stop()

    def start_secrets(self) -> None:
        """Start Secrets Manager alone, on its last port where that is still free; it is empty until `provision` or `up`."""
        with self._alone():
            self._save(secrets_port=self.secrets.start(int(self._state().get("secrets_port", 0))))
            self._keep()

    def stop_secrets(self) -> None:
        """Stop Secrets Manager alone; its secrets are gone."""
        with self._alone():
            self.secrets.stop()

    def provision(self) -> None:
        """Run `ops/db/provision.py` against both; its words go to stderr."""
        with self._alone():
            self._provision()

    @property
    def _env_file(self) -> Path:
        return self.folder / "stack.env"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        (self.folder / ".gitignore").write_text("*\n")
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # a second `up` waits for the first and then finds all done
            yield

    def _start_postgres(self) -> None:
        state = self._state()
        password = str(state.get("master_password", ""))
        if not password:
            self.postgres.stop()  # the password of a running server whose state file is lost can be set in single-user mode only
            password = secrets.token_urlsafe(24)
            self._save(master_password=password)
        self._save(postgres_port=self.postgres.start(password, int(state.get("postgres_port", 0))))

    def _keep(self) -> None:
        if self._state().keys() >= _PORTS and self.running():
            _write(self._env_file, self.shell())

    def _provision(self) -> None:
        environ = {name: value for name, value in os.environ.items() if name not in UNSET and not name.startswith("PG")} | self.environ()
        command = [sys.executable, str(EXAMPLE / "ops" / "db" / "provision.py")]
        if subprocess.run(command, env=environ, stdout=2, check=False).returncode:
            raise StackError("the databases, roles and secrets were not made", "ops/db/provision.py", "read what it says above")

    def _state(self) -> dict[str, str | int]:
        try:
            found = json.loads((self.folder / "state.json").read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _save(self, **values: str | int) -> None:
        _write(self.folder / "state.json", json.dumps(self._state() | values))


def _write(path: Path, text: str) -> None:
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.replace(path)  # whole or not at all
