"""A client that sends what bytes it likes, signed or spoilt, and what cases say of the reply; `case` adds them to a group."""

import base64
import hashlib
import hmac
import os
import re
import socket
import struct
import time
import urllib.parse
import zlib

HOST, PORT = "127.0.0.1", int(os.environ["FSD_PORT"])
KEY_ID, SECRET = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
BUCKET = "bad-input"
EMPTY = hashlib.sha256(b"").hexdigest()
GROUPS = {}


def case(group):
    def add(function):
        GROUPS.setdefault(group, []).append(function)
        return function
    return add


# ---- the wire

class Reply:
    def __init__(self, raw):
        self.raw = raw
        head, _, rest = raw.partition(b"\r\n\r\n")
        self.status = int(head.split(b" ", 2)[1]) if head.startswith(b"HTTP/1.") else 0
        while self.status == 100:
            head, _, rest = rest.partition(b"\r\n\r\n")
            self.status = int(head.split(b" ", 2)[1])
        self.headers = {k.strip().lower(): v.strip() for k, _, v in
                        (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])}
        length = int(self.headers.get("content-length", len(rest))) if rest else 0
        self.body, self.rest = rest[:length], rest[length:]
        code = re.search(rb"<Code>([^<]*)</Code>", self.body)
        self.code = code.group(1).decode() if code else None

    def __str__(self):
        return "%d %s: %.300r" % (self.status, self.code, self.raw)


def exchange(data, cut=False, to_end=False, wait=60):
    """Sends the bytes, reads until a whole reply is there or the other end closes; `to_end`: reads on, so that the reply's `closed`
    tells whether the connection was closed behind it. `cut`: hangs up instead of reading."""
    with socket.create_connection((HOST, PORT), timeout=wait) as s:
        try:
            s.sendall(data)
        except OSError:
            pass    # refused before all was sent
        if cut:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0) if cut == "reset" else struct.pack("ii", 0, 0))
            return None
        raw, closed = b"", False
        while True:
            try:
                more = s.recv(65536)
            except ConnectionResetError:
                more = b""
            except socket.timeout:
                break
            if not more:
                closed = True
                break
            raw += more
            if whole(raw, data.startswith(b"HEAD ")):
                if not to_end:
                    break
                s.settimeout(10)
        reply = Reply(raw)
        reply.closed = closed
        return reply


def whole(raw, bodiless):
    head, mark, rest = raw.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    if bodiless or head[8:13] in (b" 204 ", b" 304 "):
        return bool(mark)
    return bool(mark) and length and len(rest) >= int(length.group(1)) and b" 100 " not in head[:13]


def text(method, target, headers, body=b"", version="HTTP/1.1"):
    """A request's bytes. `headers` is a list of pairs, or of ready lines."""
    lines = [b"%s %s %s" % (method.encode(), target.encode("latin-1"), version.encode())]
    for h in headers:
        lines.append(h if isinstance(h, bytes) else ("%s: %s" % h).encode("latin-1"))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


# ---- signatures

def stamp(shift=0):
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + shift))


