"""The service by which many test processes share one owner of their databases."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from typing import Any

import pytest
from building import SETTINGS, Database, Tiny, until

from lockgate.errors import LockgateError
from lockgate.files import load_project
from lockgate.runs.host_service import HostService, RemoteHost

TESTS = SETTINGS.replace("[environments.test]\n", "[environments.test]\nscratch = true\n")


def test_the_sockets_path_is_short_wherever_temporary_files_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Unix socket's path ends at 104 bytes on macOS, at 108 on Linux; CI systems put temporary files deep."""
    deep = tmp_path / ("d" * 90)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    service = HostService(1)
    try:
        assert len(os.fsencode(service.address)) < 100
        assert Path(service.address).parent.stat().st_mode & 0o077 == 0
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(service.address)
    finally:
        service.close()
    assert not Path(service.address).parent.exists()
    assert list(deep.iterdir()) == []


def test_what_a_vanished_process_held_is_dropped_at_once(project: Tiny, postgres_server: Any) -> None:
    """Not only at the end: a killed worker of a long session must not fill the server."""
    server = Database(postgres_server.url("postgres"))
    project.settings(TESTS).tables("users")
    service = HostService(2)
    address = server.url.render().reveal()
    try:
        hosts = [RemoteHost(service.address, load_project(project.folder), address, "the server", stays=False) for _ in range(2)]
        template = hosts[0].new_name()
        server.query(f"create database {template}")
        held = [host.take(template) for host in hosts]

        def there(name: str) -> bool:
            return bool(server.query(f"select 1 from pg_database where datname = '{name}'"))

        hosts[0].close()
        until(lambda: not there(held[0]), "the database of the process that went away is dropped")
        assert there(held[1])
        with pytest.raises(LockgateError) as failed:
            hosts[1].take("lockgate_template_missing")
        assert failed.value.code == "database-error"
        assert "lockgate_template_missing" in failed.value.what
        hosts[1].close()
    finally:
        service.close()
    assert server.query("select datname from pg_database where datname like 'lockgate_scratch_%'") == []


def test_a_process_whose_owner_is_gone_hears_so(project: Tiny, postgres_server: Any) -> None:
    """Not an endless wait, nor an error of a JSON parser."""
    project.tables("users")
    service = HostService(1)
    url = postgres_server.url("postgres").render().reveal()
    host = RemoteHost(service.address, load_project(project.folder), url, "the server", stays=False)
    host._socket.shutdown(socket.SHUT_RD)
    with pytest.raises(LockgateError, match="is gone"):
        host.new_name()
    host.close()
    service.close()
