"""Fills the disk below a store with many writers, and remembers what was acknowledged.

disk_full.py fill BUCKET LEDGER [SIZE...]     PUTs of these sizes by 8 writers until each was refused or broken off
disk_full.py put BUCKET LEDGER N SIZE         N PUTs of that size, all of them accepted
disk_full.py verify BUCKET LEDGER             every acknowledged object is there, byte-exact
disk_full.py delete BUCKET LEDGER             deletes them all
"""

import hashlib
import json
import os
import random
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from parallel import client, code, together  # noqa: E402

verb, bucket, ledger = sys.argv[1:4]
WRITERS, TRIES, AT_MOST = 8, 12, 3000


def fill(sizes):
    there, answers, lock = {}, {}, threading.Lock()

    def writer(number):
        s3, rng, refused = client(), random.Random(os.urandom(8)), 0
        for i in range(AT_MOST):
            key, body = "w%d/%d" % (number, i), rng.randbytes(rng.choice(sizes))
            try:
                status, _, reply = s3.request("PUT", "/%s/%s" % (bucket, key), body=body)
            except OSError:    # refused and closed while the body was being sent
                status, reply = 0, b""
            answer = "%d %s" % (status, code(reply) or "")
            with lock:
                answers[answer] = answers.get(answer, 0) + 1
                if status == 200:
                    there[key] = hashlib.sha256(body).hexdigest()
            if status != 200:
                refused += 1
                if refused == TRIES:
                    return
        raise AssertionError("the disk did not become full")
    together([lambda n=n: writer(n) for n in range(WRITERS)])
    with open(ledger, "w") as f:
        json.dump(there, f)
    print("# %d acknowledged; answers %s" % (len(there), answers))
    assert set(answers) <= {"200 ", "507 InsufficientStorage", "0 "}, answers
    assert there and answers.get("507 InsufficientStorage", 0) > 0, answers


def put(count, size):
    there = {"put/%d" % i: os.urandom(size) for i in range(count)}
    s3 = client()
    for key, body in there.items():
        status, _, reply = s3.request("PUT", "/%s/%s" % (bucket, key), body=body)
        assert status == 200, (key, status, reply)
    with open(ledger, "w") as f:
        json.dump({k: hashlib.sha256(b).hexdigest() for k, b in there.items()}, f)


def each(function):
    with open(ledger) as f:
        there = sorted(json.load(f).items())

    def some(number):
        s3 = client()
        for key, digest in there[number::4]:
            function(s3, key, digest)
    together([lambda n=n: some(n) for n in range(4)])
    return len(there)


def verify(s3, key, digest):
    status, _, body = s3.request("GET", "/%s/%s" % (bucket, key))
    assert status == 200, (key, status, body[:300])
    assert hashlib.sha256(body).hexdigest() == digest, key


def delete(s3, key, _):
    status, _, body = s3.request("DELETE", "/%s/%s" % (bucket, key))
    assert status == 204, (key, status, body)


if verb == "fill":
    fill([int(n) for n in sys.argv[4:]] or [4000, 300000, 1500000])
elif verb == "put":
    put(int(sys.argv[4]), int(sys.argv[5]))
else:
    print("# %s of %d" % (verb, each({"verify": verify, "delete": delete}[verb])))
