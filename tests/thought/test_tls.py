"""Which connections are verified; the decision looks nothing up and connects to nothing."""

from __future__ import annotations

import pytest

from lockgate.dialects.mysql import tls as mysql
from lockgate.dialects.postgres.tls import is_local, secured
from lockgate.errors import UsageError
from lockgate.secret import parse_url

LOCAL = ("localhost", "127.0.0.1", "127.8.8.8", "[::1]", "/var/run/postgresql", "", "localhost,127.0.0.1")
REMOTE = ("db.internal", "10.0.0.7", "[fd00::1]", "db", "localhost.example.com", "127.0.0.1.evil.example", "0.0.0.0", "2130706433")


@pytest.mark.parametrize("host", LOCAL)
def test_this_machine_needs_no_certificate(host: str) -> None:
    """A laptop's server has none, and nobody stands in between."""
    url = parse_url(f"postgresql://leo@/app?host={host.strip('[]')}" if "," in host or "/" in host else f"postgresql://leo@{host}/app")
    assert secured(url, {}, "here", {}) == (url, "")
    assert secured(parse_url("postgresql://leo@localhost/app?sslmode=disable"), {}, "here", {})[1] == ""


@pytest.mark.parametrize("host", REMOTE)
def test_every_other_host_is_verified_unless_somebody_wrote_otherwise(host: str) -> None:
    """A name that only looks like loopback is none."""
    url, told = secured(parse_url(f"postgresql://leo@{host}/app"), {}, "here", {})
    assert (url.query["sslmode"], told) == ("verify-full", "")


@pytest.mark.parametrize("form", ["sslmode=require", "ssl=require", "sslmode=disable", "sslmode=prefer", "sslmode=verify-ca"])
def test_a_url_alone_does_not_make_it_weaker(form: str) -> None:
    """It lies in a secret that no review ever sees."""
    with pytest.raises(UsageError) as caught:
        secured(parse_url(f"postgresql://leo:geheim@db.internal/app?{form}"), {}, "environment `dev`", {})
    assert caught.value.code == "tls-unverified"
    assert "query = {" in caught.value.hint and "geheim" not in str(caught.value.args)


def test_what_is_written_down_holds_and_is_told() -> None:
    """Every run says it again, with the setting."""
    url, told = secured(parse_url("postgresql://leo@db.internal/app"), {"sslmode": "require"}, "here", {})
    assert url.query["sslmode"] == "require"
    assert "db.internal:5432/app" in told and "require" in told
    stronger, told = secured(parse_url("postgresql://leo@db.internal/app?sslmode=require"), {"sslmode": "verify-full"}, "", {})
    assert (stronger.query["sslmode"], told) == ("verify-full", "")


def test_the_authorities_are_those_of_the_settings_before_those_of_the_machine() -> None:
    """A server with a certificate of its own authority is the usual case for RDS."""
    given = parse_url("postgresql://leo@db.internal/app?sslrootcert=/own.pem")
    assert secured(given, {}, "", {})[0].query["sslrootcert"] == "/own.pem"
    found = secured(parse_url("postgresql://leo@db.internal/app"), {}, "", {"SSL_CERT_FILE": __file__})[0].query
    assert found["sslrootcert"] == __file__
    assert "sslrootcert" not in secured(parse_url("postgresql://leo@db.internal/app"), {}, "", {"PGSSLROOTCERT": "/a"})[0].query


@pytest.mark.parametrize("environ", [{"PGHOST": "db.internal"}, {"PGHOSTADDR": "10.0.0.7"}, {"PGSERVICE": "app"}])
def test_a_host_that_the_driver_takes_from_a_variable_counts(environ: dict[str, str]) -> None:
    """The URL names none, and libpq goes elsewhere all the same."""
    assert not is_local(parse_url("postgresql:///app"), environ)
    assert is_local(parse_url("postgresql:///app"), {})


def test_an_address_beside_a_name_is_what_counts() -> None:
    """`hostaddr` decides where the connection goes, `host` only what the certificate must say."""
    assert not is_local(parse_url("postgresql://localhost/app?hostaddr=10.0.0.7"), {})
    assert is_local(parse_url("postgresql://db.internal/app?hostaddr=127.0.0.1"), {})


