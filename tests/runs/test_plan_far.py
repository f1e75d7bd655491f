"""`plan` of a database that is met as in production: by TLS, with a password, behind several hosts or a service."""

from __future__ import annotations

import json
import ssl
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from building import Database, Tiny, create_table
from guarded import ELSEWHERE, Guarded, closed_port
from running import up

from lockgate.dialects.postgres.relay import relayed

PASSWORD = r"it's \ a:secret"
SETTINGS = """
project = "app"
[environments.dev]
url = {{ env = "DEV_DATABASE_URL" }}
query = {{ sslrootcert = "{root}", sslmode = "verify-full" }}
protection = "open"
"""


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch, postgres_server: Any) -> None:
    """Copies are made on the tests' own server: starting another one takes longer than a plan."""
    monkeypatch.setattr("lockgate.scratch.temporary_server", lambda: nullcontext(postgres_server))


@pytest.mark.usefixtures("near")
def test_pg_dump_goes_the_way_that_the_first_look_went(project: Tiny, guarded: Guarded, tmp_path: Path) -> None:
    """The embedded pg_dump knows no TLS and no settings: it is to read the database that was looked at, as safely, or none."""
    url = guarded.database(PASSWORD)
    project.point("dev", url).revision("r1", None, create_table("orders"))
    up(project)
    Database(guarded.admin(url.database)).query("revoke connect on database " + url.database + " from public")
    project.revision("r2", "r1", 'op.add_column("orders", sa.Column("x", sa.Integer))')
    login = f"postgresql://{url.username}:it%27s%20%5C%20a%3Asecret@/{url.database}"
    service = tmp_path / "services"
    service.write_text(f"[far]\nhost={ELSEWHERE}\nport={guarded.port}\nuser={url.username}\ndbname={url.database}\npassword={PASSWORD}\n")

    project.settings(SETTINGS.format(root=guarded.root))
    with closed_port() as closed:
        hosts = f"?host={ELSEWHERE},{ELSEWHERE}&port={closed},{guarded.port}"
        ways = (
            login + hosts + "&target_session_attrs=read-write&connect_timeout=20&options=-c%20search_path%3Dpublic",
            url.render().reveal(),
            "postgresql:///?service=far",
        )
        for way in ways:
            done = project.here("plan", "dev", "--json", check=0, DEV_DATABASE_URL=way, PGSERVICEFILE=str(service))
            (effect,) = json.loads(done.stdout)["effects"]["revisions"][0]["effects"]
            assert effect["locks"][0]["relation"]["name"] == "orders", way


@pytest.mark.parametrize("host, root, mode, reaches", [
    ("localhost", "root", "verify-full", True),
    ("localhost", "wrong_root", "verify-full", False),
    ("localhost", "wrong_root", "verify-ca", False),
    ("another", "root", "verify-full", False),
    ("another", "root", "verify-ca", True),
    ("localhost", "", "verify-full", False),
    ("another", "", "require", True),
])  # fmt: skip
def test_who_answers_is_checked_as_libpq_does(guarded: Guarded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str, root: str, mode: str, reaches: bool) -> None:
    """A server between psycopg's connection and pg_dump's must not be the one that hears the password."""
    monkeypatch.setenv("HOME", str(tmp_path))
    options = {"host": host, "hostaddr": "127.0.0.1", "port": str(guarded.port), "sslmode": mode}
    options |= {"sslrootcert": str(getattr(guarded, root))} if root else {}
    try:
        with relayed(options) as folder:
            assert Path(folder).stat().st_mode & 0o077 == 0
        assert reaches
    except ssl.SSLCertVerificationError:
        assert not reaches
