"""Text of the settings -> Project, and every mistake at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from lockgate.errors import SettingsError
from lockgate.seeds.spec import Seed
from lockgate.settings.load import read_settings
from lockgate.settings.project import (
    Bootstrap,
    Drift,
    Environment,
    EnvironmentVariable,
    PlaceForTests,
    Project,
    Smoke,
    SmokeQuery,
    UrlSource,
)
from lockgate.words import Protection

HERE = Path("/srv/app")
SAMPLE = """\
alembic_ini = "alembic.ini"                    # the Alembic project; its env.py is used as it is
default_environment = "dev"                     # what plain `alembic` asks for when the environment variable is unset
[environment_variable]
name = "COMBINE_ENV"                            # default LOCKGATE_ENV
required_for = ["seed"]                         # these verbs refuse when it is unset, too

[environments.dev]
url = { aws_secret = "the-combine/db-dev", region = "us-east-1" }
protection = "open"                             # open | confirm | locked; left out means locked
export = ["DATABASE_URL"]
lock_timeout = 1.0
lock_wait = 300.0
[environments.test]
url = { env = "TEST_DATABASE_URL" }
protection = "open"
[environments.local]
url = { embedded = "postgres" }                 # the embedded server, its data under .lockgate/
protection = "open"
[environments.prod]
url = { aws_secret = "the-combine/db-prod" }
protection = "locked"

[bootstrap]                                     # optional: base tables that the history does not make
file = "ops/db/schema.sql"
stamp = "20260301_001"

[smoke]
tables = ["projects", "documents"]              # must exist after an upgrade
queries = [ { sql = "select count(*) from document_types", at_least = 5 } ]