@pytest.mark.parametrize("host", [host for host in LOCAL if "," not in host and not host.startswith("/")])
def test_mariadb_on_this_machine_needs_no_certificate(host: str) -> None:
    """By a Unix socket, too, whatever the URL calls the host."""
    url = parse_url(f"mysql+pymysql://leo@{host}/app")
    assert mysql.secured(url, {}, "here", {}) == (url, "")
    assert mysql.is_local(parse_url("mysql+pymysql://leo@db.internal/app?unix_socket=/run/mysqld.sock"))


@pytest.mark.parametrize("host", REMOTE)
def test_mariadb_elsewhere_is_verified_with_a_file_of_authorities(host: str) -> None:
    """Without one, pymysql checks neither certificate nor name, whatever else it is told."""
    url, told = mysql.secured(parse_url(f"mysql+pymysql://leo@{host}/app"), {}, "here", {})
    assert (url.query["ssl_mode"], told) == ("verify_identity", "") and url.query["ssl_ca"]
    assert mysql.secured(parse_url(f"mysql+pymysql://leo@{host}/app"), {}, "", {"SSL_CERT_FILE": __file__})[0].query["ssl_ca"] == __file__
    words = mysql.spoken(url).query
    assert words == {"ssl_ca": url.query["ssl_ca"], "ssl_check_hostname": "true"}


@pytest.mark.parametrize(
    ("query", "mode"),
    [
        ("", ""),
        ("ssl_ca=/a.pem", "verify_identity"),
        ("ssl_verify_identity=true", "verify_identity"),
        ("ssl_ca=/a.pem&ssl_check_hostname=false", "verify_ca"),
        ("ssl_ca=/a.pem&ssl_verify_cert=0", "required"),
        ("ssl_disabled=true", "disabled"),
        ("ssl_disabled=false", ""),
        ("ssl_mode=VERIFY-CA", "verify_ca"),
    ],
)
def test_what_a_url_asks_for_is_read_in_every_drivers_words(query: str, mode: str) -> None:
    """A word that is not understood would be a way around."""
    assert mysql.mode_of(parse_url(f"mysql://leo@db/app?{query}").query, "") == mode


@pytest.mark.parametrize("mode", ["verify_ca", "required", "preferred", "disabled"])
def test_less_than_verified_is_for_the_settings_of_mariadb_alone(mode: str) -> None:
    """As on PostgreSQL: refused in the URL, told where it is written down."""
    with pytest.raises(UsageError) as caught:
        mysql.secured(parse_url(f"mysql://leo:geheim@db.internal/app?ssl_mode={mode}"), {}, "environment `dev`", {})
    assert caught.value.code == "tls-unverified" and "geheim" not in str(caught.value.args)
    url, told = mysql.secured(parse_url("mysql://leo@db.internal/app"), {"ssl_mode": mode}, "here", {})
    assert url.query["ssl_mode"] == mode and "db.internal:3306/app" in told and mode in told
    stronger, told = mysql.secured(parse_url(f"mysql://leo@db.internal/app?ssl_mode={mode}"), {"ssl_mode": "verify_identity"}, "", {})
    assert (stronger.query["ssl_mode"], told) == ("verify_identity", "")


def test_a_mode_that_there_is_not_is_a_mistake_in_the_settings() -> None:
    """A driver would take it for its default, which verifies nobody."""
    with pytest.raises(UsageError) as caught:
        mysql.secured(parse_url("mysql://leo@db.internal/app"), {"ssl_mode": "verify-full"}, "here", {})
    assert caught.value.code == "settings-invalid" and "verify_identity" in caught.value.hint


@pytest.mark.parametrize(
    ("driver", "words"),
    [
        ("", {"ssl_mode": "VERIFY_IDENTITY", "ssl_ca": "/a.pem"}),
        ("mysqlconnector", {"ssl_verify_cert": "true", "ssl_verify_identity": "true", "ssl_ca": "/a.pem"}),
        ("mariadbconnector", {"ssl": "true", "ssl_verify_cert": "true", "ssl_ca": "/a.pem"}),
        ("aiomysql", {}),
    ],
)
def test_each_driver_of_mariadb_is_told_in_its_own_words(driver: str, words: dict[str, str]) -> None:
    """A driver that can be told nothing by a URL is named, so that somebody looks after env.py."""
    plain = parse_url("mysql://leo@db.internal/app?ssl_ca=/a.pem").with_driver(driver)
    url, told = mysql.secured(plain, {}, "here", {})
    assert mysql.spoken(url).query == words
    assert ("connect_args" in told) == (driver == "aiomysql")
