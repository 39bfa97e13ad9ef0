"""Bad input, byte by byte over a raw socket: bad_input.py GROUP, or without one a list of the groups.

Environment: FSD_PORT, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY. A case is a function; its key is its name. After each
case the daemon must be alive, and neither the case's key nor the key "smuggled" may exist. Groups begin with the same
thing done right, so that what follows is refused for its own reason.
"""

import base64
import hashlib
import hmac
import os
import re
import socket
import struct
import sys
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


def exchange(data, cut=False, to_end=False, wait=10):
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
                s.settimeout(2)
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


# ---- signatures

@case("signatures")
def right(k):
    control("right", signed("PUT", key(k), b"body"))
    wants(exchange(presigned("PUT", key(k), 60, headers=[("Content-Length", 0)])), 200)
    remove(k)


@case("signatures")
def bad_signature(k):
    refused(signed("PUT", key(k), b"body", break_signature=True), 403, "SignatureDoesNotMatch")


@case("signatures")
def wrong_secret(k):
    refused(signed("PUT", key(k), b"body", secret="x" * 40), 403, "SignatureDoesNotMatch")


@case("signatures")
def unknown_key(k):
    refused(signed("PUT", key(k), b"body", key_id="AKNOBODYNOBODYNOBODY"), 403, "InvalidAccessKeyId")


@case("signatures")
def key_of_4000_bytes(k):
    refused(signed("PUT", key(k), b"body", key_id="A" * 4000), 403, "InvalidAccessKeyId")


@case("signatures")
def clock_20_minutes_behind(k):
    refused(signed("PUT", key(k), b"body", shift=-1200), 403, "RequestTimeTooSkewed")


@case("signatures")
def clock_20_minutes_ahead(k):
    refused(signed("PUT", key(k), b"body", shift=1200), 403, "RequestTimeTooSkewed")


@case("signatures")
def anonymous(k):
    refused(text("PUT", key(k), [("Host", "x"), ("Content-Length", 4)], b"body"), 403, "AccessDenied")


@case("signatures")
def malformed_authorization(k):
    for value in ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=x",
                  "AWS4-HMAC-SHA256 Credential=%s/20260101/us-east-1/s3/aws4_request, SignedHeaders=, Signature=%064d" % (KEY_ID, 0)):
        refused(text("PUT", key(k), [("Host", "x"), ("x-amz-date", stamp()), ("x-amz-content-sha256", EMPTY),
                                     ("Authorization", value), ("Content-Length", 0)]),
                (400, 403), "AuthorizationHeaderMalformed", "InvalidArgument", "AccessDenied")


@case("signatures")
def another_algorithm(k):
    refused(text("PUT", key(k), [("Host", "x"), ("Authorization", "Basic YTpi"), ("Content-Length", 0)]), 400,
            "InvalidRequest", "InvalidArgument")
    refused(text("PUT", key(k), [("Host", "x"), ("Authorization", "AWS %s:%s" % (KEY_ID, "A" * 27 + "=")),
                                 ("Date", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())), ("Content-Length", 0)]),
            400, "InvalidRequest")


@case("signatures")
def a_header_changed_behind_the_signature(k):
    data = signed("PUT", key(k), b"body", headers=[("x-amz-meta-a", "one")])
    refused(data.replace(b"x-amz-meta-a: one", b"x-amz-meta-a: two"), 403, "SignatureDoesNotMatch")


@case("signatures")
def an_x_amz_header_not_signed(k):
    refused(signed("PUT", key(k), b"body", unsigned=[("x-amz-meta-a", "one")]), 403, "AccessDenied")


@case("signatures")
def another_path_than_signed(k):
    refused(signed("PUT", key("other"), b"body").replace(key("other").encode(), key(k).encode()), 403, "SignatureDoesNotMatch")


@case("signatures")
def presigned_expired(k):
    refused(presigned("PUT", key(k), 60, shift=-120, headers=[("Content-Length", 0)]), 403, "AccessDenied")


@case("signatures")
def presigned_of_tomorrow(k):
    refused(presigned("PUT", key(k), 60, shift=86400, headers=[("Content-Length", 0)]), 403, "AccessDenied")


@case("signatures")
def presigned_for_too_long(k):
    refused(presigned("PUT", key(k), 604801, headers=[("Content-Length", 0)]), 400, "AuthorizationQueryParametersError")


@case("signatures")
def presigned_expiry_is_no_number(k):
    for expires in ("-1", "abc", "9" * 30, ""):
        refused(presigned("PUT", key(k), expires, headers=[("Content-Length", 0)]), 400, "AuthorizationQueryParametersError")


@case("signatures")
def presigned_with_an_unsigned_x_amz_header(k):
    refused(presigned("PUT", key(k), 60, headers=[("Content-Length", 0), ("x-amz-meta-a", "b")]), 403, "AccessDenied")
    refused(presigned("PUT", key(k), 60, headers=[("Content-Length", 0), ("x-amz-copy-source", "/bad-input/x")]), 403, "AccessDenied")


