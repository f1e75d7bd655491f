"""The process that plays Secrets Manager: `moto_server.py PORT`; it says `ready` on stdout and stays in the background."""

from __future__ import annotations

import os
import sys

from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server


def main() -> None:
    """Listen, then fork: whoever started this waits for the parent only, and never has a dead child to bury."""
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", int(sys.argv[1]), application, threaded=True, request_handler=MotoRequestHandler)
    if os.fork():
        os._exit(0)
    os.setsid()
    print("ready", flush=True)
    os.dup2(2, 1)  # the pipe to the starter ends here; the log stays
    server.serve_forever()


if __name__ == "__main__":
    main()
