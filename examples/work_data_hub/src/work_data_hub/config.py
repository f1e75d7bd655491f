"""The settings of this process, read from its environment once."""

from __future__ import annotations

from functools import lru_cache

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, make_url


class Database(BaseModel):
    """What `WDH_DATABASE__...` says."""

    uri: SecretStr | None = None


class Settings(BaseSettings):
    """
    The settings.

    Args:
        env: `WDH_ENV`: the environment that this process, and with it its database URL, is for.
        database: `WDH_DATABASE__URI`; wins over `DATABASE_URL`, which other programs read, too.
        database_url: `DATABASE_URL`.
    """

    model_config = SettingsConfigDict(env_prefix="WDH_", env_nested_delimiter="__")

    env: str = "dev"
    database: Database = Database()
    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")

    @property
    def database_uri(self) -> SecretStr:
        """The database's URL; LookupError where nobody gave one."""
        found = self.database.uri or self.database_url
        if found is None:
            raise LookupError("no database: set DATABASE_URL or WDH_DATABASE__URI")
        return found


@lru_cache
def get_settings() -> Settings:
    """
    Return the settings.

    Cached: what the environment says later changes nothing, unless `get_settings.cache_clear()` is called.
    """
    return Settings()


def sqlalchemy_url(text: str) -> URL:
    """Return a URL for SQLAlchemy, with psycopg 3 for PostgreSQL where it names no driver."""
    url = make_url(text.replace("postgres://", "postgresql://", 1) if text.startswith("postgres://") else text)
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def dev_database_url() -> SecretStr:
    """For lockgate: the URL of `dev`."""
    return _database_uri_of("dev")


def test_database_url() -> SecretStr:
    """For lockgate: the URL of `test`."""
    return _database_uri_of("test")


def live_database_url() -> SecretStr:
    """For lockgate: the URL of `live`."""
    return _database_uri_of("live")


def _database_uri_of(environment: str) -> SecretStr:
    settings = get_settings()
    if settings.env != environment:
        raise LookupError(f"DATABASE_URL is the one of `{settings.env}` here; set it and WDH_ENV={environment} for `{environment}`")
    return settings.database_uri
