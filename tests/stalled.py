"""Clients that begin a body and stop, and what others notice of them: stalled.py PART

Environment: as for lib/parallel.py, and FSD_PID.
"""

import base64
import hashlib
import os
import re
import resource
import select
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from parallel import Admin, client, code, together    # noqa: E402

BUCKET = "/stalled"
MB = 1 << 20


def check(good, *what):
    if not good:
        sys.exit("stalled.py: " + " ".join(map(str, what)))


def say(*what):
    print("#", *what, flush=True)


class Staller:
    """A request whose body ends before its announced length, so far."""

    def __init__(self, method, path, query, length, sent, headers=()):
        s3 = client()
        head = dict(headers)
        s3._sign(method, path, query + "=" if query else "", head)
        lines = ["%s %s%s HTTP/1.1" % (method, path, "?" + query if query else "")]
        lines += ["%s: %s" % h for h in head.items()] + ["content-length: %d" % length]
        self.data = ("\r\n".join(lines) + "\r\n\r\n").encode() + sent
        self.left = memoryview(self.data)
        self.socket = socket.create_connection((s3.host, s3.port), timeout=60)
        self.socket.setblocking(False)

    def push(self):
        try:
            while self.left:
                self.left = self.left[self.socket.send(self.left[:MB]):]
        except (BlockingIOError, ConnectionError):
            pass

    def reply(self, wait=0):
        """What came and whether the connection is closed behind it."""
        raw, end = b"", time.monotonic() + wait
        while True:
            try:
                more = self.socket.recv(65536)
            except BlockingIOError:
                if time.monotonic() >= end:
                    return raw, False
                select.select([self.socket], [], [], 0.2)
                continue
            except ConnectionError:
                return raw, True
            if not more:
                return raw, True
            raw += more

    def close(self):
        self.socket.close()


def stall(count, make, patience=60):
    """So many at once; gives each the time that the server's reading takes."""
    all_ = [make(i) for i in range(count)]
    end, before, still = time.monotonic() + patience, None, 0
    while time.monotonic() < end:
        for s in all_:
            s.push()
        left = sum(len(s.left) for s in all_)
        still = still + 1 if left == before else 0
        if left == 0 or still == 3:
            break
        before = left
        time.sleep(0.5)
    return all_


def close(all_):
    for s in all_:
        s.close()


def upload(i, length=20 * MB, sent=b"x" * MB):
    return Staller("PUT", "%s/never-%d" % (BUCKET, i), "", length, sent)


def upload_memory():
    return Admin().good("GET", "/status")["uploadMemoryBytes"]


def wait_held(least):
    end = time.monotonic() + 60
    while upload_memory() < least:
        check(time.monotonic() < end, "only", upload_memory(), "bytes are held: this tests nothing")
        time.sleep(0.1)


def within(seconds, what, function):
    began = time.monotonic()
    result = function()
    took = time.monotonic() - began
    say("%s: %.2f s" % (what, took))
    check(took <= seconds, what, "took %.1f s, may take %.0f" % (took, seconds))
    return result


def put(key, body, timeout=120):
    s3 = client(timeout)
    status, _, reply = s3.request("PUT", BUCKET + "/" + key, body=body)
    check(status == 200, "PUT of", key, status, code(reply))
    s3.close()


def get(key, body):
    s3 = client(120)
    status, _, got = s3.request("GET", BUCKET + "/" + key)
    check(status == 200 and got == body, "GET of", key, status)
    s3.close()


def many(name, count=100, threads=10):
    def work(t):
        for i in range(t, count, threads):
            body = b"%s %d" % (name.encode(), i) * 300
            put("%s-%d" % (name, i), body)
            get("%s-%d" % (name, i), body)
    together([lambda t=t: work(t) for t in range(threads)])


def only_stored(*prefixes):
    _, _, listing = client().request("GET", BUCKET, {"list-type": "2"})
    keys = re.findall(rb"<Key>([^<]*)</Key>", listing)
    check(keys, "nothing is stored")
    for k in keys:
        check(k.decode().startswith(prefixes), "stored though its body never came:", k)


def large_do_not_hold_up_small():
    """The daemon cuts nobody off."""
    stalled = stall(200, upload)
    wait_held(90 * MB)
    within(90, "100 small PUTs and GETs before 200 stalled uploads", lambda: many("small"))
    check(not any(s.reply()[1] for s in stalled), "somebody was cut off")
    close(stalled)
    only_stored("small-")