[[seeds]]
name = "reference"
file = "seeds/reference/document_types.csv"     # .csv .jsonl .json .yaml .sql
table = "document_types"
key = ["code"]                                  # default: the primary key
environments = ["dev", "test"]
unknown_rows = "keep"                           # keep | refuse | delete (delete is destructive)
"""
KEY = f"ed25519:{'A' * 43}="
DEV = '[environments.dev]\nurl = { env = "DATABASE_URL" }\n'


def read(text: str, file_name: str = "lockgate.toml", name: str = "") -> Project:
    return read_settings(text, file_name, HERE, name)


def mistakes(text: str, file_name: str = "lockgate.toml") -> list[str]:
    """The mistakes without the sentence that counts them."""
    with pytest.raises(SettingsError) as caught:
        read(text, file_name)
    error = caught.value
    assert (error.code, error.where) == ("settings-invalid", file_name)
    assert error.hint
    count, *lines = error.what.splitlines()
    assert count == f"the settings have {len(lines)} mistake{'s' * (len(lines) > 1)}"
    return lines


def url_of(text: str) -> UrlSource:
    return read(f"[environments.dev]\nurl = {text}\n").environments["dev"].url


def test_the_sample_of_the_design_is_read_to_the_letter() -> None:
    """What the documentation shows must work."""
    assert read(SAMPLE, name="combine") == Project(
        HERE,
        "lockgate.toml",
        {
            "dev": Environment(
                "dev",
                UrlSource("aws_secret", "the-combine/db-dev", options={"region": "us-east-1"}),
                Protection.OPEN,
                "lockgate.toml:7",
                export=("DATABASE_URL",),
                lock_timeout=1.0,
            ),
            "test": Environment("test", UrlSource("env", "TEST_DATABASE_URL"), Protection.OPEN, "lockgate.toml:13"),
            "local": Environment("local", UrlSource("embedded", "postgres"), Protection.OPEN, "lockgate.toml:16"),
            "prod": Environment("prod", UrlSource("aws_secret", "the-combine/db-prod"), Protection.LOCKED, "lockgate.toml:19"),
        },
        "combine",
        default_environment="dev",
        variable=EnvironmentVariable("COMBINE_ENV", ("seed",)),
        bootstrap=Bootstrap("20260301_001", "ops/db/schema.sql", where="lockgate.toml:23"),
        smoke=Smoke(
            ("projects", "documents"),
            (SmokeQuery("select count(*) from document_types", at_least=5, where="lockgate.toml:29"),),
        ),
        seeds=(
            Seed(
                "reference", "seeds/reference/document_types.csv", ("dev", "test"), "document_types", ("code",), where="lockgate.toml:31"
            ),
        ),
    )


def test_what_may_drift_is_said_in_the_settings() -> None:
    """A key that is misspelt would let a difference through that somebody meant to see, or the other way round."""
    text = DEV + '[drift]\nignore = ["table audit_*", "extension pg_stat_statements"]\ngrants = true\nsnapshot = "migrations/schema.json"\n'
    assert read(text).drift == Drift(("table audit_*", "extension pg_stat_statements"), True, "migrations/schema.json")
    assert read(DEV).drift == Drift()
    assert mistakes(DEV + '[drift]\nignored = ["x"]\n') == ["unknown key `ignored` (did you mean `ignore`?) @ drift.ignored (lockgate.toml:4)"]
    assert "must be a list of texts" in mistakes(DEV + "[drift]\nignore = [3]\n")[0]


def test_the_same_settings_may_stand_in_pyproject() -> None:
    """Some projects keep everything there; the mistakes then name that file."""
    indented = re.sub(r"^(\[+)", r"\1tool.lockgate.", SAMPLE[SAMPLE.index("[environment_variable]") :], flags=re.MULTILINE)
    text = f'[project]\nname = "x"\n\n[tool.lockgate]\ndefault_environment = "dev"\n{indented}'
    project = read(text, "pyproject.toml")
    assert project.environments.keys() == {"dev", "test", "local", "prod"}
    assert project.environments["dev"].where == "pyproject.toml:10"
    assert mistakes(text.replace("protection", "protectoin", 1), "pyproject.toml") == [
        "unknown key `protectoin` (did you mean `protection`?) @ environments.dev.protectoin (pyproject.toml:12)"
    ]
    assert mistakes("[tool]\nlockgate = 3\n", "pyproject.toml")[0] == "`lockgate` must be a table @ pyproject.toml (pyproject.toml:2)"


def test_an_environment_without_protection_is_locked() -> None:
    """To forget a line must not open production."""
    assert read(DEV).environments["dev"] == Environment("dev", UrlSource("env", "DATABASE_URL"), Protection.LOCKED, "lockgate.toml:1")


def test_the_settings_own_name_wins_over_the_packages() -> None:
    """The marker carries it; a renamed package must not look like another project."""
    assert read('project = "shop"\n' + DEV, name="shop-backend").name == "shop"
    assert read(DEV, name="shop-backend").name == "shop-backend"


def test_all_mistakes_come_together_from_top_to_bottom_each_with_its_line() -> None:
    """One run, one list, instead of one mistake a run."""
    text = (
        'default_environment = "prd"\n\n[environments.prod]\nprotectoin = "open"\nurl = { envv = "X" }\nlock_timeout = 0\nexport = ["9x"]\n'
        '[environments.scratch]\nurl = "sqlite:///x.db"\n[environments."Bad Name"]\nurl = { rds_iam = "h", port = 99999 }\n'
        '[smoke]\nqueries = [\n  { sql = "select 1" },\n  { sql = 3, equals = 1 },\n]\n[bootstrap]\n'
    )
    lines = mistakes(text)
    assert lines[0] == "there is no environment `prd` (did you mean `prod`?) @ default_environment (lockgate.toml:1)"
    assert "unknown key `protectoin` (did you mean `protection`?) @ environments.prod.protectoin (lockgate.toml:4)" in lines
    places = [re.sub(r".* @ (\S+|.*'.*) \(lockgate.toml:(\d+)\)$", r"\1 \2", line) for line in lines]
    assert places == [
        "default_environment 1",
        "environments.prod.protectoin 4",
        "environments.prod.url 5",
        "environments.prod.lock_timeout 6",
        "environments.prod.export[0] 7",
        "environments.scratch 8",
        "environments.'Bad Name' 10",
        "environments.'Bad Name'.url.port 11",
        "environments.'Bad Name'.url 11",
        "environments.'Bad Name'.url 11",
        "smoke.queries[0] 14",
        "smoke.queries[1].sql 15",
        "bootstrap 17",
        "bootstrap 17",
    ]


@pytest.mark.parametrize(
    "text, source",
    [
        ('{ env = "DB" }', UrlSource("env", "DB")),
        ('{ dotenv = ".env", variable = "DB" }', UrlSource("dotenv", ".env", options={"variable": "DB"})),
        (
            '{ aws_secret = "a/b", region = "eu", profile = "p", timeout = 2.5, endpoint = "http://localhost", key = "url" }',
            UrlSource(
                "aws_secret", "a/b", options={"key": "url", "region": "eu", "profile": "p", "timeout": "2.5", "endpoint": "http://localhost"}
            ),
        ),
        ('{ aws_parameter = "/a/b", timeout = 3 }', UrlSource("aws_parameter", "/a/b", options={"timeout": "3"})),
        (
            '{ rds_iam = "db.aws", port = 5433, username = "u", database = "d", sslmode = "verify-full" }',
            UrlSource("rds_iam", "db.aws", options={"port": "5433", "username": "u", "database": "d", "sslmode": "verify-full"}),
        ),
        ('{ command = ["pass", "show", "db"] }', UrlSource("command", argv=("pass", "show", "db"))),
        ('{ python = "work_data_hub.config:get_database_url" }', UrlSource("python", "work_data_hub.config:get_database_url")),
        ('{ embedded = "postgres", database = "d" }', UrlSource("embedded", "postgres", options={"database": "d"})),
        ('{ url = "postgresql://u@h/db" }', UrlSource("url", "postgresql://u@h/db")),
        ('"sqlite:///dev.db"', UrlSource("url", "sqlite:///dev.db")),
    ],
)
def test_every_kind_of_source_is_read(text: str, source: UrlSource) -> None:
    """Options come as texts, whatever was written."""
    assert url_of(text) == source


@pytest.mark.parametrize(
    "text, part",
    [
        ("{ }", "it has none of them"),
        ('{ evn = "X" }', "(did you mean `env`?)"),
        ('{ env = "A", dotenv = ".env" }', "it has `env` and `dotenv`"),
        ('{ env = "9A" }', "must look like `DATABASE_URL`"),
        ('{ env = "A", region = "eu" }', "unknown key `region`"),
        ('{ env = 3 }', "`env` must be a text, not a number"),
        ('{ env = "" }', "`env` is empty"),
        ('{ rds_iam = "h", username = "u" }', "`database` is missing"),
        ('{ rds_iam = "h", username = "u", database = "d", port = true }', "`port` must be a whole number"),
        ('{ command = "pass show db" }', "must be a list, not a text"),
        ("{ command = [] }", "`command` is empty"),
        ('{ python = "settings.DATABASE_URL" }', "must look like `package.module:function`"),
        ('{ embedded = "postgers" }', "(did you mean `postgres`?)"),
        ('{ aws_secret = "a", timeout = 0 }', "`timeout` must be a number of seconds"),
        ("3", "`url` must be a table, not a number"),
        ('"oracle://h/db"', "not supported"),
        ('"nonsense"', "no database URL"),
    ],
)
def test_a_wrong_source_is_explained(text: str, part: str) -> None:
    """Half of all first mistakes are made here."""
    assert any(part in line for line in mistakes(f"[environments.dev]\nurl = {text}\n"))


@pytest.mark.parametrize(
    "line", ['url = "postgresql://u:geheim@h/db"', 'url = { url = "postgresql://h/db?password=geheim" }', 'url = "sqlite:///a\'\nquery = { password = "geheim" }']
)
def test_a_password_in_the_settings_is_refused_and_not_quoted(line: str) -> None:
    """The file is committed; the error is logged."""
    text = f"[environments.dev]\n{line}\n".replace("a'", 'a"')
    found = " ".join(mistakes(text))
    assert "a password does not belong into the settings" in found
    assert "geheim" not in found


@pytest.mark.parametrize("key", ["lock_timeout", "lock_wait", "statement_timeout", "connect_timeout"])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "true", '"5"', "0.0001", "1e9", "1979-05-27"])
def test_a_timeout_is_a_number_of_seconds_that_databases_can_hold(key: str, value: str) -> None:
    """0 means "no limit" to PostgreSQL, and so does what rounds to 0 milliseconds."""
    assert len(mistakes(f"{DEV}{key} = {value}\n")) == 1


HOSTILE = ["dev;id", "$(id)", "`id`", "../prod", "-rf", "dev\\nprod", "pr\u043ed", "dev\\u0000", "\u0661"]


@pytest.mark.parametrize("name", ["Prod", "1st", "pröd", "a b", "a" * 33, "", "-a", "prod\\n", *HOSTILE])
def test_an_environments_name_is_plain(name: str) -> None:
    """It is typed, exported in variables and written into markers."""
    assert "lower-case" in mistakes(f'[environments."{name}"]\nurl = "sqlite:///x.db"\n')[0]


def test_scratch_is_reserved() -> None:
    """Everything is allowed in scratch databases: no real environment may call itself so."""
    assert "reserved" in mistakes('[environments.scratch]\nurl = "sqlite:///x.db"\n')[0]


@pytest.mark.parametrize(
    "text, part",
    [
        ("", "there is no environment; write"),
        ("[environments]\n", "there is no environment; write"),
        ("environments = 3\n", "`environments` must be a table"),
        ('[environments]\ndev = "x"\n', "`dev` must be a table"),
        ("[environments.dev]\n", "`url` is missing; write"),
        (DEV + "connection = 1\n", "must be true or false, not a number"),
        (DEV + 'query = { sslmode = 3 }\n', "`sslmode` must be a text"),
        (DEV + 'driver = "postgresql+asyncpg"\n', "must look like `psycopg`"),
        (DEV + 'protection = "lokced"\n', "must be `open`, `confirm` or `locked` (did you mean `locked`?)"),
        ('[environment_variable]\nrequired_for = ["sede"]\n' + DEV, "(did you mean `seed`?)"),
        ('[environment_variable]\nrequired_for = ["status"]\n' + DEV, "no verb that changes a database"),
        ('[environment_variable]\nname = "A B"\n' + DEV, "must look like `LOCKGATE_ENV`"),
        (DEV + '[bootstrap]\nfile = "a"\npython = "a:b"\nstamp = "x"\n', "exactly one of"),
        (DEV + '[bootstrap]\nfile = "a"\n', "`stamp` is missing"),
        (DEV + "[smoke]\nqueries = [3]\n", "this is a number"),
        (DEV + '[smoke]\nqueries = [{ sql = "x", equals = [1] }]\n', "`equals` must be"),
        (DEV + '[smoke]\nqueries = [{ sql = "x", at_least = nan }]\n', "finite"),
        (DEV + "[smoke]\ntables = [1]\n", "`tables` must be a list of texts"),
        (DEV + "[[seeds]]\nname = 'a'\nfile = 'b'\nunknown_row = 'keep'\n", "(did you mean `unknown_rows`?)"),
        (DEV + "[[seeds]]\nname = 'a'\nfile = 'b'\nenvironments = ['dve']\n", "(did you mean `dev`?)"),
        (DEV + "[seeds]\n", "`seeds` must be a list"),
        (DEV + "scratch = 'yes'\n", "must be true or false, not a text"),
        (DEV + '[tests]\nenvironment = "dve"\n', "(did you mean `dev`?)"),
        (DEV + '[tests]\nserver = "embeded"\n', "(did you mean `embedded`?)"),
        (DEV + '[tests]\nenvironment = "dev"\nserver = "sqlite"\n', "one of `environment` and `server`"),
        (DEV + f'protection = "locked"\napprovers = ["anne"]\n[approvers]\nann = "{KEY}"\n', "(did you mean `ann`?)"),
        (DEV + 'protection = "locked"\napprovers = []\n', "`approvers` names nobody"),
        (DEV + f'protection = "confirm"\napprovers = ["ann"]\n[approvers]\nann = "{KEY}"\n', "nobody is asked for a plan"),
        (DEV + '[approvers]\nann = "ssh-ed25519 AAAA"\n', "must look like `ed25519:`"),
        (DEV + f'[approvers]\nann = "{KEY}"\nbob = "{KEY}"\n', "another approver has the same key"),
        ("[environment.dev]\n" + DEV, "unknown key `environment` (did you mean `environments`?)"),
    ],
)
def test_every_key_has_its_kind(text: str, part: str) -> None:
    """A key that is silently ignored is a protection that is not there."""
    assert any(part in line for line in mistakes(text))


def test_scratch_databases_beside_a_real_one_must_be_allowed() -> None:
    """Whoever says nothing has none on that server."""
    assert not read(DEV).environments["dev"].scratch
    assert read(DEV).tests == PlaceForTests()
    told = read(DEV + 'scratch = true\n[tests]\nenvironment = "dev"\n')
    assert told.environments["dev"].scratch
    assert told.tests == PlaceForTests(environment="dev")
    exceptions = read(DEV + '[tests]\nirreversible = ["r1"]\nloses_rows = ["r2", "r3"]\n')
    assert exceptions.tests == PlaceForTests(irreversible=("r1",), loses_rows=("r2", "r3"))


@pytest.mark.parametrize(
    "answer, query",
    [
        ("at_least = 1, at_most = 2.5", {"at_least": 1, "at_most": 2.5}),
        ('equals = "ok"', {"equals": "ok"}),
        ("equals = false", {"equals": False}),
        ("equals = 0", {"equals": 0}),
    ],
)
def test_a_smoke_query_has_an_expected_answer(answer: str, query: dict[str, Any]) -> None:
    """False and 0 are answers, too."""
    found = read(f'{DEV}[smoke]\nqueries = [{{ sql = "select 1", {answer} }}]\n').smoke.queries
    assert found == (SmokeQuery("select 1", **query, where="lockgate.toml:4"),)


@pytest.mark.parametrize(
    "text, where", [("a = \n", "lockgate.toml:1, column 5"), (DEV + "<<<<<<< HEAD\n", "lockgate.toml:3, column 1"), ("a = [", "lockgate.toml, at its end")]
)
def test_a_syntax_error_names_line_and_column(text: str, where: str) -> None:
    """An editor jumps there."""
    with pytest.raises(SettingsError) as caught:
        read(text)
    assert (caught.value.code, caught.value.where) == ("settings-syntax", where)
    assert "line" not in caught.value.what


def test_a_byte_order_mark_is_no_mistake() -> None:
    """Editors on Windows write one."""
    assert read("\ufeff" + DEV).environments["dev"].where == "lockgate.toml:1"


def test_a_server_for_plans_is_named_in_the_words_of_any_url() -> None:
    """One language for all places; a password is as unwelcome here as there."""
    told = read('scratch_url = "postgresql://db/bench"\n' + DEV + 'scratch_url = { env = "BENCH_URL" }\n')
    assert told.scratch_url == UrlSource("url", "postgresql://db/bench")
    assert told.environments["dev"].scratch_url == UrlSource("env", "BENCH_URL")
    assert read(DEV).scratch_url is None
    wrong = mistakes('scratch_url = "postgresql://me:hidden@db/bench"\n' + DEV + "scratch_url = { nothing = 1 }\n")
    assert "a password does not belong into the settings" in wrong[0]
    assert "`scratch_url` needs exactly one of" in wrong[1]
    assert "hidden" not in "".join(wrong)


def test_approvers_are_names_with_keys() -> None:
    """Who may approve is said once; for which environment, there."""
    text = DEV + f'protection = "locked"\napprovers = ["ann"]\n[approvers]\nann = "{KEY}"\nbob = "{KEY.replace("A", "B")}"\n'
    project = read(text)
    assert project.environments["dev"].approvers == ("ann",)
    assert project.approvers == {"ann": KEY, "bob": KEY.replace("A", "B")}