def signing_key(date, secret=None):
    key = ("AWS4" + (secret or SECRET)).encode()
    for part in (date[:8], "us-east-1", "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def scope(date):
    return date[:8] + "/us-east-1/s3/aws4_request"


def signature(method, path, query, headers, payload, date, secret=None):
    names = sorted(n.lower() for n, _ in headers)
    values = {n.lower(): v for n, v in headers}
    canonical = "\n".join([method, path, query] + ["%s:%s" % (n, values[n].strip()) for n in names] +
                          ["", ";".join(names), payload])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", date, scope(date), hashlib.sha256(canonical.encode("latin-1")).hexdigest()])
    return hmac.new(signing_key(date, secret), to_sign.encode(), hashlib.sha256).hexdigest(), ";".join(names)


def signed(method, path, body=b"", query=(), headers=(), payload=None, unsigned=(), shift=0, key_id=None, secret=None,
           length=True, break_signature=False, host=None):
    """A request with a good signature, unless told otherwise. `path` is as sent. `unsigned` headers are not signed."""
    date = stamp(shift)
    if payload is None:
        payload = hashlib.sha256(body).hexdigest()
    head = [("Host", host or "%s:%d" % (HOST, PORT)), ("x-amz-date", date), ("x-amz-content-sha256", payload)] + list(headers)
    q = "&".join("%s=%s" % (urllib.parse.quote(k, safe="-._~"), urllib.parse.quote(v, safe="-._~")) for k, v in sorted(query))
    sig, names = signature(method, path, q, head, payload, date, secret)
    if break_signature:
        sig = ("0" if sig[0] != "0" else "1") + sig[1:]
    head.append(("Authorization", "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" %
                 (key_id or KEY_ID, scope(date), names, sig)))
    if length is True:
        length = len(body)
    if length is not None and (body or method in ("PUT", "POST")):
        head.append(("Content-Length", length))
    return text(method, path + ("?" + q if q else ""), head + list(unsigned), body)


def presigned(method, path, expires, shift=0, extra=(), headers=()):
    date = stamp(shift)
    query = [("X-Amz-Algorithm", "AWS4-HMAC-SHA256"), ("X-Amz-Credential", KEY_ID + "/" + scope(date)), ("X-Amz-Date", date),
             ("X-Amz-Expires", str(expires)), ("X-Amz-SignedHeaders", "host")] + list(extra)
    q = "&".join("%s=%s" % (urllib.parse.quote(k, safe="-._~"), urllib.parse.quote(v, safe="-._~")) for k, v in sorted(query))
    host = [("Host", "%s:%d" % (HOST, PORT))]
    sig, _ = signature(method, path, q, host, "UNSIGNED-PAYLOAD", date)
    return text(method, path + "?" + q + "&X-Amz-Signature=" + sig, host + list(headers))


class Chunks:
    """An aws-chunked upload, whose parts can be spoilt."""

    def __init__(self, path, decoded, trailer=None, mode="STREAMING-AWS4-HMAC-SHA256-PAYLOAD", extra=()):
        self.path, self.mode, self.date = path, mode, stamp()
        self.body, self.trailers = b"", b""
        self.head = [("Host", "%s:%d" % (HOST, PORT)), ("x-amz-date", self.date), ("x-amz-content-sha256", mode),
                     ("content-encoding", "aws-chunked")] + list(extra)
        if decoded is not None:
            self.head.append(("x-amz-decoded-content-length", str(decoded)))
        if trailer:
            self.head.append(("x-amz-trailer", trailer))
        self.seed, self.names = signature("PUT", path, "", self.head, mode, self.date)
        self.last = self.seed

    def sign(self, kind, *hashes):
        to_sign = "\n".join(["AWS4-HMAC-SHA256-" + kind, self.date, scope(self.date), self.last] + list(hashes))
        self.last = hmac.new(signing_key(self.date), to_sign.encode(), hashlib.sha256).hexdigest()
        return self.last

    def chunk(self, data, size=None, broken=False, end=b"\r\n"):
        line = size if size is not None else b"%x" % len(data)
        if not self.mode.startswith("STREAMING-UNSIGNED"):
            sig = self.sign("PAYLOAD", EMPTY, hashlib.sha256(data).hexdigest())
            line += b";chunk-signature=" + (b"0" * 64 if broken else sig.encode())
        self.body += line + b"\r\n" + data + (end if data else b"")
        return self

    def trailer(self, name, value, broken=False):
        self.body += ("%s:%s\r\n" % (name, value)).encode()
        if not self.mode.startswith("STREAMING-UNSIGNED"):
            sig = self.sign("TRAILER", hashlib.sha256(("%s:%s\n" % (name, value)).encode()).hexdigest())
            self.body += b"x-amz-trailer-signature:" + (b"0" * 64 if broken else sig.encode()) + b"\r\n"
        return self

    def end(self, data=b"\r\n"):
        self.body += data
        return self

    def request(self, length=None):
        head = self.head + [("Authorization", "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" %
                                              (KEY_ID, scope(self.date), self.names, self.seed)),
                            ("Content-Length", len(self.body) if length is None else length)]
        return text("PUT", self.path, head, self.body)


UNSIGNED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"


def crc32(data):
    return base64.b64encode(struct.pack(">I", zlib.crc32(data))).decode()


def md5(data):
    return base64.b64encode(hashlib.md5(data).digest()).decode()


# ---- what is expected

class Wrong(Exception):
    pass


def wants(reply, status, *codes):
    """The reply has this status (or one of these), and one of these codes."""
    if reply is None or reply.status not in (status if isinstance(status, tuple) else (status,)):
        raise Wrong("wanted %s %s, found %s" % (status, "/".join(codes), reply))
    if codes and reply.code not in codes:
        raise Wrong("wanted %s, found %s" % ("/".join(codes), reply))
    return reply


def refused(data, status, *codes):
    return wants(exchange(data), status, *codes)


def closes(data, status=400):
    """Refused, and nothing behind it is read: one reply, then the end of the connection."""
    reply = wants(exchange(data, to_end=True), status)
    if not reply.closed or more(reply):
        raise Wrong("the connection stays open behind it: %s" % reply)


def more(reply):
    """Whether there is another reply behind it. What libmicrohttpd refuses by itself has its header twice (0.9.75), as the first
    bytes of its body: that is one refusal."""
    statuses = re.findall(rb"HTTP/1\.1 (\d+)", reply.raw)
    return len(set(statuses)) > 1 or len(statuses) > 2


def accepted(data):
    wants(exchange(data), 200)


def good(method, path, **options):
    return exchange(signed(method, path, **options))


def key(name):
    return "/%s/%s" % (BUCKET, name)


def remove(name):
    wants(good("DELETE", key(name)), 204)


def control(name, data):
    accepted(data)
    remove(name)
