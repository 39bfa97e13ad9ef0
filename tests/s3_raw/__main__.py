"""Checks of the S3 face with requests that no client library sends: bad input above all, and what must not be lost by it.

	python3 tests/s3_raw GROUP	one group of checks; without a group, their names

The environment names the server as tests/lib/fsd.bash sets it: FSD_PORT, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
FSD_TOKEN. Standard library only. Every failed check is a line on standard error, and the exit code is then 1.
"""

import sys

import auth
import bodies
import heads
import load
import objects
from wire import CHECKS, FAILED, setup

MODULES = (auth, bodies, heads, load, objects)
GROUPS = dict(sorted((n[6:], f) for m in MODULES for n, f in vars(m).items() if n.startswith("group_")))


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in GROUPS:
        print("\n".join(GROUPS))
        return 0 if len(sys.argv) == 1 else 2
    setup()
    GROUPS[sys.argv[1]]()
    print("%s: %d checks, %d failed" % (sys.argv[1], CHECKS[0], len(FAILED)))
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
