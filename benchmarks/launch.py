"""
Run a command and write what it took into a file descriptor: `python -I -S launch.py FD COMMAND...`.

A small process between the benchmarks and the command: Linux counts the memory of the process that starts a command into the peak
of what it started, and the benchmarks themselves hold more than many a contender.
"""

import json
import os
import sys
import time


def main() -> None:
    """Start it, wait for it, tell."""
    descriptor, argv = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(descriptor, False)
    start = time.perf_counter()
    pid = os.posix_spawnp(argv[0], argv, os.environ)
    _, status, usage = os.wait4(pid, 0)
    spent = time.perf_counter() - start
    told = {"status": os.waitstatus_to_exitcode(status), "wall_s": spent, "cpu_s": usage.ru_utime + usage.ru_stime, "maxrss": usage.ru_maxrss}
    os.write(descriptor, json.dumps(told).encode())


if __name__ == "__main__":
    main()
