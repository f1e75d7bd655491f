"""A URL in the words of libpq's programs: nothing that a driver is told is lost on the way to pg_dump and psql."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from lockgate.dialects.postgres.client import login, psql
from lockgate.secret import parse_url

# Secrets, which no argument may hold; of `replication` pg_dump has no use.
_NOT_SAID = {"password", "sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret", "sslkeylogfile", "replication"}


@pytest.mark.parametrize(
    "text, options",
    [
        ("postgresql://app@db:6543/shop?sslmode=verify-ca&sslrootcert=/c.pem", {"host": "db", "port": "6543", "user": "app", "dbname": "shop", "sslmode": "verify-ca", "sslrootcert": "/c.pem"}),
        ("postgresql://app@/shop?host=a,b&port=1,2&target_session_attrs=read-write", {"host": "a,b", "port": "1,2", "user": "app", "dbname": "shop", "target_session_attrs": "read-write"}),
        ("postgresql:///shop?host=/run/pg&options=-c%20search_path%3Dapp&connect_timeout=3", {"host": "/run/pg", "dbname": "shop", "options": "-c search_path=app", "connect_timeout": "3"}),
        ("postgresql:///?service=prod", {"service": "prod"}),
        ("postgresql+asyncpg://db/shop?ssl=require&command_timeout=5", {"host": "db", "dbname": "shop", "sslmode": "require"}),
        ("postgresql://o'neil:pw@db/back%5Cslash?passfile=/p", {"host": "db", "user": "o'neil", "dbname": "back\\slash"}),
        ("postgresql://app@db/shop?sslpassword=hidden&password=hidden", {"host": "db", "user": "app", "dbname": "shop"}),
    ],
)  # fmt: skip
def test_libpqs_programs_are_told_what_the_url_says_and_no_secret(text: str, options: dict[str, str]) -> None:
    """pg_dump would read another server than the one that was looked at, or without TLS; arguments are seen by everybody on the machine."""
    url = parse_url(text)
    assert login(url) == options
    command, flag, where = psql(url)[0]
    assert (command, flag, conninfo_to_dict(where)) == ("psql", "-d", options)


def test_every_option_of_libpq_is_either_told_or_a_secret() -> None:
    """A newer libpq has options that this one must learn, or say why not."""
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    told = login(parse_url("postgresql:///?" + "&".join(f"{keyword}=x" for keyword in known - _NOT_SAID)))
    assert known - told.keys() == _NOT_SAID & known
