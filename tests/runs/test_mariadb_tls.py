"""Connections to a MariaDB server on another machine: verified unless the settings say less, which every run then says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from building import Database, Tiny
from maria import Maria

from lockgate.secret import DatabaseUrl

DEV = 'project = "app"\n[environments.dev]\nprotection = "open"\nurl = { env = "DEV_DATABASE_URL" }\n'


@pytest.fixture
def remote(mariadb_url: DatabaseUrl, mariadb_server: Maria) -> Iterator[DatabaseUrl]:
    """A database as it is reached from another machine."""
    with mariadb_server.elsewhere() as (host, port):
        yield replace(mariadb_url, host=host, port=port, query={})


def test_another_machine_is_verified_without_being_asked_for(project: Tiny, mariadb_url: DatabaseUrl, remote: DatabaseUrl) -> None:
    """The drivers' own default gives everything to whoever answers, encrypted or not; a URL alone must not bring that back."""
    project.settings(DEV).point("dev", remote).tables("users")
    said = project.here("upgrade", "dev", check=5).stderr
    assert "code: tls-failed" in said and "ssl_ca" in said and "changed: nothing" in said
    for loose in ("ssl_disabled=true", "ssl_verify_cert=false", "ssl_check_hostname=false", "ssl_mode=required"):
        said = project.here("upgrade", "dev", check=2, DEV_DATABASE_URL=f"{remote.render().reveal()}?{loose}").stderr
        assert "code: tls-unverified" in said and "lockgate.toml:2" in said and "query = { ssl_mode" in said
    assert Database(mariadb_url).tables() == []


def test_the_right_authority_is_enough_and_another_one_is_not(
    project: Tiny, mariadb_url: DatabaseUrl, mariadb_server: Maria, remote: DatabaseUrl
) -> None:
    """env.py's driver gets it in its own words, and the server sees both connections encrypted."""
    project.point("dev", remote).settings(f'{DEV}query = {{ ssl_ca = "{mariadb_server.wrong_root}" }}\n')
    encrypted = "select count(*) from information_schema.session_status where variable_name = 'Ssl_cipher' and variable_value <> ''"
    project.revision("r1", None, f"assert op.get_bind().execute(sa.text({encrypted!r})).scalar() == 1")
    assert "code: tls-failed" in project.here("upgrade", "dev", check=5).stderr
    project.settings(f'{DEV}query = {{ ssl_ca = "{mariadb_server.folder / "nowhere.pem"}" }}\n')
    assert "nowhere.pem" in project.here("upgrade", "dev", check=5).stderr
    project.settings(f'{DEV}query = {{ ssl_ca = "{mariadb_server.root}" }}\n')
    assert "nobody checks" not in project.here("upgrade", "dev", check=0).stderr
    assert Database(mariadb_url).heads() == ["r1"]
    misnamed = replace(remote, host="0.0.0.0").render().reveal()  # this machine as well, and not a name of the certificate
    assert "code: tls-failed" in project.here("upgrade", "dev", check=5, DEV_DATABASE_URL=misnamed).stderr


@pytest.mark.parametrize(("mode", "secret"), [("verify_ca", True), ("required", True), ("preferred", True), ("disabled", False)])
def test_less_is_written_down_and_told_by_every_run(
    project: Tiny, mariadb_url: DatabaseUrl, mariadb_server: Maria, remote: DatabaseUrl, mode: str, secret: bool
) -> None:
    """A network of containers may do without; whoever reads the log sees that it does."""
    authority = f', ssl_ca = "{mariadb_server.root}"' if mode == "verify_ca" else ""
    project.point("dev", remote).settings(f'{DEV}query = {{ ssl_mode = "{mode}"{authority} }}\n')
    cipher = "select variable_value from information_schema.session_status where variable_name = 'Ssl_cipher'"
    project.revision("r1", None, f"assert bool(op.get_bind().execute(sa.text({cipher!r})).scalar()) is {secret}")
    for _ in range(2):
        assert "nobody checks who answers" in project.here("upgrade", "dev", check=0).stderr
    assert Database(mariadb_url).heads() == ["r1"]
