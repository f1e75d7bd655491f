"""URLs kept by AWS: Secrets Manager, the Parameter Store and RDS's short-lived tokens; the only importer of boto3."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lockgate.credentials.aws_errors import Call, flags, translate
from lockgate.credentials.shapes import Shape, read_shape
from lockgate.credentials.source import Source
from lockgate.errors import Unreachable, UsageError
from lockgate.secret import DatabaseUrl, Secret

_TIMEOUT_S = 10.0
_RETRIES = 2  # for lost connections and throttling; boto3's own 4 would keep a user waiting for most of a minute


def from_secret(source: Source) -> DatabaseUrl:
    """
    Fetch the current version of a secret; its text is a URL, or JSON with `DATABASE_URL` or in the RDS shape.

    Credentials and region come from the options `profile` and `region`, else from `AWS_REGION` and boto3's own chain, which reads this
    process's environment. Other options: `key` (the JSON key of the URL), `timeout` (seconds, default 10), `endpoint` (URL
    of a private endpoint).

    Raises:
        UsageError: `extra-missing`: boto3 is not installed; `url-invalid`, `database-unsupported`.
        Unreachable: `credentials-…`, `secret-missing`, `secret-incomplete`.
    """
    name = shlex.quote(source.value)
    look = f"aws secretsmanager describe-secret --secret-id {name}"
    call = _call(source, "secretsmanager:GetSecretValue", "the secret", look)
    stored = _ask(source, "secretsmanager", call, lambda client: client.get_secret_value(SecretId=source.value).get("SecretString"))
    repair = f"aws secretsmanager put-secret-value --secret-id {name} --secret-string file://secret.json{flags(source.options)}"
    return _read(stored, source, repair)


def from_parameter(source: Source) -> DatabaseUrl:
    """Fetch a parameter of Systems Manager, decrypted; options, shapes and errors are those of `from_secret`."""
    name = shlex.quote(source.value)
    look = f"aws ssm describe-parameters --parameter-filters Key=Name,Values={name}"
    call = _call(source, "ssm:GetParameter", "the parameter", look)
    stored = _ask(source, "ssm", call, lambda client: client.get_parameter(Name=source.value, WithDecryption=True)["Parameter"]["Value"])
    repair = f"aws ssm put-parameter --overwrite --type SecureString --name {name} --value file://parameter.json{flags(source.options)}"
    return _read(stored, source, repair)


def from_rds_iam(source: Source) -> DatabaseUrl:
    """
    Sign a token that is the password of `username` on the RDS host for 15 minutes; signing itself needs no network.

    Options: `username`, `database`, `port` (default 5432), `region`, `profile`, `sslmode`, `sslrootcert`. RDS accepts tokens
    over TLS only, and one sent to an impostor is a password lost: `sslmode` is `verify-full` unless the settings differ.

    Raises: as `from_secret`.
    Source: Amazon RDS User Guide, "IAM database authentication".
    """
    options, port = source.options, int(source.options.get("port", "5432"))
    call = _call(source, "rds-db:connect", "a token for", "aws sts get-caller-identity")
    token = _ask(source, "rds", call, lambda client: client.generate_db_auth_token(source.value, port, options["username"]))
    query = {"sslmode": "verify-full"} | {name: options[name] for name in ("sslmode", "sslrootcert") if name in options}
    return DatabaseUrl("postgresql", "", options["username"], token, source.value, port, options["database"], query)


def _call(source: Source, action: str, kind: str, look: str) -> Call:
    return Call(action, f"{kind} `{source.value}`", look, flags(source.options), source.where, source.timeout(_TIMEOUT_S))


def _read(stored: Secret, source: Source, repair: str) -> DatabaseUrl:
    if not stored:
        raise Unreachable("secret-incomplete", "this secret is binary or empty; lockgate reads text", source.where, repair)
    return read_shape(stored, Shape(source.where, repair, source.options.get("key", "")))


def _ask(source: Source, service: str, call: Call, question: Callable[[Any], str | None]) -> Secret:
    try:
        from boto3.exceptions import Boto3Error
        from boto3.session import Session
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError
    except ImportError:
        what = "this environment's URL is kept at AWS, and boto3 is not installed"
        raise UsageError("extra-missing", what, source.where, "pip install 'lockgate[aws]'") from None
    limits = Config(connect_timeout=call.timeout, read_timeout=call.timeout, retries={"max_attempts": _RETRIES, "mode": "standard"})
    try:
        session = Session(
            profile_name=source.options.get("profile"), region_name=source.options.get("region") or source.environ.get("AWS_REGION")
        )
        client = session.client(service, config=limits, endpoint_url=source.options.get("endpoint"))  # type: ignore[call-overload]  # wants a literal
        call = replace(call, endpoint=client.meta.endpoint_url)
        return Secret(question(client) or "")
    except ResponseParserError as error:  # quotes the body of the answer
        raise translate(error, call) from None
    except (BotoCoreError, ClientError, Boto3Error, ValueError) as error:  # ValueError: an endpoint that is no URL
        raise translate(error, call) from error
