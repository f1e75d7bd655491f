"""What env.py's text shows of how often it configures Alembic: only where it shows that, it is run once."""

from __future__ import annotations

from pathlib import Path

import alembic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.graph.env_file import configures_once

TEMPLATES = Path(alembic.__file__).parent / "templates"
ONLINE = """
from alembic import context
from app import engine, engines, retry
def offline():
    context.configure(url="x")
def online():
    with engine.connect() as connection:
        context.configure(connection=connection)
        context.run_migrations()
if context.is_offline_mode():
    offline()
else:
    online()
"""


@pytest.mark.parametrize(("name", "once"), [("generic", True), ("async", True), ("pyproject", True), ("multidb", False)])
def test_of_alembics_own_templates_the_one_for_several_databases_alone_does_not(name: str, once: bool) -> None:
    """Most projects have one of these, with few words changed."""
    assert configures_once((TEMPLATES / name / "env.py").read_text()) is once


@pytest.mark.parametrize(
    "change",
    [
        ("    online()\n", "    online()\n\n"),
        ("if context.is_offline_mode():\n    offline()\nelse:\n    online()", "if not context.is_offline_mode():\n    online()"),
        ("        context.", "        alembic.context."),
        ("    with engine", "    getattr(engine, 'dialect')\n    with engine"),
        ("        context.run_migrations()", "        with context.begin_transaction():\n            context.run_migrations()"),
        ("(connection=connection)", "(connection=connection, compare_type=True, **engine.options)"),
        ("from app", "import re, alembic.context\nfrom app"),
        ("def offline", "def unused():\n    context.configure()\n\ndef offline"),
        ("if context.is_offline_mode():\n    offline()\nelse:\n    online()", "online()"),
    ],
)
def test_one_call_that_is_come_to_once_is_seen(change: tuple[str, str]) -> None:
    """Words around the call, and what offline mode does, make no difference."""
    before, after = change
    assert before in ONLINE
    assert configures_once(ONLINE.replace(before, after))


@pytest.mark.parametrize(
    "change",
    [
        ("    online()", "    online()\n    online()"),
        ("    online()", "    for engine in engines:\n        online()"),
        ("    online()", "    [online() for engine in engines]"),
        ("    online()", "    while True:\n        online()"),
        ("    online()", "    retry(online)"),
        ("    online()", "    again = online\n    again()"),
        ("    online()", "    try:\n        online()\n    except Exception:\n        online()"),
        ("    online()", "    exec('online()')"),
        ("def online", "@retry\ndef online"),
        ("        context.run", "        context.configure(connection=connection)\n        context.run"),
        ("        context.run", "        connection.execute('set search_path')\n        context.run"),
        ("        context.run_migrations()", "        with context.begin_transaction():\n            engine.check()\n            context.run_migrations()"),
        ("        context.run_migrations()", "        context.run_migrations()\n        context.run_migrations()"),
        ("        context.run_migrations()\n", ""),
        ("        context.configure(connection=connection)", "        structlog.configure(connection=connection)"),
        ("        context.configure(connection=connection)", "        context.configure(dialect_name='sqlite')"),
        ("if context.is_offline", "structlog.configure()\nif context.is_offline"),
        ("if context.is_offline", "if app.is_offline"),
        ("from alembic import context", "from app import context"),
        ("from alembic import context", "from alembic import context\nfrom app import other as context"),
        ("from alembic import context", "from alembic import context\nimport app.context as context"),
        ("from alembic import context", "from alembic import context\ncontext = engine.wrapped"),
        ("def online():", "def online(context=context):"),
        ("    online()", "    vars()['online']()\n    online()"),
        ("    online()", "    app.call('online')\n    online()"),
        ("    online()", "    context.script.run_env()\n    online()"),
        ("    online()", "    online()\n    command.upgrade(engine)"),
        ("    online()", "    class Audit:\n        def __enter__(self):\n            online()\n    with Audit():\n        online()"),
        ("    online()", "    @engine.on_exit\n    def audit():\n        online()\n    online()"),
        ("    online()", "    engine.run_sync(online)\n    engine.run_sync(online)"),
        ("    online()", "    run_sync(online)"),
        ("    online()", "    importlib.reload(engine)\n    online()"),
        ("    online()", "    def run_sync(function):\n        function() or function()\n    engine.run_sync(online)"),
        ("        context.configure(connection=connection)", "        getattr(context, 'configure')(connection=connection)"),
        ("        context.configure(connection=connection)", "        do = context.configure\n        do(connection=connection)"),
        ("(connection=connection)", "(connection=connection, fn=engine)"),
        ("        context.run_migrations()", "        context.run_migrations()\n        online()"),
        ("def online", "def online():\n    pass\n\ndef online"),
        ("from alembic import context", "from alembic.context import *"),
        ("from alembic import context", "from alembic.context import configure as other"),
        ("if context.is_offline_mode():\n    offline()\nelse:\n    online()", "offline()\nonline()"),
        ("        context.configure(connection=connection)\n", ""),
        ("def online", "def online(:"),
    ],
)
def test_whatever_may_come_to_it_again_or_hide_it_is_not_once(change: tuple[str, str]) -> None:
    """A second database must be refused before the first one is changed, which only a dry pass can do for these."""
    before, after = change
    assert before in ONLINE
    assert not configures_once(ONLINE.replace(before, after))


@given(st.text(max_size=80))
def test_any_text_gets_an_answer(text: str) -> None:
    """What is no Python is told by the run itself, in its own words."""
    assert not configures_once(text)
