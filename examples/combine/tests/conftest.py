"""
What the tests may ask for: one running stack for the whole session, and databases in a state that is known.

With `pytest -n N` every worker has a stack of its own, so tests never meet.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from calling import SECRETS, Ground
from stack_fixture import stack  # noqa: F401 (a fixture)

from ops.local import Stack

_dumps: dict[str, str] = {}
_known: dict[str, object] = {}


@pytest.fixture
def ground(stack: Stack) -> Iterator[Ground]:  # noqa: F811
    """The scripts on the stack; secrets that a test changes are as before afterwards."""
    aws = stack.environ()
    client = Ground(aws, {}).secrets_manager
    secrets = {name: client.get_secret_value(SecretId=secret)["SecretString"] for name, secret in SECRETS.items()}
    ground = Ground(aws, secrets)
    yield ground
    ground.restore_secrets()


@pytest.fixture
def migrated(ground: Ground) -> Ground:
    """Both environments at head with their seeds: made once by db_migrate.sh, brought back where a test has changed them."""
    for name in SECRETS:
        if name not in _dumps:
            ground.empty(name)
            ground.script("db_migrate.sh", name, "--seed", check=0)
            _dumps[name] = ground.dump(name)
        elif _known[name] == ground.contents(name):
            continue
        else:
            ground.restore(name, _dumps[name])
        _known[name] = ground.contents(name)
    return ground


@pytest.fixture
def empty(ground: Ground) -> Ground:
    """Both databases as they are after their creation."""
    for name in SECRETS:
        ground.empty(name)
    return ground
