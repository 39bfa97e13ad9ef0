"""16 writers leave uploads open, by S3 and by the JSON API: what they hold and what is stored never pass the quota together, and nothing of it is lost.

The workspace and its quota are made by the caller: quota_open.py WORKSPACE BYTES [PROGRAM…], which is run while they are open.
"""

import json
import os
import random
import re
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from api import Api  # noqa: E402
from parallel import Admin, client, code, together  # noqa: E402

WRITERS, ROUNDS = 16, 12
bucket, quota = sys.argv[1], int(sys.argv[2])
parts, sessions, stored, refused, lock = {}, {}, {}, [0], threading.Lock()


def used():
    shown = Admin().good("GET", "/workspaces/" + bucket)
    return shown["bytes"], shown["uploadBytes"]


def note(status, error, book, key, size):
    """What is sent again replaces what was."""
    with lock:
        if status == 200:
            book[key] = size
        elif error in ((403, "QuotaExceeded"), (507, "quota_exceeded")):
            refused[0] += 1
        else:
            raise AssertionError("%s %s" % (status, error))


def create(s3, key):
    status, _, body = s3.request("POST", "/%s/%s" % (bucket, key), {"uploads": ""})
    assert status == 200, (status, body)
    return re.search(rb"<UploadId>([^<]*)", body).group(1).decode()


def send_part(s3, key, upload, number, size):
    status, _, body = s3.request("PUT", "/%s/%s" % (bucket, key), {"uploadId": upload, "partNumber": str(number)}, os.urandom(size))
    note(status, (status, code(body)), parts, (key, upload, number), size)


def session(api, workspace, name, size):
    """A session whose only part is sent and that is left open."""
    status, doc = api.call("POST", "/files:start-upload", {"workspaceId": workspace, "parentFolderId": "root", "name": name, "sizeBytes": size})
    if status == 200:
        url = doc["uploadTargets"][0]["url"]
        api.connection.request("PUT", url[url.index("/", 8):], body=os.urandom(size))
        reply = api.connection.getresponse()
        data = reply.read()
        status, error = reply.status, json.loads(data)["error"]["code"] if reply.status >= 400 else None
        note(status, (status, error), sessions, doc["uploadSessionId"], size)
    else:
        note(status, (status, doc["error"]["code"]), sessions, None, size)


def writer(number, workspace):
    s3, api, rng = client(), Api(), random.Random(number)
    key = "w%02d" % number
    upload = create(s3, key)
    for i in range(ROUNDS):
        size = rng.choice((1000, 30000, 100000, 250000))
        kind = rng.random()
        if kind < 0.4:
            send_part(s3, key, upload, rng.randrange(1, 6), size)
        elif kind < 0.8:
            session(api, workspace, "%s-%d" % (key, i), size)
        else:
            name = "%s/k%d" % (key, rng.randrange(3))
            status, _, body = s3.request("PUT", "/%s/%s" % (bucket, name), body=os.urandom(size))
            note(status, (status, code(body)), stored, name, size)


def watch(stop, seen):
    admin = Admin()
    while not stop.is_set():
        shown = admin.good("GET", "/workspaces/" + bucket)
        seen.append(shown["bytes"] + shown["uploadBytes"])
        stop.wait(0.01)


def main():
    workspace = Admin().good("GET", "/workspaces/" + bucket)["workspaceId"]
    stop, seen = threading.Event(), []
    watcher = threading.Thread(target=watch, args=(stop, seen), daemon=True)
    watcher.start()
    together([lambda n=n: writer(n, workspace) for n in range(WRITERS)])
    stop.set()
    watcher.join(10)
    held = sum(parts.values()) + sum(sessions.values())
    print("# quota %d: %d bytes stored, %d held by open uploads, %d refused, at most %d seen in %d looks" %
          (quota, sum(stored.values()), held, refused[0], max(seen), len(seen)))
    assert used() == (sum(stored.values()), held), (used(), sum(stored.values()), held)
    assert max(seen) <= quota, max(seen)
    assert refused[0], "nothing was refused: the test tests nothing"
    assert held + sum(stored.values()) > quota * 0.8, "much less than the quota was let in"
    if len(sys.argv) > 3:
        subprocess.run(sys.argv[3:], check=True, stdout=subprocess.DEVNULL)
    # All of it comes back, to the byte.
    s3, api = client(), Api()
    for key, upload in {(k, u) for k, u, _ in parts}:
        assert s3.request("DELETE", "/%s/%s" % (bucket, key), {"uploadId": upload})[0] == 204
    for name in sessions:
        api.good("DELETE", "/uploads/" + name)
    assert used() == (sum(stored.values()), 0), used()
    left = quota - used()[0]
    status, _, body = s3.request("PUT", "/%s/exact" % bucket, body=os.urandom(left + 1))
    assert (status, code(body)) == (403, "QuotaExceeded"), (status, body)
    assert s3.request("PUT", "/%s/exact" % bucket, body=os.urandom(left))[0] == 200


main()
