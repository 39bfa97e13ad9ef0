"""Clients that go away in the middle of writes, and what is left of them: hang_up.py SECONDS

Environment: as for lib/parallel.py.
"""

import os
import random
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from parallel import client, together    # noqa: E402

BUCKET = "/hangups"
CLIENTS = 64
SIZES = (1, 4096, 300000)


def signed(s3, method, path, headers):
    head = dict(headers)
    s3._sign(method, path, "", head)
    return ("%s %s HTTP/1.1\r\n" % (method, path) + "".join("%s: %s\r\n" % h for h in head.items()) + "\r\n").encode()


def one_client(number, end, acknowledged):
    s3, dice, turn = client(), random.Random(number), 0
    while time.monotonic() < end:
        turn += 1
        path = "%s/c%d/o%d" % (BUCKET, number, turn % 20)
        size = dice.choice(SIZES)
        request = signed(s3, "PUT", path, {"content-length": str(size)}) + bytes([turn % 256]) * size
        if dice.random() < 0.2:
            request, size = signed(s3, "DELETE", path, {}), None
        elif dice.random() < 0.1:
            request, size = signed(s3, "PUT", path, {"x-amz-copy-source": "%s/c%d/o0" % (BUCKET, number),
                                                   "content-length": "0"}), None
        s = socket.create_connection((s3.host, s3.port), timeout=60)
        try:
            whole = dice.random() < 0.8
            s.sendall(request if whole else request[:dice.randrange(len(request))])
            if whole and dice.random() < 0.4:
                reply = s.recv(65536)
                if reply.startswith(b"HTTP/1.1 200") and size:
                    acknowledged[path] = size
            else:
                time.sleep(dice.choice((0, 0.0005, 0.003, 0.02)))
            if dice.random() < 0.5:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))    # a reset
        except ConnectionError:
            pass
        s.close()


def main():
    end, acknowledged = time.monotonic() + float(sys.argv[1]), {}
    s3 = client()
    assert s3.request("PUT", BUCKET)[0] == 200
    together([lambda n=n: one_client(n, end, acknowledged) for n in range(CLIENTS)], limit=300)
    if not acknowledged:
        sys.exit("hang_up.py: no write was answered at all")
    # Nobody of them holds anything up.
    began = time.monotonic()
    for i in range(100):
        assert s3.request("PUT", "%s/after/%d" % (BUCKET, i), body=b"x" * 4096)[0] == 200
        assert s3.request("DELETE", "%s/after/%d" % (BUCKET, i))[0] == 204
    print("# %d keys acknowledged; 200 writes after it took %.1f s" % (len(acknowledged), time.monotonic() - began))


main()
