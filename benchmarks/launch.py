"""Starts a program, waits, and tells what it used; started itself with `python -I -S`, so that it is small.

A child's peak memory counts from that of the process that forked it, and a benchmark with compiled kernels loaded
is larger than many a program measured. Command line: file for the figures, then the program and its arguments.
"""

import os
import subprocess
import sys
import time

if __name__ == "__main__":
    began = time.perf_counter()
    process = subprocess.Popen(sys.argv[2:])
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    with open(sys.argv[1], "w") as file:  # noqa: PTH123 (pathlib would make the launcher larger)
        file.write(f"{wall} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss * 1024} {process.returncode}")
