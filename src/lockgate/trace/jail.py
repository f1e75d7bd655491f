"""Every connection of this process leads to the scratch database, whatever env.py or a revision names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import event, make_url
from sqlalchemy.engine import Engine

from lockgate.dialects.connect import dialect_named
from lockgate.dialects.tracing import Tracing
from lockgate.errors import Unreachable
from lockgate.secret import DatabaseUrl

_TIMEOUT_S = 10.0


def jail(tracing: Tracing, url: DatabaseUrl) -> None:
    """
    Shut the drivers and SQLAlchemy in, until the process ends.

    Args:
        url: of the scratch database, without a driver.
    """
    tracing.jail(url)

    def connect(dialect: Any, record: Any, arguments: Any, options: dict[str, Any]) -> Any:
        if dialect.driver not in tracing.drivers():
            what = f"the plan's process connects to the scratch database only, and `{dialect.name}+{dialect.driver}` does not lead there"
            raise Unreachable("no-plan", what, "env.py", f"the drivers that can be planned with are {', '.join(tracing.drivers())}")
        ours, _ = dialect_named(url.backend).project_url(replace(url, driver=dialect.driver.removesuffix("_async")), _TIMEOUT_S)
        positional, named = dialect.create_connect_args(make_url(ours.render().reveal()))
        return dialect.connect(*positional, **{**named, **tracing.options_kept(options)})

    event.listen(Engine, "do_connect", connect)
