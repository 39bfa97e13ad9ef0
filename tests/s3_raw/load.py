"""Many at once: a quota, and memory that is not enough for all."""

import hashlib
import os
import threading
import time

from calls import admin, chunked_request
from wire import BUCKET, KEPT, check, connect, head_bytes, is_error, kept, read_reply, s3, Signer, still_kept


def group_quota():
    limit = 1 << 20
    path = kept()
    reply = admin("PATCH", "/workspaces/" + BUCKET, {"quotaBytes": limit})
    check("set the quota", reply.status == 200, reply)
    codes, lock = [], threading.Lock()

    def write(n):
        for i in range(8):
            reply = s3("PUT", "/%s/q/%d/%d" % (BUCKET, n, i), body=os.urandom(20000))
            with lock:
                codes.append((reply.status, reply.code))
    threads = [threading.Thread(target=write, args=(n,)) for n in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    good = sum(1 for c in codes if c == (200, ""))
    check("as many as fit, of 16 at once", good == (limit - len(KEPT)) // 20000, (good, set(codes)))
    check("the others are told why", set(codes) == {(200, ""), (403, "QuotaExceeded")}, set(codes))
    still_kept("quota reached", path)
    some = [(n, i) for n in range(16) for i in range(8) if s3("HEAD", "/%s/q/%d/%d" % (BUCKET, n, i)).status == 200][0]
    is_error("a copy counts", s3("PUT", path + "-c", headers={"x-amz-copy-source": "/%s/q/%d/%d" % ((BUCKET,) + some)}), 403, "QuotaExceeded")
    check("delete one", s3("DELETE", "/%s/q/%d/%d" % ((BUCKET,) + some)).status == 204)
    check("and there is room", s3("PUT", "/%s/room" % BUCKET, body=os.urandom(20000)).status == 200)


def group_waiting():
    """More uploads at once than there is memory for (the server is to be given little): they wait, and all come through."""
    bad = []

    def write(n):
        data = hashlib.sha256(b"%d" % n).digest() * (10000 * (1 + n % 10))
        path = "/%s/w%d" % (BUCKET, n)
        if n % 2:
            signer = Signer()
            head = head_bytes("PUT", path, signer.headers("PUT", path, "", {}, "UNSIGNED-PAYLOAD") +
                              [("Content-Length", str(len(data)))])
            body = data
        else:
            size = 65536 + n * 1000
            head, body = chunked_request(path, [data[i:i + size] for i in range(0, len(data), size)])
        # Slowly, so that all are under way at once.
        try:
            with connect() as sock:
                sock.sendall(head)
                for i in range(0, len(body), 65537):
                    sock.sendall(body[i:i + 65537])
                    time.sleep(0.02)
                reply = read_reply(sock, "PUT")
        except OSError as e:
            bad.append((n, e))
            return
        if reply.status != 200 or s3("GET", path).body != data:
            bad.append((n, reply))
    threads = [threading.Thread(target=write, args=(n,)) for n in range(40)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check("40 uploads at once", not bad, bad)
