"""What the embedded server's library complains of."""

from __future__ import annotations

import logging


class Overheard(logging.Handler):
    """Keeps the library's last complaint: its exceptions do not say why a command failed, its log does."""

    complaint = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            self.complaint = record.getMessage()

    def reason(self) -> str:
        """The line that tells most: the complaint holds a command, its output, and PostgreSQL's own log with hints at the end."""
        lines = [line.strip() for line in self.complaint.splitlines() if any(map(str.isalnum, line))]
        errors = [line for line in lines if "FATAL: " in line or "error: " in line]
        return (errors or lines or [""])[-1]