@case("signatures")
def presigned_for_another_method(k):
    refused(presigned("GET", key(k), 60).replace(b"GET ", b"DELETE ", 1), 403, "SignatureDoesNotMatch")


@case("signatures")
def both_header_and_query(k):
    data = presigned("PUT", key(k), 60, headers=[("Content-Length", 0), ("Authorization", "AWS4-HMAC-SHA256 Credential=x")])
    refused(data, 400, "InvalidArgument", "InvalidRequest", "AuthorizationHeaderMalformed")


# ---- digests

@case("digests")
def right_digests(k):
    control(k, signed("PUT", key(k), b"body", headers=[("content-md5", md5(b"body")), ("x-amz-checksum-crc32", crc32(b"body"))]))


@case("digests")
def wrong_sha256(k):
    refused(signed("PUT", key(k), b"body", payload="0" * 64), 400, "XAmzContentSHA256Mismatch")
    refused(signed("PUT", key(k), b"b" * 3000000, payload="0" * 64), 400, "XAmzContentSHA256Mismatch")


@case("digests")
def malformed_sha256(k):
    refused(signed("PUT", key(k), b"body", payload="nonsense"), 400, "InvalidArgument", "XAmzContentSHA256Mismatch")
    refused(signed("PUT", key(k), b"body", payload="STREAMING-NONSENSE"), (400, 501))


@case("digests")
def wrong_md5(k):
    refused(signed("PUT", key(k), b"body", headers=[("content-md5", md5(b"other"))]), 400, "BadDigest")
    refused(signed("PUT", key(k), b"b" * 3000000, headers=[("content-md5", md5(b"other"))]), 400, "BadDigest")


@case("digests")
def malformed_md5(k):
    for value in ("nonsense", md5(b"x")[:-1], base64.b64encode(b"x" * 15).decode(), "=" * 24):
        refused(signed("PUT", key(k), b"body", headers=[("content-md5", value)]), 400, "InvalidDigest")


@case("digests")
def wrong_checksum(k):
    for name, value in (("crc32", crc32(b"other")), ("crc32c", "AAAAAA=="), ("crc64nvme", "AAAAAAAAAAA="), ("sha1", "A" * 27 + "="),
                        ("sha256", "A" * 43 + "=")):
        refused(signed("PUT", key(k), b"body", headers=[("x-amz-checksum-" + name, value)]), 400, "BadDigest",
                "XAmzContentChecksumMismatch")


@case("digests")
def malformed_checksum(k):
    for name, value in (("crc32", "AAAA"), ("crc32", "nonsense!"), ("sha256", crc32(b"body"))):
        refused(signed("PUT", key(k), b"body", headers=[("x-amz-checksum-" + name, value)]), 400, "InvalidRequest", "InvalidDigest")


@case("digests")
def two_checksums(k):
    refused(signed("PUT", key(k), b"body", headers=[("x-amz-checksum-crc32", crc32(b"body")), ("x-amz-checksum-sha1", "A" * 27 + "=")]),
            400, "InvalidRequest")


@case("digests")
def unknown_checksum_algorithm(k):
    refused(signed("PUT", key(k), b"body", headers=[("x-amz-sdk-checksum-algorithm", "CRC7")]), (400, 501))


@case("digests")
def wrong_checksum_of_a_part(k):
    up = re.search(rb"<UploadId>([^<]*)", good("POST", key(k), query=[("uploads", "")]).body).group(1).decode()
    where = [("partNumber", "1"), ("uploadId", up)]
    refused(signed("PUT", key(k), b"body", query=where, headers=[("content-md5", md5(b"other"))]), 400, "BadDigest")
    refused(signed("PUT", key(k), b"body", query=where, payload="0" * 64), 400, "XAmzContentSHA256Mismatch")
    if b"<Part>" in good("GET", key(k), query=[("uploadId", up)]).body:
        raise Wrong("a refused part is listed")
    wants(good("DELETE", key(k), query=[("uploadId", up)]), 204)


# ---- aws-chunked

@case("chunked")
def right_chunks(k):
    control(k, Chunks(key(k), 70000).chunk(b"a" * 65536).chunk(b"b" * 4464).chunk(b"").end().request())
    c = Chunks(key(k), 5, "x-amz-checksum-crc32", SIGNED_TRAILER).chunk(b"hello").chunk(b"")
    control(k, c.trailer("x-amz-checksum-crc32", crc32(b"hello")).end().request())
    c = Chunks(key(k), 5, "x-amz-checksum-crc32", UNSIGNED).chunk(b"hello").chunk(b"")
    control(k, c.trailer("x-amz-checksum-crc32", crc32(b"hello")).end().request())


