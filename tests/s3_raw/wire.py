"""Requests as they are, signed or not, what a check says of their replies, and a bucket of the run's own."""

import base64
import datetime
import hashlib
import hmac
import os
import re
import socket
import sys
import time
import urllib.parse

PORT = int(os.environ.get("FSD_PORT", "9000"))
KEY = os.environ.get("AWS_ACCESS_KEY_ID", "")
SECRET = os.environ.get("AWS_SECRET_ACCESS_KEY", "")
TOKEN = os.environ.get("FSD_TOKEN", "")
HOST = "127.0.0.1:%d" % PORT
EMPTY = hashlib.sha256(b"").hexdigest()
FAILED = []
CHECKS = [0]


def check(what, condition, got=None):
    CHECKS[0] += 1
    if not condition:
        FAILED.append(what)
        print("FAILED %s: %r" % (what, got), file=sys.stderr)


# ---- requests ----

class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def code(self):
        found = re.search(rb"<Code>([^<]*)</Code>", self.body)
        return found.group(1).decode() if found else ""

    def __repr__(self):
        return "%d %s %s" % (self.status, self.code, self.body[:200])


NOTHING = Reply(0, {}, b"")


def read_reply(sock, method="GET", skip_continue=True):
    """One reply; NOTHING if the connection ended without one."""
    data = b""
    try:
        while True:
            while b"\r\n\r\n" not in data:
                piece = sock.recv(65536)
                if not piece:
                    return NOTHING
                data += piece
            head, data = data.split(b"\r\n\r\n", 1)
            lines = head.split(b"\r\n")
            status = int(lines[0].split()[1])
            if status != 100 or not skip_continue:
                break
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            headers[name.decode().lower()] = value.decode("latin-1").strip()
        if method == "HEAD" or status in (100, 204, 304):
            return Reply(status, headers, b"")
        length = int(headers.get("content-length", "0"))
        while len(data) < length:
            piece = sock.recv(65536)
            if not piece:
                break
            data += piece
        return Reply(status, headers, data[:length])
    except (OSError, ValueError):
        return NOTHING


def connect():
    sock = socket.create_connection(("127.0.0.1", PORT), timeout=60)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def send_raw(data, method="GET", end=False):
    """Bytes as they are; with `end`, nothing more will come."""
    with connect() as sock:
        try:
            sock.sendall(data)
            if end:
                sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return read_reply(sock, method)