def small_do_not_hold_up_large():
    """The daemon cuts nobody off, and has 16 MiB for uploads."""
    stalled = stall(100, lambda i: upload(i, 200000, b"x" * 190000))
    wait_held(3 * MB)
    body = os.urandom(20 * MB)
    within(90, "a large PUT before 100 stalled small ones", lambda: put("large", body))
    get("large", body)
    close(stalled)
    only_stored("large")


def stalled_are_cut():
    """stall_time is 2 s."""
    alone = upload(0)
    stall(1, lambda i: alone)
    time.sleep(5)
    check(alone.reply() == (b"", False), "cut off though nobody waits")
    stalled = stall(200, lambda i: upload(i + 1))
    wait_held(80 * MB)
    body = os.urandom(20 * MB)
    within(90, "a large PUT before 200 stalled uploads", lambda: put("large", body))
    get("large", body)
    replies = [s.reply() for s in stalled]
    cut = [raw for raw, closed in replies if closed]
    say(len(cut), "were cut off")
    check(len(cut) >= 50, "only", len(cut), "were cut off")
    for raw in cut:
        check(raw.startswith(b"HTTP/1.1 400 ") and b"<Code>RequestTimeout</Code>" in raw, "cut off with", raw[:200])
    close(stalled)
    alone.close()
    end = time.monotonic() + 60
    while upload_memory() and time.monotonic() < end:
        time.sleep(0.1)
    check(upload_memory() == 0, "memory is still held")
    only_stored("large")


def slow_go_on():
    """stall_time is 2 s. Nobody waits: who pauses longer than that ends well."""
    one = upload(1, 3 * MB, b"y" * MB)
    one.push()
    for _ in range(2):
        time.sleep(3)
        one.left = memoryview(b"y" * MB)
        while one.left:
            one.push()
    raw, _ = one.reply(60)
    check(raw.startswith(b"HTTP/1.1 200 "), "a slow PUT was answered", raw[:200])
    one.close()


def anonymous():
    with open("/proc/%s/status" % os.environ["FSD_PID"]) as f:
        return int(re.search(r"RssAnon:\s+(\d+)", f.read()).group(1)) << 10


def delete_body(keys):
    return (b"<Delete>" + b"".join(b"<Object><Key>%s</Key></Object>" % k.encode() for k in keys) + b"</Delete>")


def delete(keys, pad, timeout=120):
    body = delete_body(keys) + b" " * pad
    s3 = client(timeout)
    status, _, reply = s3.request("POST", BUCKET, {"delete": ""}, body=body, headers={
        "content-md5": base64.b64encode(hashlib.md5(body).digest()).decode()})
    check(status == 200 and reply.count(b"<Deleted>") == len(keys), "DeleteObjects", status, code(reply))
    s3.close()


def half_delete(_):
    md5 = base64.b64encode(hashlib.md5(b"").digest()).decode()
    return Staller("POST", BUCKET, "delete", 2 * MB, b"<" + b"x" * (MB - 1), {"content-md5": md5})


def bodies_are_bounded():
    """stall_time is 2 s."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    put("one", b"1")
    before = anonymous()
    stalled = stall(60, half_delete)
    time.sleep(1)    # half of them hold it all, half wait
    within(90, "a large DeleteObjects behind 60 others", lambda: delete(["two"], MB))
    cut = [raw for raw, closed in (s.reply() for s in stalled) if closed]
    say(len(cut), "were cut off")
    check(cut and all(b"<Code>RequestTimeout</Code>" in raw for raw in cut), "cut off with", cut[:1])
    close(stalled)
    stalled = stall(1000, half_delete, 30)
    grown = anonymous() - before
    say("1000 half bodies: %d MB of memory more" % (grown >> 20))
    check(16 * MB < grown < 300 * MB, grown, "bytes more")
    within(90, "a small DeleteObjects", lambda: delete(["one"], 0))
    within(90, "an administrator's call", lambda: Admin().good("POST", "/users", {"name": "somebody"}))
    close(stalled)


if __name__ == "__main__":
    {f.__name__: f for f in (large_do_not_hold_up_small, small_do_not_hold_up_large, stalled_are_cut, slow_go_on,
                             bodies_are_bounded)}[sys.argv[1]]()
