"""Bad input, byte by byte over a raw socket: python3 tests/bad_input GROUP, or without one a list of the groups.

Environment: FSD_PORT, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY. A case is a function; its key is its name. After each
case the daemon must be alive, and neither the case's key nor the key "smuggled" may exist. Groups begin with the same
thing done right, so that what follows is refused for its own reason.
"""

import re
import sys
import urllib.parse

# Their cases are in GROUPS then.
import auth
import bodies
import heads
from wire import BUCKET, GROUPS, Wrong, good, key, wants


def absent(name):
    reply = good("HEAD", key(urllib.parse.quote(name)))
    if reply.status != 404:
        raise Wrong("behind it, HEAD of %s says %s" % (name, reply))


def run(function):
    k = function.__name__
    function(k)
    wants(good("HEAD", "/" + BUCKET), 200)
    for name in (k, "smuggled", "outer"):
        absent(name)


def main():
    if len(sys.argv) < 2:
        print("\n".join(GROUPS))
        return 0
    good("PUT", "/" + BUCKET)
    good("PUT", key("ten"), body=b"0123456789")
    failed = 0
    for i, function in enumerate(GROUPS[sys.argv[1]], 1):
        try:
            run(function)
            print("ok %d - %s" % (i, function.__name__))
        except (Wrong, OSError, ValueError, AttributeError, IndexError) as e:
            failed += 1
            print("not ok %d - %s\n#   %s: %s" % (i, function.__name__, type(e).__name__, e))
    # What should be there is there, and only that.
    names = set(re.findall(rb"<Key>([^<]*)", good("GET", "/" + BUCKET, query=[("list-type", "2")]).body))
    if names - {b"ten", b"victim"}:
        failed += 1
        print("not ok - something was stored: %r" % names)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
