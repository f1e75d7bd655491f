"""Seeds."""
from typing import Any

class MysqlRows:
    def __getattr__(self, name: str) -> Any: raise NotImplementedError
