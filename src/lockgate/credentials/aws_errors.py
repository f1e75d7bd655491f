"""
What boto3 and AWS say -> our errors, by class and error code, never by wording.

Classes are recognised by name along the error's ancestors, so nothing of botocore is imported here and newer classes that
this botocore does not have may be listed.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from lockgate.errors import Unreachable

# botocore.exceptions (1.44): no usable credentials on this side
_MISSING_CLASSES = frozenset(
    {
        "NoCredentialsError",
        "PartialCredentialsError",
        "CredentialRetrievalError",
        "ProfileNotFound",
        "ConfigNotFound",
        "ConfigParseError",
        "InvalidConfigError",
        "InfiniteLoopConfigError",
        "UnknownCredentialError",
        "NoAuthTokenError",
        "TokenRetrievalError",
        "UnknownTokenProviderError",
        "SSOError",
        "LoginError",
        "RefreshWithMFAUnsupportedError",
        "MetadataRetrievalError",
    }
)
_REGION_CLASSES = frozenset({"NoRegionError", "InvalidRegionError", "UnknownRegionError"})
_NETWORK_CLASSES = frozenset({"HTTPClientError", "ConnectionError"})
_TIMEOUT_CLASSES = frozenset({"ConnectTimeoutError", "ReadTimeoutError"})

# "Common errors" of the AWS API references; the names without `Exception` are those of the query protocol (STS).
_MISSING_CODES = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "AuthFailure",
        "UnauthorizedException",
    }
)
_DENIED_CODES = frozenset({"AccessDenied", "AccessDeniedException", "NotAuthorized", "UnauthorizedOperation", "OptInRequired"})
# InvalidRequestException: marked for deletion; InvalidKeyId, DecryptionFailure: its KMS key is gone or disabled
_GONE_CODES = frozenset(
    {
        "ResourceNotFoundException",
        "ParameterNotFound",
        "ParameterVersionNotFound",
        "InvalidRequestException",
        "DecryptionFailure",
        "DecryptionFailureException",
        "InvalidKeyId",
    }
)


@dataclass(frozen=True)
class Call:
    """
    One question to AWS, as far as an error needs to tell of it.

    Args:
        action: the IAM action that must be allowed, `secretsmanager:GetSecretValue`.
        thing: what is asked for, with its name in backticks: "the secret `app/db`".
        look: a command that shows whether the thing is there, without its value.
        flags: `--profile X --region Y` as far as the settings name them, with a space before each.
        where: the setting.
        timeout: seconds for connecting, and again for reading.
        endpoint: URL of the service; empty before it is known.
    """

    action: str
    thing: str
    look: str
    flags: str
    where: str
    timeout: float
    endpoint: str = ""


def flags(options: Mapping[str, str]) -> str:
    """Return what the aws command needs to ask as lockgate does: ` --profile X --region Y`, as far as settings name them."""
    return "".join(f" --{name} {shlex.quote(options[name])}" for name in ("profile", "region") if options.get(name))


def translate(error: Exception, call: Call) -> Unreachable:
    """
    Return what an error of boto3 or botocore means to the user; never raises, and quotes no message of AWS.

    `credentials-missing`, `-denied`, `-unreachable`, `secret-missing`, else `credentials-failed` with AWS's code or the
    class's name.
    """
    ancestors = {ancestor.__name__ for ancestor in type(error).__mro__}
    if "ClientError" in ancestors:
        response = getattr(error, "response", {})
        return _answered(str(response.get("Error", {}).get("Code", "")), call)
    if ancestors & _REGION_CLASSES:
        what = f"no valid AWS region is set to look for {call.thing} in"
        return Unreachable("credentials-missing", what, call.where, "export AWS_DEFAULT_REGION=us-east-1")
    if ancestors & _MISSING_CLASSES:
        return _no_credentials(type(error).__name__, call)
    if ancestors & _NETWORK_CLASSES:
        return _no_answer(error, bool(ancestors & _TIMEOUT_CLASSES), call)
    return _failed(type(error).__name__, call)


def _answered(code: str, call: Call) -> Unreachable:
    if code in _MISSING_CODES:
        return _no_credentials(code, call)
    if code in _DENIED_CODES:
        what = f"these AWS credentials may not read {call.thing}: they need `{call.action}`"
        return Unreachable("credentials-denied", what, call.where, f"aws sts get-caller-identity{call.flags}")
    if code in _GONE_CODES:
        what = f"AWS does not have {call.thing} there, or cannot decrypt it ({code})"
        return Unreachable("secret-missing", what, call.where, call.look + call.flags)
    return _failed(code, call)


def _no_credentials(reason: str, call: Call) -> Unreachable:
    what = f"there are no valid AWS credentials for {call.thing} ({reason})"
    return Unreachable("credentials-missing", what, call.where, f"aws sts get-caller-identity{call.flags}")


def _no_answer(error: Exception, late: bool, call: Call) -> Unreachable:
    # The endpoint of the error comes first: credentials may be asked of another one (STS, SSO) than the secret.
    url = urlsplit(str(getattr(error, "kwargs", {}).get("endpoint_url", "")) or call.endpoint)
    address = f"{url.hostname}:{url.port or (80 if url.scheme == 'http' else 443)}"
    reason = f"did not answer within {call.timeout:g} s" if late else f"cannot be reached ({type(error).__name__})"
    hint = f"curl -sS -m {call.timeout:g} {url.scheme}://{address}/"
    return Unreachable("credentials-unreachable", f"AWS at {address} {reason}, asked for {call.thing}", call.where, hint)


def _failed(reason: str, call: Call) -> Unreachable:
    what = f"AWS did not give {call.thing} ({reason or 'no error code'})"
    return Unreachable("credentials-failed", what, call.where, call.look + call.flags)