def head_bytes(method, target, headers):
    lines = ["%s %s HTTP/1.1" % (method, target)] + ["%s: %s" % h for h in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def send(method, target, headers, body=b""):
    headers = list(headers)
    if not any(n.lower() in ("content-length", "transfer-encoding") for n, _ in headers) and method != "GET":
        headers.append(("Content-Length", str(len(body))))
    return send_raw(head_bytes(method, target, headers) + body, method)


# ---- signatures ----

def quote(raw, safe="-._~"):
    return urllib.parse.quote(raw, safe=safe)


def target_of(path, params):
    query = "&".join("%s=%s" % (quote(k), quote(v)) for k, v in sorted(params.items()))
    raw = path if isinstance(path, bytes) else path.encode("utf-8", "surrogateescape")
    return quote(raw, "/-._~"), query


def hmac256(key, text):
    return hmac.new(key, text.encode() if isinstance(text, str) else text, hashlib.sha256).digest()


class Signer:
    def __init__(self, key=KEY, secret=SECRET, when=None, region="us-east-1", service="s3", day=None):
        when = when or datetime.datetime.now(datetime.timezone.utc)
        self.date = when.strftime("%Y%m%dT%H%M%SZ")
        self.day = day or self.date[:8]
        self.key, self.secret = key, secret
        self.scope = "%s/%s/%s/aws4_request" % (self.day, region, service)
        k = ("AWS4" + secret).encode()
        for part in self.scope.split("/"):
            k = hmac256(k, part)
        self.signing = k
        self.signature = None

    def _sign(self, method, path, query, headers, names, payload):
        canonical = "\n".join([method, path, query] +
                              ["%s:%s" % (n, " ".join(headers[n].split())) for n in names] +
                              ["", ";".join(names), payload])
        text = "\n".join(["AWS4-HMAC-SHA256", self.date, self.scope,
                          hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()])
        return hmac256(self.signing, text).hex()

    def headers(self, method, path, query, extra, payload, unsigned=()):
        h = {k.lower(): v for k, v in extra.items()}
        h.setdefault("host", HOST)
        h["x-amz-date"] = self.date
        h["x-amz-content-sha256"] = payload
        names = sorted(n for n in h if n not in unsigned)
        self.signature = self._sign(method, path, query, h, names, payload)
        h["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
            self.key, self.scope, ";".join(names), self.signature)
        return list(h.items())

    def presign(self, method, path, params, expires=300, headers=None):
        h = {"host": HOST}
        h.update(headers or {})
        names = sorted(h)
        params = dict(params)
        params.update({"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": "%s/%s" % (self.key, self.scope),
                       "X-Amz-Date": self.date, "X-Amz-Expires": str(expires), "X-Amz-SignedHeaders": ";".join(names)})
        quoted, query = target_of(path, params)
        signature = self._sign(method, quoted, query, h, names, "UNSIGNED-PAYLOAD")
        return quoted + "?" + query + "&X-Amz-Signature=" + signature

    # The chain of an aws-chunked body.
    def _chain(self, kind, rest):
        text = "\n".join([kind, self.date, self.scope, self.signature] + rest)
        self.signature = hmac256(self.signing, text).hex()
        return self.signature

    def chunk(self, data):
        return self._chain("AWS4-HMAC-SHA256-PAYLOAD", [EMPTY, hashlib.sha256(data).hexdigest()])

    def trailer(self, text):
        return self._chain("AWS4-HMAC-SHA256-TRAILER", [hashlib.sha256(text).hexdigest()])


def s3(method, path, params=None, body=b"", headers=None, signer=None, payload=None, unsigned=(), host=None):
    """A request signed in its header."""
    signer = signer or Signer()
    quoted, query = target_of(path, params or {})
    extra = dict(headers or {})
    if host:
        extra["host"] = host
    if payload is None:
        payload = hashlib.sha256(body).hexdigest()
    h = signer.headers(method, quoted, query, extra, payload, unsigned)
    return send(method, quoted + ("?" + query if query else ""), h, body)


def presign_v2(method, path, expires, key=KEY, secret=SECRET, params=None, text=""):
    """`text`: the lines that sign x-amz-* parameters."""
    quoted, _ = target_of(path, {})
    extra = dict(params or {})
    sub = "&".join("%s=%s" % p for p in sorted(extra.items()) if p[0].startswith("response-"))
    text = "%s\n\n\n%d\n%s%s%s" % (method, expires, text, quoted, "?" + sub if sub else "")
    signature = base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()).decode()
    extra.update({"AWSAccessKeyId": key, "Expires": str(expires), "Signature": signature})
    return quoted + "?" + "&".join("%s=%s" % (quote(k), quote(v)) for k, v in extra.items())


def is_error(what, reply, status, code):
    check(what, reply.status == status and reply.code == code, reply)


BUCKET = "raw-%d-%d" % (os.getpid(), int(time.time() * 1000) % 1000000)
KEPT = b"what was there before"


def setup():
    reply = s3("PUT", "/" + BUCKET)
    check("create the bucket", reply.status == 200, reply)


def kept(key="kept"):
    """Stores an object that a failed write must leave alone."""
    reply = s3("PUT", "/%s/%s" % (BUCKET, key), body=KEPT)
    check("store %s" % key, reply.status == 200, reply)
    return "/%s/%s" % (BUCKET, key)


def still_kept(what, path):
    reply = s3("GET", path)
    check(what + ": nothing was changed", reply.status == 200 and reply.body == KEPT, reply)
