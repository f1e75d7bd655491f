"""Which connections are verified; the decision looks nothing up and connects to nothing."""

from __future__ import annotations

import pytest

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