@case("chunked")
def wrong_trailer(k):
    for mode in (UNSIGNED, SIGNED_TRAILER):
        c = Chunks(key(k), 5, "x-amz-checksum-crc32", mode).chunk(b"hello").chunk(b"")
        refused(c.trailer("x-amz-checksum-crc32", crc32(b"other")).end().request(), 400, "BadDigest", "XAmzContentChecksumMismatch")


@case("chunked")
def wrong_trailer_signature(k):
    c = Chunks(key(k), 5, "x-amz-checksum-crc32", SIGNED_TRAILER).chunk(b"hello").chunk(b"")
    refused(c.trailer("x-amz-checksum-crc32", crc32(b"hello"), broken=True).end().request(), 403, "SignatureDoesNotMatch")


@case("chunked")
def trailer_missing(k):
    c = Chunks(key(k), 5, "x-amz-checksum-crc32", UNSIGNED).chunk(b"hello").chunk(b"").end()
    refused(c.request(), 400, "MalformedTrailerError", "InvalidRequest", "IncompleteBody")


@case("chunked")
def trailer_of_another_name(k):
    c = Chunks(key(k), 5, "x-amz-checksum-crc32", UNSIGNED).chunk(b"hello").chunk(b"")
    refused(c.trailer("x-amz-checksum-sha1", "A" * 27 + "=").end().request(), 400, "MalformedTrailerError", "InvalidRequest", "BadDigest")


@case("chunked")
def trailer_too_long(k):
    c = Chunks(key(k), 5, "x-amz-checksum-crc32", UNSIGNED).chunk(b"hello").chunk(b"")
    refused(c.trailer("x-amz-checksum-crc32", "A" * 9000).end().request(), 400)


@case("chunked")
def bad_chunk_signature(k):
    refused(Chunks(key(k), 8).chunk(b"body", broken=True).chunk(b"body").chunk(b"").end().request(), 403, "SignatureDoesNotMatch")


@case("chunked")
def bad_signature_of_the_last_chunk(k):
    refused(Chunks(key(k), 4).chunk(b"body").chunk(b"", broken=True).end().request(), 403, "SignatureDoesNotMatch")


@case("chunked")
def a_chunk_that_was_changed(k):
    data = Chunks(key(k), 300000).chunk(b"a" * 300000).chunk(b"").end().request()
    refused(data.replace(b"aaaa", b"aaab", 1), 403, "SignatureDoesNotMatch")


@case("chunked")
def chunks_swapped(k):
    c = Chunks(key(k), 8).chunk(b"one!")
    first, c.body = c.body, b""
    second, c.body = c.chunk(b"two!").body, b""
    last = c.chunk(b"").end().body
    c.body = second + first + last
    refused(c.request(), 403, "SignatureDoesNotMatch")


@case("chunked")
def truncated_at_a_chunk(k):
    refused(Chunks(key(k), 8).chunk(b"body").chunk(b"").end().request(), 400, "IncompleteBody")


@case("chunked")
def last_chunk_missing(k):
    for mode in ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", UNSIGNED):
        refused(Chunks(key(k), 4, mode=mode).chunk(b"body").request(), 400, "IncompleteBody", "InvalidRequest", "MalformedTrailerError")


@case("chunked")
def truncated_in_a_chunk(k):
    c = Chunks(key(k), 8).chunk(b"bodybody")
    c.body = c.body[:-6]
    refused(c.request(), 400, "IncompleteBody")


@case("chunked")
def cut_in_a_chunk(k):
    c = Chunks(key(k), 400000).chunk(b"b" * 400000)
    exchange(c.request(500000), cut="reset")
    exchange(c.request(500000), cut="fin")


@case("chunked")
def longer_than_announced(k):
    refused(Chunks(key(k), 4).chunk(b"body and more").chunk(b"").end().request(), 400)
    refused(Chunks(key(k), 4).chunk(b"body").chunk(b"x" * 100000).chunk(b"").end().request(), 400)


@case("chunked")
def bytes_behind_the_last_chunk(k):
    refused(Chunks(key(k), 4).chunk(b"body").chunk(b"").end().end(b"GET / HTTP/1.1\r\n\r\n").request(), 400)


@case("chunked")
def bad_sizes(k):
    for size in (b"", b"g", b"-4", b"+4", b"0x4", b" 4", b"4 ", b"4_", b"\xff", b"4\x00"):
        refused(Chunks(key(k), 4).chunk(b"body", size=size).chunk(b"").end().request(), (400, 403))
        refused(Chunks(key(k), 4, mode=UNSIGNED).chunk(b"body", size=size).chunk(b"").end().request(), 400)


@case("chunked")
def sizes_that_overflow(k):
    for size in (b"10000000000000004", b"ffffffffffffffff", b"8000000000000000", b"7fffffffffffffff", b"1" + b"0" * 64 + b"4"):
        refused(Chunks(key(k), 4).chunk(b"body", size=size).chunk(b"").end().request(), (400, 403))
        refused(Chunks(key(k), 4, mode=UNSIGNED).chunk(b"body", size=size).chunk(b"").end().request(), 400)


