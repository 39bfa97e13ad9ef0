"""The change feed under load: 16 writers, 16 readers; no reader ever sees a sequence skipped.

The bucket is made by the caller: changes.py BUCKET
"""

import base64
import hashlib
import os
import random
import re
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from parallel import Admin, client, together  # noqa: E402

WRITERS, READERS, SECONDS = 16, 16, 8
bucket = sys.argv[1]
done = threading.Event()
acknowledged, lock = [], threading.Lock()
feeds = [None] * READERS


def writer(number):
    s3, rng, mine = client(), random.Random(number), []
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        roll, key = rng.random(), "d%d/w%02d/k%d" % (rng.randrange(3), number, rng.randrange(8))
        if roll < 0.65:
            status, _, body = s3.request("PUT", "/%s/%s" % (bucket, key), body=b"%d" % rng.randrange(1 << 30))
        elif roll < 0.8:
            status, _, body = s3.request("DELETE", "/%s/%s" % (bucket, key))
        elif roll < 0.9:
            status, _, body = s3.request("PUT", "/%s/%s" % (bucket, key), headers={"x-amz-copy-source": "/%s/seed" % bucket})
        else:
            xml = "<Delete>" + "".join("<Object><Key>d%d/w%02d/k%d</Key></Object>" % (d, number, k) for d in range(3) for k in range(8)) + "</Delete>"
            status, _, body = s3.request("POST", "/" + bucket, {"delete": ""}, xml.encode(),
                                         {"content-md5": base64.b64encode(hashlib.md5(xml.encode()).digest()).decode()})
        assert status in (200, 204), (status, body)
        mine.append(key)
    with lock:
        acknowledged.extend(mine)


def reader(number):
    """Pages of many sizes, with and without waiting. Sequences must come one by one, each commit whole at last."""
    admin, rng, cursor, feed = Admin(), random.Random(number), "begin", []
    if number % 4 == 3:    # a late one: all at once behind the others
        time.sleep(SECONDS / 2)
    while True:
        last_round = done.is_set()
        wait = rng.choice((0, 0, 1)) if not last_round else 0
        page = admin.good("GET", "/workspaces/%s/changes?cursor=%s&limit=%d&wait=%d" % (bucket, cursor, rng.choice((1, 7, 100, 1000)), wait))
        for change in page["changes"]:
            wanted = feed[-1]["sequence"] + 1 if feed else change["sequence"]
            assert change["sequence"] == wanted, "reader %d: %d follows %d" % (number, change["sequence"], wanted - 1)
            feed.append(change)
        cursor = page["nextCursor"]
        if last_round and not page["changes"]:
            break
    feeds[number] = feed


def main():
    s3 = client()
    assert s3.request("PUT", "/%s/seed" % bucket, body=b"seed")[0] == 200

    def writers():
        try:
            together([lambda n=n: writer(n) for n in range(WRITERS)], 200)
        finally:
            done.set()
    together([writers] + [lambda n=n: reader(n) for n in range(READERS)], 300)
    first = [(c["sequence"], c["eventType"], c["name"], c["versionId"]) for c in feeds[0]]
    assert first and first[0][0] == 1, first[:1]
    for number, feed in enumerate(feeds):
        assert [(c["sequence"], c["eventType"], c["name"], c["versionId"]) for c in feed] == first, "reader %d saw another feed" % number
    print("# %d operations, %d events, %d readers" % (len(acknowledged), len(first), READERS))
    # The feed tells the tree: replayed from its beginning it gives the listing.
    names, alive = {}, {}
    for c in feeds[0]:
        if c["kind"] == "folder":
            names[c["id"]] = (c["parentId"], c["name"])
        elif c["eventType"] == "FILE_DELETED":
            alive.pop(c["id"], None)
        else:
            alive[c["id"]] = (c["parentId"], c["name"])

    def path(parent, name):
        while parent in names:
            parent, folder = names[parent]
            name = folder.rstrip("/") + "/" + name
        return name
    told = sorted(path(*place) for place in alive.values())
    keys, token = [], ""
    while True:
        body = s3.request("GET", "/" + bucket, {"start-after": token, "list-type": "2"})[2]
        page = [k.decode() for k in re.findall(rb"<Key>([^<]*)", body)]
        keys += page
        if b"<IsTruncated>true" not in body:
            break
        token = page[-1]
    assert told == keys, "feed and tree differ: %r" % sorted(set(told) ^ set(keys))[:10]


main()
