"""Writers that put, copy, overwrite, delete and read the same few contents, so that chunks die and come back all the
time, beside a gc that runs in a loop with grace 0. Every acknowledged object stays byte-exact."""

import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from parallel import Admin, client, together  # noqa: E402

WRITERS, SECONDS = 8, 12
CONTENTS = [random.Random(i).randbytes(size) for i, size in enumerate((10, 4000, 60000, 200000, 262145, 700000, 1500000))]
stop = threading.Event()
counts = {"operations": 0, "collections": 0}


def writer(number):
    s3, rng, mine = client(), random.Random(number), {}

    def good(*arguments, **more):
        status, headers, body = s3.request(*arguments, **more)
        assert status in (200, 204), (arguments[:2], status, body[:300])
        counts["operations"] += 1
        return body
    end = time.monotonic() + SECONDS
    # On a slow machine until there was something to be seen.
    while time.monotonic() < end or (counts["collections"] <= 3 and time.monotonic() < end + 20 * SECONDS):
        key, roll = "/bytes/w%d/%d" % (number, rng.randrange(6)), rng.random()
        if roll < 0.4:
            which = rng.randrange(len(CONTENTS))
            good("PUT", key, body=CONTENTS[which])
            mine[key] = which
        elif roll < 0.5 and mine:
            source = rng.choice(sorted(mine))
            if source != key:
                good("PUT", key, headers={"x-amz-copy-source": source})
                mine[key] = mine[source]
        elif roll < 0.75 and mine:
            key = rng.choice(sorted(mine))
            good("DELETE", key)
            del mine[key]
        elif mine:
            key = rng.choice(sorted(mine))
            assert good("GET", key) == CONTENTS[mine[key]], "%s is not what was put" % key
    for key, which in mine.items():
        assert good("GET", key) == CONTENTS[which], "%s is not what was put" % key


def collector():
    admin = Admin()
    while not stop.is_set():
        job = admin.good("POST", "/jobs", {"kind": "gc", "graceMs": 0})["jobId"]
        state = "running"
        while state == "running":
            reply = admin.good("GET", "/jobs/%s?wait=5" % job)
            state = reply["state"]
        assert state == "done", reply
        counts["collections"] += 1


def writers():
    try:
        together([lambda n=n: writer(n) for n in range(WRITERS)], 300)
    finally:
        stop.set()


together([writers, collector], 400)
print("# %(operations)d operations beside %(collections)d collections" % counts)
assert counts["collections"] > 3
