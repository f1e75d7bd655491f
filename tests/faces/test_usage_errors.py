"""Wrong usage: exit 2, our error format, code `usage`; and never a secret in the answer."""

from __future__ import annotations

import json

import pytest

from lockgate.cli.main import main

WRONG = [
    ([], "the verb is missing"),
    (["upgrad"], "there is no verb `upgrad`"),
    (["upgrade"], "missing argument `ENVIRONMENT`"),
    (["upgrade", "dev", "head", "more"], "unexpected extra argument"),
    (["upgrade", "dev", "--nope"], "no such option `--nope`"),
    (["upgrade", "dev", "-x1"], "no such option `-x`"),
    (["downgrade", "dev"], "missing argument `REVISION`"),
    (["--json", "status"], "options stand behind the verb"),
    (["history", "dev", "--limit", "0"], "--limit"),
    (["init", "--database", "oracle"], "oracle"),
    (["revision"], "--message"),
    (["url", "dev", "--psql", "--json"], "`--psql` goes with neither"),
    (["status", "--database-url", "postgresql://a@h/d"], "exactly one environment"),
]


def call(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Return exit status, stdout and stderr of one call."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    said = capsys.readouterr()
    assert isinstance(end.value.code, int)
    return end.value.code, said.out, said.err


@pytest.mark.parametrize(("arguments", "what"), WRONG)
def test_wrong_usage_exits_2_in_the_error_format(arguments: list[str], what: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A script tells wrong usage from a failed run by the status, a person by the message and the hint."""
    status, out, err = call([*arguments], capsys)
    assert status == 2
    text = err if "--json" not in arguments else json.loads(out)["what"]
    assert what in text
    if "--json" not in arguments:
        assert out == ""
        assert err.startswith("error: ")
        assert "  changed: nothing\n\nhint: " in err
        assert err.endswith("code: usage, docs/errors/usage.md\n")


def test_json_error_is_one_document_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    """A program that asked for JSON gets JSON even where its own command line was the mistake."""
    status, out, err = call(["upgrade", "--json"], capsys)
    document = json.loads(out)
    assert (status, err) == (2, "")
    assert (document["ok"], document["code"], document["exit"], document["changed"]) == (False, "usage", 2, [])
    assert list(document)[:3] == ["ok", "code", "exit"]


@pytest.mark.parametrize("arguments", [["downgrade", "dev", "-1"], ["upgrade", "dev", "+2"], ["downgrade", "-1", "dev"]])
def test_relative_revisions_are_arguments(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`-1` looks like an option to every parser; it has to get through, and `--help` behind it as well."""
    status, out, _ = call([*arguments, "--help"], capsys)
    assert status == 0
    assert "Examples:" in out


def test_a_password_in_a_misplaced_url_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    """Parsers quote what they do not understand; a URL in the wrong place must not end in a CI log."""
    _, _, err = call(["upgrade", "dev", "head", "postgresql://app:s3cr3t-w0rd@host/db"], capsys)
    assert "s3cr3t" not in err
    assert "postgresql://app:***@host/db" in err


def test_an_error_carries_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    """An argument is somebody's text: it must not repaint the terminal."""
    _, _, err = call(["\x1b]0;owned\x07\x9b31m"], capsys)
    assert not set(err) & {"\x1b", "\x07", "\x9b"}
