"""Programs that end with the test that started them, however it ends: Popen(…, preexec_fn=tied.tie).

Started by the main thread: the system ends them when the thread that started them ends.
"""

import contextlib
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
libc, test = ctypes.CDLL(None), os.getpid()


def tie():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != test:    # it was over before
        os._exit(1)


@contextlib.contextmanager
def undisturbed():
    """SIGTERM waits for the end of the block: what is started there can be ended by who started it."""
    late = []
    usual = signal.signal(signal.SIGTERM, lambda number, frame: late.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, usual)
        if late:
            sys.exit(128 + late[0])


# Who is ended by SIGTERM tidies up as if it were an error.
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
