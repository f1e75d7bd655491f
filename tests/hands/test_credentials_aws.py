"""URLs kept by AWS, over real HTTP: moto's server on a loopback port stands in for AWS, sockets for what is broken."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import botocore.exceptions
import pytest
from moto.server import ThreadedMotoServer

from lockgate.credentials.aws_errors import Call, translate
from lockgate.credentials.resolve import resolve
from lockgate.errors import LockgateError, Unreachable, UsageError
from lockgate.secret import DatabaseUrl
from lockgate.settings.project import Environment, UrlSource

REGION = "eu-central-1"
NAME = "the-combine/db-dev"
PASSWORD = "hunter2%@/:é"
RDS = {"host": "db-3.internal", "port": 5433, "username": "leo", "password": PASSWORD, "dbname": "app", "engine": "postgres"}
VALUES = ("hunter2", "db-3.internal", "leo", "5433")
FOLDER = Path("/nowhere")  # AWS sources read no file


@pytest.fixture(scope="module")
def moto_server() -> Iterator[str]:
    """A running moto server's URL."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def nobody_at_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials, no profile, no region and no metadata service of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Access keys and a region, as a deployment's environment has them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a-key-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "fake-access-key")
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


@pytest.fixture
def aws(moto_server: str, keys: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """An AWS with nothing in it, which boto3 finds by itself."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_server)
    urlopen(Request(f"{moto_server}/moto-api/reset", method="POST")).close()
    return moto_server


@pytest.fixture
def store(aws: str) -> Callable[..., None]:
    """Create the secret `NAME`: text, bytes or an object that becomes JSON."""

    def create(value: object, name: str = NAME) -> None:
        stored = (
            {"SecretBinary": value}
            if isinstance(value, bytes)
            else {"SecretString": value if isinstance(value, str) else json.dumps(value)}
        )
        boto3.client("secretsmanager").create_secret(Name=name, **stored)

    return create


def fetch(kind: str = "aws_secret", value: str = NAME, **options: str) -> DatabaseUrl:
    """Resolve an environment whose URL is kept at AWS."""
    return resolve(Environment("dev", UrlSource(kind, value, (), options), where="lockgate.toml:14"), FOLDER, {})


def failure(kind: str = "aws_secret", value: str = NAME, **options: str) -> LockgateError:
    """The error of such an environment; what every error has to keep is checked here."""
    with pytest.raises(LockgateError) as caught:
        fetch(kind, value, **options)
    assert caught.value.where.startswith("environment `dev` (lockgate.toml:14), ")
    assert caught.value.hint
    return caught.value


def assert_silent(error: LockgateError) -> None:
    """No value of the secret is in anything that a person, a log or a bug report could see."""
    seen = "".join([str(error), repr(error), *map(str, error.args), *traceback.format_exception(error)])
    assert [value for value in VALUES if value in seen.replace(str(Path(__file__)), "")] == []


def parts(url: DatabaseUrl) -> tuple[object, ...]:
    """A URL without its masks."""
    return url.backend, url.username, url.password.reveal(), url.host, url.port, url.database


@pytest.mark.parametrize("engine", ["postgres", "aurora-postgresql", "postgresql"])
def test_a_secret_in_the_shape_of_rds_is_read_with_every_character(store: Callable[..., None], engine: str) -> None:
    """The parts are not percent-encoded there; a password that works in psql must work here."""
    store({**RDS, "engine": engine, "dbInstanceIdentifier": "db-3"})
    assert parts(fetch()) == ("postgresql", "leo", PASSWORD, "db-3.internal", 5433, "app")


def test_a_port_may_be_text_or_left_out(store: Callable[..., None]) -> None:
    """Terraform writes numbers as text, and RDS's own port is the default."""
    store({**RDS, "port": "5434"})
    store({key: value for key, value in RDS.items() if key not in ("port", "engine")}, "short")
    assert fetch().port == 5434
    assert fetch(value="short").port == 5432


@pytest.mark.parametrize(
    "stored",
    [
        {"DATABASE_URL": "postgresql://leo:hunter2%25%40%2F%3A%C3%A9@db-3.internal:5433/app", "host": "other"},
        {"DATABASE_URL": f"postgres://leo:{PASSWORD}@db-3.internal:5433/app"},
        f"postgresql://leo:{PASSWORD}@db-3.internal:5433/app\n",
        '"postgresql://leo:hunter2%25%40%2F%3A%C3%A9@db-3.internal:5433/app"',
    ],
    ids=["encoded", "raw", "plain text", "JSON text"],
)
def test_a_secret_may_hold_a_whole_url(store: Callable[..., None], stored: object) -> None:
    """Projects keep what their settings class reads: `DATABASE_URL`, or the URL alone."""
    store(stored)
    assert parts(fetch()) == ("postgresql", "leo", PASSWORD, "db-3.internal", 5433, "app")


def test_another_key_can_be_named(store: Callable[..., None]) -> None:
    """One secret may serve several programs; a key that was named is not replaced by another."""
    store({"MIGRATION_URL": "postgresql://owner:x@h/app", **RDS})
    assert fetch(key="MIGRATION_URL").username == "owner"
    error = failure(key="OWNER_URL")
    assert (error.code, error.what) == ("secret-incomplete", "this secret has no `OWNER_URL`")
    assert_silent(error)


def test_a_rotated_secret_is_seen_at_the_next_fetch(store: Callable[..., None]) -> None:
    """After a failed login the URL is fetched once more; a remembered one would fail again."""
    store(RDS)
    assert fetch().password.reveal() == PASSWORD
    boto3.client("secretsmanager").put_secret_value(SecretId=NAME, SecretString=json.dumps({**RDS, "password": "new"}))
    assert fetch().password.reveal() == "new"


@pytest.mark.parametrize(
    ("stored", "missing"),
    [
        ({key: value for key, value in RDS.items() if key != "dbname"}, ["dbname"]),
        ({"username": "leo", "password": PASSWORD}, ["host", "dbname"]),
        ({**RDS, "password": ""}, ["password"]),
        ({**RDS, "host": None}, ["host"]),
        ({"hunter2": "leo"}, ["host", "username", "password", "dbname"]),
    ],
    ids=["no dbname", "managed by RDS", "empty", "null", "nothing known"],
)
def test_missing_keys_are_named_and_values_never(store: Callable[..., None], stored: object, missing: list[str]) -> None:
    """A helpful message must not become the place where a password is read."""
    store(stored)
    error = failure()
    assert error.code == "secret-incomplete"
    assert error.what == f"this secret has no {', '.join(f'`{key}`' for key in missing)} (and there is no `DATABASE_URL`)"
    assert error.hint == f"aws secretsmanager put-secret-value --secret-id {NAME} --secret-string file://secret.json"
    assert_silent(error)


@pytest.mark.parametrize(
    ("stored", "code"),
    [
        (b"hunter2", "secret-incomplete"),
        ("hunter2", "secret-incomplete"),
        ('{"password": "hunter2"', "secret-incomplete"),
        (["hunter2"], "secret-incomplete"),
        ({**RDS, "port": "hunter2"}, "secret-incomplete"),
        ({**RDS, "engine": "hunter2"}, "database-unsupported"),
        ({"DATABASE_URL": "hunter2"}, "url-invalid"),
        ({"DATABASE_URL": "postgresql://leo:hunter2@db-3.internal:x5433/app"}, "url-invalid"),
    ],
    ids=["binary", "password alone", "broken JSON", "list", "port", "engine", "no URL", "broken URL"],
)
def test_a_secret_that_cannot_be_read_is_not_shown(store: Callable[..., None], stored: object, code: str) -> None:
    """Parsers quote what they could not read, and keep the whole text beside the error."""
    store(stored)
    error = failure()
    assert error.code == code
    assert_silent(error)
    assert error.__context__ is None


def test_a_parameter_is_fetched_decrypted_in_any_shape(aws: str) -> None:
    """A SecureString without decryption is a text that no database accepts."""
    client = boto3.client("ssm")
    client.put_parameter(Name="/app/url", Value=f"postgresql://leo:{PASSWORD}@h/app", Type="SecureString")
    client.put_parameter(Name="/app/parts", Value=json.dumps(RDS), Type="String")
    assert fetch("aws_parameter", "/app/url").password.reveal() == PASSWORD
    assert fetch("aws_parameter", "/app/parts").password.reveal() == PASSWORD


@pytest.mark.parametrize(
    ("kind", "look"), [("aws_secret", "aws secretsmanager describe-secret"), ("aws_parameter", "aws ssm describe-parameters")]
)
def test_a_missing_secret_is_told_from_a_missing_permission(aws: str, kind: str, look: str) -> None:
    """One is a typing error or the wrong region, the other a ticket for somebody else."""
    error = failure(kind, "no/such", region=REGION)
    assert error.code == "secret-missing"
    assert "`no/such`" in error.what
    assert error.hint.startswith(look)
    assert error.hint.endswith(f" --region {REGION}")


def test_a_secret_marked_for_deletion_is_missing(store: Callable[..., None]) -> None:
    """AWS says InvalidRequestException then, which tells nobody anything."""
    store(RDS)
    boto3.client("secretsmanager").delete_secret(SecretId=NAME)
    assert failure().code == "secret-missing"


def test_a_region_of_the_settings_wins_over_the_environments(store: Callable[..., None]) -> None:
    """Where the settings name a region they mean it."""
    store(RDS)
    assert fetch(region=REGION).host == "db-3.internal"
    assert failure(region="us-west-2").code == "secret-missing"


@pytest.fixture
def refusing(keys: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """
    An AWS that answers every question with the error code that it is given.

    Not moto: it answers a refused permission in XML, and these services speak JSON.
    """

    class Refusing(BaseHTTPRequestHandler):
        code = ""

        def do_POST(self) -> None:
            body = json.dumps({"__type": self.code, "Message": "hunter2 leo"}).encode()
            self.send_response(400)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing on stderr."""

    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        yield lambda code: setattr(Refusing, "code", code)
        server.shutdown()


@pytest.mark.parametrize(("kind", "action"), [("aws_secret", "secretsmanager:GetSecretValue"), ("aws_parameter", "ssm:GetParameter")])
def test_a_refused_permission_is_named_as_the_administrator_needs_it(refusing: Callable[[str], None], kind: str, action: str) -> None:
    """The sentence can be forwarded as it is: action and secret."""
    refusing("AccessDeniedException")
    error = failure(kind)
    assert error.code == "credentials-denied"
    assert f"`{NAME}`" in error.what
    assert f"`{action}`" in error.what
    assert error.hint == "aws sts get-caller-identity"
    assert_silent_but_for_aws(error)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("ExpiredTokenException", "credentials-missing"),
        ("UnrecognizedClientException", "credentials-missing"),
        ("InvalidSignatureException", "credentials-missing"),
        ("DecryptionFailure", "secret-missing"),
        ("InvalidParameterException", "credentials-failed"),
    ],
)
def test_any_answer_is_told_by_its_code(refusing: Callable[[str], None], said: str, code: str) -> None:
    """Expired keys are a login away, other codes can be looked up; AWS's sentence is not ours to pass on."""
    refusing(said)
    error = failure()
    assert error.code == code
    assert f"({said})" in error.what
    assert_silent_but_for_aws(error)


def assert_silent_but_for_aws(error: LockgateError) -> None:
    """AWS's own sentence is kept as the cause, for `--debug`, and nowhere else."""
    assert isinstance(error.__cause__, botocore.exceptions.ClientError)
    assert [value for value in ("hunter2", "leo") if value in " ".join(map(str, error.args))] == []


def test_no_credentials_at_all_are_missing_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first run on a new machine; nothing is asked over the network."""
    monkeypatch.setenv("AWS_REGION", REGION)
    error = failure(region=REGION)
    assert isinstance(error, Unreachable)
    assert error.code == "credentials-missing"
    assert error.hint == f"aws sts get-caller-identity --region {REGION}"


def test_an_unknown_profile_is_missing_credentials(keys: None) -> None:
    """Profiles are named in the settings, but live on each machine."""
    error = failure(profile="combine dev")
    assert error.code == "credentials-missing"
    assert error.hint == "aws sts get-caller-identity --profile 'combine dev'"


def test_no_region_is_said_as_such(keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint for missing credentials would send the reader the wrong way."""
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    error = failure()
    assert error.code == "credentials-missing"
    assert "region" in error.what
    assert error.hint == "export AWS_DEFAULT_REGION=us-east-1"


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listening:
        yield listening.getsockname()[1]


def test_a_closed_port_is_named(keys: None, silent_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a VPC endpoint or a proxy the address is what a network engineer needs."""
    with socket.create_server(("127.0.0.1", 0)) as once:
        closed = once.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed}")
    error = failure(timeout="0.5")
    assert error.code == "credentials-unreachable"
    assert f"AWS at 127.0.0.1:{closed} cannot be reached" in error.what
    assert error.hint == f"curl -sS -m 0.5 http://127.0.0.1:{closed}/"


def test_an_endpoint_that_never_answers_is_given_up_after_the_timeout(keys: None, silent_port: int) -> None:
    """A firewall that drops packets must not hold a deployment for minutes."""
    error = failure(timeout="0.5", endpoint=f"http://127.0.0.1:{silent_port}")
    assert error.code == "credentials-unreachable"
    assert f"AWS at 127.0.0.1:{silent_port} did not answer within 0.5 s" in error.what


def test_an_endpoint_that_does_not_speak_tls_is_unreachable(aws: str) -> None:
    """A proxy in between; the class of the error is botocore's SSLError."""
    error = failure(timeout="20", endpoint=aws.replace("http:", "https:"))
    assert error.code == "credentials-unreachable"
    assert "(SSLError)" in error.what


def test_an_endpoint_that_is_no_url_is_an_error_of_ours(keys: None) -> None:
    """boto3 raises a plain ValueError for it."""
    assert failure(endpoint="nonsense").code == "credentials-failed"


def test_a_token_is_signed_anew_for_each_connection_and_asks_for_verified_tls(keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token lives 15 minutes and is a password while it lives: it must not go to whoever answers."""
    options = {"username": "leo", "database": "app", "region": REGION}
    url = fetch("rds_iam", "db-3.internal", **options)
    assert (url.username, url.host, url.port, url.database, url.query) == ("leo", "db-3.internal", 5432, "app", {"sslmode": "verify-full"})
    token = url.password.reveal()
    assert token.startswith("db-3.internal:5432/?Action=connect&DBUser=leo")
    assert token not in repr(url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another-key-id")
    assert fetch("rds_iam", "db-3.internal", port="5433", **options).password.reveal() != token


def test_the_settings_have_the_last_word_on_tls(keys: None) -> None:
    """A tunnel ends on localhost, where no certificate of RDS can be verified."""
    asked = UrlSource("rds_iam", "h", (), {"username": "leo", "database": "app", "sslmode": "verify-ca", "sslrootcert": "rds.pem"})
    assert resolve(Environment("dev", asked), FOLDER, {}).query == {"sslmode": "verify-ca", "sslrootcert": "rds.pem"}
    assert resolve(Environment("dev", asked, query={"sslmode": "require"}), FOLDER, {}).query["sslmode"] == "require"


def test_a_token_needs_credentials_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signing is local, but with a key."""
    assert failure("rds_iam", "h", username="leo", database="app", region=REGION).code == "credentials-missing"


def test_a_missing_boto3_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 is large, so it is an extra, and only environments at AWS need it."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.setitem(sys.modules, "boto3.exceptions", None)
    error = failure()
    assert isinstance(error, UsageError)
    assert (error.code, error.hint) == ("extra-missing", "pip install 'lockgate[aws]'")


def test_boto3_is_not_imported_before_it_is_needed() -> None:
    """It takes half a second, which every other command would pay."""
    code = "import sys, lockgate.credentials.resolve; sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def every_class(base: type[Exception]) -> list[type[Exception]]:
    """A class and all below it."""
    return [base, *(found for below in base.__subclasses__() for found in every_class(below))]


@pytest.mark.parametrize("kind", every_class(botocore.exceptions.BotoCoreError), ids=lambda kind: kind.__name__)
def test_every_error_of_botocore_has_a_translation(kind: type[Exception]) -> None:
    """An error without one would end in a traceback that says nothing about the environment."""
    error = kind.__new__(kind)
    error.kwargs = {}  # type: ignore[attr-defined]
    asked = Call("a:B", "the secret `x`", "aws look", " --profile p", "here", 10.0, "https://aws.example:8443")
    translated = translate(error, asked)
    assert translated.code.startswith("credentials-")
    assert translated.where == "here"
    if translated.code == "credentials-unreachable":
        assert "aws.example:8443" in translated.what