@case("chunked")
def a_size_line_without_end(k):
    refused(Chunks(key(k), 4).end(b"0" * 5000).request(), 400)


@case("chunked")
def bare_line_feeds(k):
    data = Chunks(key(k), 4).chunk(b"body", end=b"\n").chunk(b"").end()
    refused(data.request(), 400)


@case("chunked")
def no_signature_in_a_chunk(k):
    refused(Chunks(key(k), 4).end(b"4\r\nbody\r\n0\r\n\r\n").request(), (400, 403))


@case("chunked")
def no_decoded_length(k):
    refused(Chunks(key(k), None).chunk(b"body").chunk(b"").end().request(), (400, 411), "MissingContentLength")


@case("chunked")
def odd_decoded_lengths(k):
    for n in ("-1", "x", "9" * 30, "18446744073709551615", " "):
        refused(Chunks(key(k), n).chunk(b"body").chunk(b"").end().request(), 400)


@case("chunked")
def decoded_length_over_5_gib(k):
    refused(Chunks(key(k), (5 << 30) + 1).chunk(b"body").chunk(b"").end().request(), 400, "EntityTooLarge")


@case("chunked")
def chunks_in_a_url_that_is_presigned(k):
    body = b"4\r\nbody\r\n0\r\n\r\n"
    data = presigned("PUT", key(k), 60, extra=[("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
                                               ("x-amz-decoded-content-length", "4")],
                     headers=[("Content-Length", len(body))]) + body
    refused(data, (400, 403, 411))


# ---- lengths and ranges

@case("lengths")
def right_ranges(k):
    accepted(signed("PUT", key("ten"), b"0123456789"))
    if good("GET", key("ten"), headers=[("range", "bytes=2-4")]).body != b"234":
        raise Wrong("a range is wrong")


@case("lengths")
def no_content_length(k):
    refused(signed("PUT", key(k), b"", length=None), 411, "MissingContentLength")


@case("lengths")
def odd_content_lengths(k):
    for n in ("-1", "+4", "4.0", "0x4", "4,4", "4 4", "", "9" * 30, "18446744073709551615", "9223372036854775808", "4\t4", "\u00b2"):
        closes(signed("PUT", key(k), b"body", length=n), (400, 413))


@case("lengths")
def more_than_5_gib(k):
    refused(signed("PUT", key(k), b"", length=(5 << 30) + 1, payload="UNSIGNED-PAYLOAD"), 400, "EntityTooLarge")
    refused(signed("PUT", key(k), b"", length=1 << 62, payload="UNSIGNED-PAYLOAD"), 400, "EntityTooLarge")


@case("lengths")
def body_cut(k):
    for size, length in ((4, 8), (300000, 400000), (5000000, 6000000)):
        exchange(signed("PUT", key(k), b"b" * size, length=length, payload="UNSIGNED-PAYLOAD"), cut="reset")
        exchange(signed("PUT", key(k), b"b" * size, length=length, payload="UNSIGNED-PAYLOAD"), cut="fin")


@case("lengths")
def part_cut(k):
    up = re.search(rb"<UploadId>([^<]*)", good("POST", key(k), query=[("uploads", "")]).body).group(1).decode()
    exchange(signed("PUT", key(k), b"b" * 300000, query=[("partNumber", "1"), ("uploadId", up)], length=400000,
                    payload="UNSIGNED-PAYLOAD"), cut="reset")
    time.sleep(0.2)
    if b"<Part>" in good("GET", key(k), query=[("uploadId", up)]).body:
        raise Wrong("a cut part is listed")
    wants(good("DELETE", key(k), query=[("uploadId", up)]), 204)


@case("lengths")
def odd_part_numbers(k):
    up = re.search(rb"<UploadId>([^<]*)", good("POST", key(k), query=[("uploads", "")]).body).group(1).decode()
    for n in ("0", "-1", "10001", "x", "4294967297", "9" * 30, ""):
        refused(signed("PUT", key(k), b"body", query=[("partNumber", n), ("uploadId", up)]), 400, "InvalidArgument")
    wants(good("DELETE", key(k), query=[("uploadId", up)]), 204)
    for up in ("x", "", "upl_0", "upl_7ZZZZZZZZZZZZ", "%00", "A" * 3000):
        refused(signed("PUT", key(k), b"body", query=[("partNumber", "1"), ("uploadId", up)]), (400, 404), "NoSuchUpload", "InvalidArgument")


@case("lengths")
def ranges_that_overflow(k):
    big = "9" * 30
    for text_, allowed in (("bytes=%s-" % big, (416, 200)), ("bytes=%s-%s" % (big, big), (416, 200)),
                           ("bytes=18446744073709551616-18446744073709551617", (416, 200)), ("bytes=0-" + big, (206, 200)),
                           ("bytes=-" + big, (206, 200)), ("bytes=18446744073709551615-0", (416, 200)), ("bytes=5-4", (416, 200)),
                           ("bytes=10-", (416,)), ("bytes=-0", (416,)), ("bytes=0-1,3-4", (200, 416, 206)), ("bytes=--1", (200, 416)),
                           ("bytes=a-b", (200,)), ("bytes=9223372036854775807-9223372036854775807", (416,))):
        reply = wants(good("GET", key("ten"), headers=[("range", text_)]), allowed)
        if reply.status in (200, 206) and reply.body != b"0123456789" and text_ != "bytes=0-1,3-4":
            raise Wrong("%s gave %r" % (text_, reply.body))


@case("lengths")
def copy_ranges_that_overflow(k):
    up = re.search(rb"<UploadId>([^<]*)", good("POST", key(k), query=[("uploads", "")]).body).group(1).decode()
    for r in ("bytes=0-10", "bytes=%s-%s" % ("9" * 30, "9" * 30), "bytes=5-4", "bytes=5-", "bytes=-5", "0-5", "bytes=0-18446744073709551615"):
        refused(signed("PUT", key(k), query=[("partNumber", "1"), ("uploadId", up)],
                       headers=[("x-amz-copy-source", key("ten")), ("x-amz-copy-source-range", r)]), (400, 416), "InvalidArgument", "InvalidRange",
                "InvalidRequest")
    wants(good("DELETE", key(k), query=[("uploadId", up)]), 204)


@case("lengths")
def odd_numbers_in_listings(k):
    for name in ("max-keys",):
        for n in ("-1", "x", "9" * 30, "4294967296000"):
            reply = good("GET", "/" + BUCKET, query=[("list-type", "2"), (name, n)])
            wants(reply, (200, 400))
            if n in ("-1", "x"):
                wants(reply, 400, "InvalidArgument")


# ---- XML

DELETE = b"<Delete><Object><Key>%s</Key></Object></Delete>"


def delete_objects(body, **options):
    return signed("POST", "/" + BUCKET, body, query=[("delete", "")], headers=[("content-md5", md5(body))], **options)


def complete(k, body):
    up = re.search(rb"<UploadId>([^<]*)", good("POST", key(k), query=[("uploads", "")]).body).group(1).decode()
    reply = good("POST", key(k), body=body, query=[("uploadId", up)])
    wants(good("DELETE", key(k), query=[("uploadId", up)]), 204)
    return reply


def survives(body, status=400, *codes):
    """A DeleteObjects that must be refused as a whole."""
    accepted(signed("PUT", key("victim"), b"x"))
    refused(delete_objects(body), status, *(codes or ("MalformedXML",)))
    wants(good("HEAD", key("victim")), 200)


@case("xml")
def right_delete(k):
    accepted(signed("PUT", key(k), b"x"))
    accepted(delete_objects(DELETE % k.encode()))


@case("xml")
def malformed(k):
    for body in (b"", b"x", b"<", b"<Delete>", b"<Delete><Object><Key>victim</Key></Object>", b"<Delete><Object><Key>victim</Object></Key></Delete>",
                 b"<Other><Object><Key>victim</Key></Object></Other>", b"<Delete></Delete>", b"<Delete><Object></Object></Delete>",
                 DELETE % b"victim" + b"x", DELETE % b"victim" + DELETE % b"victim", b"\xff\xfe" + DELETE % b"victim", DELETE % b"victim\xff",
                 DELETE % b"&nothing;", DELETE % b"victim&#0;", b"\0" * 100, b"<Delete>" * 100000):
        survives(body, 400, "MalformedXML", "MissingRequestBodyError", "MissingRequestBody")


@case("xml")
def doctype(k):
    for body in (b"<!DOCTYPE Delete>" + DELETE % b"victim", b"<!DOCTYPE Delete SYSTEM \"file:///etc/passwd\">" + DELETE % b"victim",
                 b"<!DOCTYPE d [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>" + DELETE % b"&x;",
                 b"<?xml version=\"1.0\"?>\n<!DOCTYPE d [<!ENTITY x \"victim\">]>" + DELETE % b"&x;"):
        survives(body)


@case("xml")
def entity_bomb(k):
    bomb = b"<!DOCTYPE d [<!ENTITY a0 \"aaaaaaaaaa\">" + b"".join(
        b"<!ENTITY a%d \"%s\">" % (i, b"&a%d;" % (i - 1) * 10) for i in range(1, 12)) + b"]>"
    begin = time.monotonic()
    survives(bomb + DELETE % b"&a11;")
    if time.monotonic() - begin > 5:
        raise Wrong("it took %.1f s" % (time.monotonic() - begin))


@case("xml")
def over_the_limit(k):
    body = DELETE % b"victim"
    survives(b"<!--" + b"x" * (3 << 20) + b"-->" + body, (400, 413), "MaxMessageLengthExceeded", "MalformedXML", "EntityTooLarge")


@case("xml")
def a_thousand_and_one_keys(k):
    survives(b"<Delete>" + b"<Object><Key>victim</Key></Object>" * 1001 + b"</Delete>")


@case("xml")
def deep(k):
    survives(b"<Delete>" + b"<a>" * 10000 + b"</a>" * 10000 + b"<Object><Key>victim</Key></Object></Delete>", 400, "MalformedXML")


@case("xml")
def delete_without_digest(k):
    body = DELETE % b"victim"
    accepted(signed("PUT", key("victim"), b"x"))
    refused(signed("POST", "/" + BUCKET, body, query=[("delete", "")]), 400, "InvalidRequest", "MissingContentMD5")
    refused(signed("POST", "/" + BUCKET, body, query=[("delete", "")], headers=[("content-md5", md5(b"other"))]), 400, "BadDigest")
    wants(good("HEAD", key("victim")), 200)


@case("xml")
def completions(k):
    for body in (b"", b"<CompleteMultipartUpload>", b"<CompleteMultipartUpload></CompleteMultipartUpload>",
                 b"<!DOCTYPE x><CompleteMultipartUpload></CompleteMultipartUpload>",
                 b"<CompleteMultipartUpload><Part><PartNumber>x</PartNumber><ETag>a</ETag></Part></CompleteMultipartUpload>",
                 b"<CompleteMultipartUpload><Part><PartNumber>99999999999999999999</PartNumber><ETag>a</ETag></Part></CompleteMultipartUpload>",
                 b"<CompleteMultipartUpload><Part><ETag>a</ETag></Part></CompleteMultipartUpload>"):
        wants(complete(k, body), 400, "MalformedXML", "MissingRequestBodyError", "MissingRequestBody", "InvalidRequest", "InvalidPart", "InvalidArgument")
    one = b"<CompleteMultipartUpload>" + b"<Part><PartNumber>1</PartNumber><ETag>0</ETag></Part>" * 10001 + b"</CompleteMultipartUpload>"
    wants(complete(k, one), 400, "MalformedXML", "InvalidPartOrder", "InvalidPart", "InvalidArgument")


@case("xml")
def create_bucket_body(k):
    for body in (b"<", b"<!DOCTYPE x><CreateBucketConfiguration/>", b"<Other/>"):
        refused(signed("PUT", "/bad-input-xml", body), 400, "MalformedXML")
    wants(good("HEAD", "/bad-input-xml"), 404)


# ---- headers

@case("headers")
def right_number_of_headers(k):
    control(k, signed("PUT", key(k), b"x", unsigned=[("x-other-%d" % i, "v") for i in range(80)]))


@case("headers")
def too_many_headers(k):
    for n in (101, 500, 5000):
        refused(signed("PUT", key(k), b"x", unsigned=[("a%d" % i, "v") for i in range(n)]), (400, 431))


@case("headers")
def too_large_headers(k):
    for n in (30000, 200000, 5000000):
        refused(signed("PUT", key(k), b"x", unsigned=[("a", "v" * n)]), (400, 431))


@case("headers")
def too_long_a_target(k):
    for n in (20000, 100000, 1000000):
        refused(signed("PUT", key("k" * n), b"x"), (400, 414, 431))


@case("headers")
def too_much_metadata(k):
    refused(signed("PUT", key(k), b"x", headers=[("x-amz-meta-a", "v" * 2049)]), 400, "MetadataTooLarge")
    refused(signed("PUT", key(k), b"x", headers=[("x-amz-meta-%d" % i, "v" * 100) for i in range(25)]), 400, "MetadataTooLarge")


@case("headers")
def an_endless_header(k):
    with socket.create_connection((HOST, PORT), timeout=10) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\na: ")
        sent = 0
        try:
            while sent < 50 << 20:
                sent += s.send(b"v" * 65536)
        except OSError:
            pass
        if sent > 20 << 20:
            raise Wrong("%d bytes of a header were taken" % sent)


# ---- names

@case("names")
def right_names(k):
    control("k" * 1024, signed("PUT", key("k" * 1024), b"x"))
    control("d/" * 128 + "x", signed("PUT", key("d/" * 128 + "x"), b"x"))


@case("names")
def key_of_1025_bytes(k):
    long = "k" * 1025
    refused(signed("PUT", key(long), b"x"), 400, "KeyTooLongError")
    refused(signed("POST", key(long), query=[("uploads", "")]), 400, "KeyTooLongError")
    refused(signed("PUT", key("%C3%A9" * 513), b"x"), 400, "KeyTooLongError")
    refused(signed("PUT", key(long), headers=[("x-amz-copy-source", key("ten"))]), (400, 404), "KeyTooLongError")
    wants(good("GET", key(long)), (400, 404))


@case("names")
def key_that_is_not_utf8(k):
    for bad in ("%FF", "a%C3", "%C0%AF", "%ED%A0%80", "%F4%90%80%80", "a%00b"):
        refused(signed("PUT", key(k + bad), b"x"), 400, "InvalidURI", "InvalidArgument")


@case("names")
def escapes_that_are_none(k):
    for bad in ("%", "%4", "%zz", "a%2"):
        refused(signed("PUT", key(k + bad), b"x"), (400, 403))


@case("names")
def deeper_than_128(k):
    deep_key = "d/" * 129 + "x"
    refused(signed("PUT", key(deep_key), b"x"), 400, "KeyTooLongError", "InvalidArgument", "InvalidURI")
    refused(signed("PUT", key("/" * 200), b"x"), 400, "KeyTooLongError", "InvalidArgument", "InvalidURI")
    wants(good("HEAD", key(deep_key)), (400, 404))


@case("names")
def bucket_names(k):
    for name in ("ab", "a" * 64, "Upper", "under_score", "-dash", "dash-", ".dot", "dot.", "two..dots", "192.168.1.1", "a%20b", "x%00y",
                 "xn--abc", "abc-s3alias", "%C3%A9t%C3%A9", "name--at-then"):
        refused(signed("PUT", "/" + name), 400, "InvalidBucketName", "InvalidURI")


@case("names")
def reserved_bucket_names(k):
    for name in ("metrics", "healthz", "readyz"):
        reply = good("PUT", "/" + name)
        if reply.status < 400:
            raise Wrong("the bucket %s was made" % name)


@case("names")
def unknown_sub_resources(k):
    for name in ("acl", "policy", "cors", "lifecycle", "encryption", "website", "notification", "replication", "tagging", "logging", "object-lock",
                 "publicAccessBlock", "ownershipControls", "accelerate", "requestPayment", "inventory", "analytics", "metrics",
                 "intelligent-tiering"):
        wants(good("PUT", "/" + BUCKET, body=b"<x/>", query=[(name, "")]), 501, "NotImplemented")
    for name in ("acl", "tagging", "retention", "legal-hold"):
        wants(good("PUT", key("ten"), body=b"<x/>", query=[(name, "")]), 501, "NotImplemented")
    for name in ("restore", "select"):
        wants(good("POST", key("ten"), body=b"<x/>", query=[(name, "")]), 501, "NotImplemented")
    wants(good("GET", key("ten"), query=[("torrent", "")]), 501, "NotImplemented")


@case("names")
def headers_that_ask_for_what_is_not_there(k):
    for header in (("x-amz-server-side-encryption", "aws:kms"), ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
                   ("x-amz-object-lock-mode", "GOVERNANCE"), ("x-amz-tagging", "a=b"), ("x-amz-acl", "public-read"),
                   ("x-amz-grant-read", "id=x")):
        wants(good("PUT", key(k), body=b"x", headers=[header]), 501, "NotImplemented")


@case("names")
def unknown_methods(k):
    for method in ("PATCH", "BREW", "TRACE", "CONNECT"):
        wants(exchange(signed(method, key(k))), (400, 405, 501))


@case("names")
def odd_tokens(k):
    for name, value in (("continuation-token", "nonsense"), ("continuation-token", "A" * 2000), ("encoding-type", "base64")):
        wants(good("GET", "/" + BUCKET, query=[("list-type", "2"), (name, value)]), 400, "InvalidArgument")
    for value in ("x", "0", "%", "A" * 500):
        wants(good("GET", key("ten"), query=[("versionId", value)]), (400, 404), "InvalidArgument", "NoSuchVersion")


# ---- smuggling: whatever two programs could read differently


def smuggled():
    return signed("PUT", key("smuggled"), b"x")


def hidden(head, body=None):
    """A PUT whose framing is ambiguous, with another request in its body. Refused and closed, or the second one would run."""
    inner = smuggled() if body is None else body
    good_one = signed("PUT", key("outer"), inner, payload="UNSIGNED-PAYLOAD", length=None)
    line, _, rest = good_one.partition(b"\r\n")
    closes(line + b"\r\n" + b"".join(h + b"\r\n" for h in head) + rest)


@case("smuggling")
def two_content_lengths(k):
    n = len(smuggled())
    hidden([b"Content-Length: 0", b"Content-Length: %d" % n])
    hidden([b"Content-Length: %d" % n, b"Content-Length: 0"])
    hidden([b"Content-Length: %d" % n, b"Content-Length: %d" % n])
    hidden([b"Content-Length: 0, %d" % n])


@case("smuggling")
def length_and_coding(k):
    n = len(smuggled())
    hidden([b"Content-Length: %d" % (n + 5), b"Transfer-Encoding: chunked"], b"0\r\n\r\n" + smuggled())
    hidden([b"Transfer-Encoding: chunked", b"Content-Length: 5"], b"0\r\n\r\n" + smuggled())


@case("smuggling")
def odd_codings(k):
    for coding in (b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: identity",
                   b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked;a=b", b"Transfer-Encoding: \"chunked\"",
                   b"Transfer-Encoding:\x0bchunked", b"Transfer-Encoding : chunked", b" Transfer-Encoding: chunked",
                   b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b"Transfer-Encoding:\r\n chunked", b"Transfer-Encoding: "):
        hidden([coding], b"0\r\n\r\n" + smuggled())


@case("smuggling")
def header_names(k):
    for line in (b"Content-Length : 0", b"Content Length: 0", b"Content-Length\t: 0", b"\x00Content-Length: 0", b"Content-Length\x00: 0",
                 b": 0", b"nocolon", b"(comment): x", b"na\xffme: x", b"a\x7fb: x"):
        hidden([line])


@case("smuggling")
def header_values(k):
    for line in (b"x-a: b\x00c", b"x-a: b\x0bc", b"x-a: b\x7fc", b"x-a: b\rc", b"x-a: b\nContent-Length: 0", b"x-a: b\r\n folded", b"x-a: b\x01",
                 b"x-a: b\x00\nContent-Length: 0", b"x-a: b\n\x00\x00\n", b"x-a: b\x00\n\x00", b"\x00\nContent-Length: 0"):
        hidden([line])


@case("smuggling")
def line_ends(k):
    good_one = signed("PUT", key("outer"), b"x")
    closes(good_one.replace(b"\r\n", b"\n"))
    closes(good_one.replace(b"\r\nx-amz-date", b"\nx-amz-date"))
    closes(good_one.replace(b" HTTP/1.1\r\n", b" HTTP/1.1\r\n x: y\r\n"))
    for end in (b"\n\x00\x00\n", b"\x00\n\r\n", b"\x00\n\x00\n", b"\r\n\x00\n", b"\r\n\x00\r\n"):
        closes(signed("GET", key("outer"))[:-4] + end + smuggled())


@case("smuggling")
def request_lines(k):
    rest = b"\r\nHost: x\r\n\r\n" + smuggled()
    for line in (b"GET  / HTTP/1.1", b"GET / HTTP/1.1 ", b" GET / HTTP/1.1", b"GET /a b HTTP/1.1", b"GET\t/ HTTP/1.1", b"GET / HTTP/1.1\x00",
                 b"GET / http/1.1", b"GET x HTTP/1.1", b"G\x00T / HTTP/1.1", b"GET /\x01 HTTP/1.1", b"GET /\x00 HTTP/1.1", b"GET", b"GET /", b"\xff\xfe\xfd",
                 b"PRI * HTTP/2.0"):
        reply = exchange(line + rest, to_end=True)
        if reply.raw and reply.status not in (400, 405, 414, 501, 505):
            raise Wrong("%r: %s" % (line, reply))
        if not reply.closed or more(reply):
            raise Wrong("%r: stays open: %s" % (line, reply))
    closes(b"GET / HTTP/1.2" + rest, (400, 505))
    closes(b"GET / HTTP/2.0" + rest, (400, 505))


@case("smuggling")
def hosts(k):
    good_one = signed("PUT", key("outer"), b"x")
    line, _, rest = good_one.partition(b"\r\n")
    closes(line + b"\r\nHost: other\r\n" + rest)
    for host in (b"a b", b"a/b", b"a,b", b"a@b", b"a\\b", b"a?b"):
        closes(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n" + smuggled())
    closes(b"GET / HTTP/1.1\r\n\r\n" + smuggled())


@case("smuggling")
def old_version_with_coding(k):
    closes(b"PUT /bad-input/outer HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled())


@case("smuggling")
def body_of_a_refused_request(k):
    """What the refusal leaves unread is not taken for the next request."""
    inner = smuggled()
    closes(text("PUT", key("outer"), [("Host", "x"), ("Content-Length", len(inner))], inner), 403)
    big = inner + b"x" * 3000000
    closes(text("PUT", key("outer"), [("Host", "x"), ("Content-Length", len(big))], big), 403)


@case("smuggling")
def chunk_framing(k):
    head = signed("PUT", key("outer"), b"", payload="UNSIGNED-PAYLOAD", length=None, unsigned=[("Transfer-Encoding", "chunked")])
    for body in (b"zz\r\n", b"-1\r\n", b"ffffffffffffffffff\r\n", b"5\r\nhello0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n", b"5;" + b"a" * 100000):
        reply = exchange(head + body + smuggled(), to_end=True)
        if reply.status == 200 or not reply.closed:
            raise Wrong("%.40r: %s" % (body, reply))


@case("smuggling")
def two_good_ones_in_a_row(k):
    """Not bad at all: pipelined requests are answered in order."""
    reply = exchange(signed("PUT", key(k), b"x") + signed("DELETE", key(k)), to_end=True)
    wants(reply, 200)
    if b" 204 " not in reply.rest[:20]:
        raise Wrong("the second one: %r" % reply.rest[:200])


# ---- the run

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
