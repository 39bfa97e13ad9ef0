#!/usr/bin/python3
"""Checks of the S3 face with requests that no client library sends: bad input above all, and what must not be lost by it.

	s3_raw.py GROUP		one group of checks; without a group, their names

The environment names the server as tests/lib/fsd.bash sets it: FSD_PORT, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
FSD_TOKEN. Standard library only. Every failed check is a line on standard error, and the exit code is then 1.
"""

import base64
import datetime
import hashlib
import hmac
import json
import os
import re
import socket
import struct
import sys
import threading
import time
import urllib.parse
import zlib

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
    sock = socket.create_connection(("127.0.0.1", PORT), timeout=20)
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


# ---- the groups ----

def group_signatures():
    path = kept()
    still_kept("signed in the header", path)
    is_error("anonymous", send("GET", path, [("Host", HOST)]), 403, "AccessDenied")
    is_error("anonymous PUT", send("PUT", path, [("Host", HOST)], b"x"), 403, "AccessDenied")
    for what, bucket in (("a bucket", BUCKET), ("none", BUCKET + "-none")):
        reply = send("HEAD", "/" + bucket, [("Host", HOST)])
        check("anonymous HEAD of %s tells the region, and no more" % what, reply.status == 403 and
              reply.headers.get("x-amz-bucket-region") == "us-east-1", reply.headers)
    check("HEAD of no bucket", "x-amz-bucket-region" not in s3("HEAD", "/%s-none" % BUCKET).headers)
    is_error("unknown key", s3("GET", path, signer=Signer(key="AKNOSUCHKEY123456789")), 403, "InvalidAccessKeyId")
    is_error("key of 300 bytes", s3("GET", path, signer=Signer(key="A" * 300)), 403, "InvalidAccessKeyId")
    is_error("wrong secret", s3("GET", path, signer=Signer(secret="x" * 40)), 403, "SignatureDoesNotMatch")
    for minutes in (-16, 16, -60 * 24 * 400):
        when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
        is_error("clock off by %d minutes" % minutes, s3("GET", path, signer=Signer(when=when)), 403, "RequestTimeTooSkewed")
    for minutes in (-14, 14):
        when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
        check("clock off by %d minutes" % minutes, s3("GET", path, signer=Signer(when=when)).status == 200)
    is_error("scope of another service", s3("GET", path, signer=Signer(service="ec2")), 400, "AuthorizationHeaderMalformed")
    check("any region", s3("GET", path, signer=Signer(region="eu-central-7")).status == 200)
    reply = s3("GET", path, signer=Signer(day="20200101"))
    check("scope of another day", reply.status in (400, 403), reply)

    signer = Signer()
    good = dict(signer.headers("GET", path, "", {}, EMPTY))

    def changed(what, status, code, **change):
        h = dict(good)
        h.update({k.replace("_", "-"): v for k, v in change.items()})
        is_error(what, send("GET", path, [p for p in h.items() if p[1] is not None]), status, code)
    authorization = good["authorization"]
    changed("last digit of the signature", 403, "SignatureDoesNotMatch",
            authorization=authorization[:-1] + ("0" if authorization[-1] != "0" else "1"))
    changed("signature cut short", 400, "AuthorizationHeaderMalformed", authorization=authorization[:-10])
    changed("no credential", 400, "AuthorizationHeaderMalformed",
            authorization=re.sub(r"Credential=[^,]*, ", "", authorization))
    changed("nonsense", 400, "AuthorizationHeaderMalformed", authorization="AWS4-HMAC-SHA256 nonsense")
    changed("empty authorization", 400, "InvalidRequest", authorization="AWS5")
    changed("bearer token on S3", 400, "InvalidRequest", authorization="Bearer " + TOKEN)
    changed("no payload hash", 400, "InvalidRequest", x_amz_content_sha256=None)
    changed("payload hash that is none", 403, "SignatureDoesNotMatch", x_amz_content_sha256="zz")
    changed("host not signed", 400, "AuthorizationHeaderMalformed",
            authorization=authorization.replace("SignedHeaders=host;", "SignedHeaders="))
    is_error("x-amz header unsigned", s3("PUT", path, body=b"x", headers={"x-amz-meta-a": "1"}, unsigned=("x-amz-meta-a",)),
             403, "AccessDenied")
    is_error("signed nonsense as payload hash", s3("PUT", path, body=b"x", payload="nonsense"), 400, "InvalidArgument")
    text = "GET\n\n\n%s\n%s" % ("", path)
    mac = base64.b64encode(hmac.new(SECRET.encode(), text.encode(), hashlib.sha1).digest()).decode()
    is_error("version 2 in the header", send("GET", path, [("Host", HOST), ("x-amz-date", Signer().date),
             ("Authorization", "AWS %s:%s" % (KEY, mac))]), 400, "InvalidRequest")
    h = signer.headers("GET", path, "", {}, EMPTY)
    is_error("two kinds at once", send("GET", path + "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a", h), 400,
             "InvalidArgument")
    is_error("another path than signed", send("GET", path + "x", h), 403, "SignatureDoesNotMatch")
    is_error("another query than signed", send("GET", path + "?a=b", h), 403, "SignatureDoesNotMatch")
    still_kept("after all that", path)


def group_presigned():
    path = kept()
    host = [("Host", HOST)]
    now = datetime.datetime.now(datetime.timezone.utc)
    reply = send("GET", Signer().presign("GET", path, {}), host)
    check("GET", reply.status == 200 and reply.body == KEPT, reply)
    check("GET is private", reply.headers.get("cache-control") == "private", reply.headers)
    check("HEAD", send("HEAD", Signer().presign("HEAD", path, {}), host).status == 200)
    check("PUT", send("PUT", Signer().presign("PUT", path + "-put", {}), host, b"put").status == 200)
    check("PUT is there", s3("GET", path + "-put").body == b"put")
    reply = send("GET", Signer().presign("GET", path, {"response-content-type": "text/x", "response-expires": "soon"}), host)
    check("response-*", reply.headers.get("content-type") == "text/x" and reply.headers.get("expires") == "soon", reply.headers)
    old = Signer(when=now - datetime.timedelta(seconds=400))
    reply = send("GET", old.presign("GET", path, {}, 300), host)
    is_error("expired", reply, 403, "AccessDenied")
    check("says that it expired", b"Request has expired" in reply.body, reply)
    check("not expired", send("GET", old.presign("GET", path, {}, 600), host).status == 200)
    future = Signer(when=now + datetime.timedelta(minutes=16))
    is_error("of the future", send("GET", future.presign("GET", path, {}), host), 403, "AccessDenied")
    for expires in (0, -1, 604801, 10**30, "x"):
        is_error("expires %s" % expires, send("GET", Signer().presign("GET", path, {}, expires), host), 400,
                 "AuthorizationQueryParametersError")
    url = Signer().presign("PUT", path, {})
    is_error("unsigned x-amz-meta", send("PUT", url, host + [("x-amz-meta-a", "b")], b"x"), 403, "AccessDenied")
    is_error("unsigned x-amz-acl", send("PUT", url, host + [("X-AMZ-ACL", "public-read")], b"x"), 403, "AccessDenied")
    is_error("unsigned x-amz-copy-source", send("PUT", url, host + [("x-amz-copy-source", path)]), 403, "AccessDenied")
    url = Signer().presign("PUT", path + "-meta", {}, headers={"x-amz-meta-a": "b"})
    check("signed x-amz-meta", send("PUT", url, host + [("x-amz-meta-a", "b")], b"x").status == 200)
    check("is stored", s3("HEAD", path + "-meta").headers.get("x-amz-meta-a") == "b")
    check("left out", send("PUT", url, host, b"x").status == 403)
    url = Signer().presign("PUT", path + "-hoisted", {"x-amz-meta-a": "hoisted"})
    check("hoisted x-amz-meta", send("PUT", url, host, b"x").status == 200)
    check("is stored, too", s3("HEAD", path + "-hoisted").headers.get("x-amz-meta-a") == "hoisted")
    for name, value in (("x-amz-meta-a", "b\r\nSet-Cookie: c"), ("x-amz-meta-a\r\nset-cookie", "c"), ("x-amz-meta-a:b", "c"),
                        ("x-amz-meta-a b", "c"), ("x-amz-meta-a\x1b", "c"), ("content-type", "a\nb: c")):
        reply = send("PUT", Signer().presign("PUT", path, {name: value}), host, b"x")
        is_error("hoisted %r: %r" % (name, value), reply, 400, "InvalidArgument")
    # SDKs sign a URL before there is a body, and put the checksum of no body into it.
    for kind, function in CHECKSUMS.items():
        name, of_none = "x-amz-checksum-" + kind, b64(function(b""))
        url = Signer().presign("PUT", path + "-sum", {name: of_none, "x-amz-sdk-checksum-algorithm": kind.upper()})
        reply = send("PUT", url, host, b"abc")
        check("%s of no body in the URL" % kind, reply.status == 200 and reply.headers.get(name) == b64(function(b"abc")), reply)
        check("and none comes", send("PUT", url, host, b"").status == 200)
        url = Signer().presign("PUT", path, {name: b64(function(b"abd"))})
        is_error("%s of another body in the URL" % kind, send("PUT", url, host, b"abc"), 400, "BadDigest")
        url = Signer().presign("PUT", path, {}, headers={name: of_none})
        is_error("%s of no body in a header" % kind, send("PUT", url, host + [(name, of_none)], b"abc"), 400, "BadDigest")
    url = Signer().presign("GET", path, {})
    is_error("another method", send("PUT", url, host, b"x"), 403, "SignatureDoesNotMatch")
    is_error("a parameter more", send("GET", url + "&versionId=null", host), 403, "SignatureDoesNotMatch")
    is_error("longer life", send("GET", url.replace("Expires=300", "Expires=301"), host), 403, "SignatureDoesNotMatch")
    is_error("no signature", send("GET", url.split("&X-Amz-Signature")[0], host), 400, "AuthorizationQueryParametersError")

    soon = int(time.time()) + 300
    reply = send("GET", presign_v2("GET", path, soon), host)
    check("version 2 GET", reply.status == 200 and reply.body == KEPT, reply)
    url = presign_v2("PUT", path + "-v2-meta", soon, params={"x-amz-meta-a": "b"}, text="x-amz-meta-a:b\n")
    for also in ([], [("x-amz-meta-a", "b")]):
        check("version 2 PUT with metadata, sent with %s" % also, send("PUT", url, host + also, b"x").status == 200)
        reply = s3("HEAD", path + "-v2-meta")
        check("is stored once", reply.headers.get("x-amz-meta-a") == "b", reply.headers)
    is_error("version 2 PUT with other metadata", send("PUT", url, host + [("x-amz-meta-a", "c")], b"x"), 403, "SignatureDoesNotMatch")
    check("version 2 HEAD", send("HEAD", presign_v2("HEAD", path, soon), host).status == 200)
    check("version 2 PUT", send("PUT", presign_v2("PUT", path + "-v2", soon), host, b"v2").status == 200)
    reply = s3("GET", path + "-v2")
    check("version 2 PUT is there", reply.body == b"v2", reply)
    check("the end of the URL is not stored", "expires" not in reply.headers, reply.headers)
    is_error("version 2 DELETE", send("DELETE", presign_v2("DELETE", path, soon), host), 400, "InvalidRequest")
    is_error("version 2 expired", send("GET", presign_v2("GET", path, soon - 400), host), 403, "AccessDenied")
    is_error("version 2 wrong secret", send("GET", presign_v2("GET", path, soon, secret="x"), host), 403, "SignatureDoesNotMatch")
    is_error("version 2 unknown key", send("GET", presign_v2("GET", path, soon, key="AKNOBODY"), host), 403, "InvalidAccessKeyId")
    is_error("version 2 another time", send("GET", presign_v2("GET", path, soon).replace(str(soon), str(soon + 1)), host), 403,
             "SignatureDoesNotMatch")
    still_kept("after all that", path)


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82f63b78 if crc & 1 else 0)
    return struct.pack(">I", crc ^ 0xffffffff)


def crc64nvme(data):
    crc = 0xffffffffffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x9a6c9329ac4bc9b5 if crc & 1 else 0)
    return struct.pack(">Q", crc ^ 0xffffffffffffffff)


CHECKSUMS = {
    "crc32": lambda d: struct.pack(">I", zlib.crc32(d)),
    "crc32c": crc32c,
    "crc64nvme": crc64nvme,
    "sha1": lambda d: hashlib.sha1(d).digest(),
    "sha256": lambda d: hashlib.sha256(d).digest(),
}


def b64(data):
    return base64.b64encode(data).decode()


def group_digests():
    path = kept()
    data = b"new bytes"
    wrong = b64(hashlib.md5(b"other").digest())
    is_error("wrong Content-MD5", s3("PUT", path, body=data, headers={"content-md5": wrong}), 400, "BadDigest")
    is_error("Content-MD5 that is none", s3("PUT", path, body=data, headers={"content-md5": "abc"}), 400, "InvalidDigest")
    is_error("Content-MD5 too short", s3("PUT", path, body=data, headers={"content-md5": b64(b"x" * 15)}), 400, "InvalidDigest")
    is_error("wrong payload hash", s3("PUT", path, body=data, payload=hashlib.sha256(b"other").hexdigest()), 400,
             "XAmzContentSHA256Mismatch")
    for kind, function in CHECKSUMS.items():
        name = "x-amz-checksum-" + kind
        is_error("wrong " + kind, s3("PUT", path, body=data, headers={name: b64(function(b"other"))}), 400, "BadDigest")
        is_error(kind + " that is none", s3("PUT", path, body=data, headers={name: "!!"}), 400, "InvalidRequest")
        is_error(kind + " of another length", s3("PUT", path, body=data, headers={name: b64(b"x" * 5)}), 400, "InvalidRequest")
    for name in ("sha512", "bogus", "md5", ""):
        is_error("an unknown checksum " + name, s3("PUT", path, body=data, headers={"x-amz-checksum-" + name: "AAAA"}), 400,
                 "InvalidRequest")
    url = Signer().presign("PUT", path, {"x-amz-checksum-sha512": "AAAA"})
    is_error("an unknown checksum in a URL", send("PUT", url, [("Host", HOST)], data), 400, "InvalidRequest")
    is_error("two checksums", s3("PUT", path, body=data, headers={"x-amz-checksum-crc32": b64(CHECKSUMS["crc32"](data)),
             "x-amz-checksum-sha1": b64(CHECKSUMS["sha1"](data))}), 400, "InvalidRequest")
    is_error("algorithm and value differ", s3("PUT", path, body=data, headers={
        "x-amz-sdk-checksum-algorithm": "SHA1", "x-amz-checksum-crc32": b64(CHECKSUMS["crc32"](data))}), 400, "InvalidRequest")
    upload_id, xml = upload(path + "-up", {1: data})
    part = {"partNumber": "1", "uploadId": upload_id}
    unknown = {"x-amz-checksum-sha512": "AAAA"}
    is_error("an unknown checksum of a part", s3("PUT", path + "-up", part, data, unknown), 400, "InvalidRequest")
    is_error("an unknown checksum of the whole", s3("POST", path + "-up", {"uploadId": upload_id}, xml, unknown), 400, "InvalidRequest")
    still_kept("after all that", path)
    for kind, function in CHECKSUMS.items():
        name, value = "x-amz-checksum-" + kind, b64(function(data))
        reply = s3("PUT", path + kind, body=data, headers={name: value, "content-md5": b64(hashlib.md5(data).digest())})
        check(kind, reply.status == 200 and reply.headers.get(name) == value, reply.headers)
        reply = s3("GET", path + kind, headers={"x-amz-checksum-mode": "ENABLED"})
        check(kind + " is told", reply.headers.get(name) == value and reply.body == data, reply.headers)
        check(kind + " is not told unasked", name not in s3("GET", path + kind).headers)
    reply = s3("PUT", path + "sized", body=b"a" * 300000, headers={"x-amz-checksum-crc32": b64(CHECKSUMS["crc32"](b"b"))})
    is_error("wrong crc32 of a larger one", reply, 400, "BadDigest")
    is_error("nothing there", s3("GET", path + "sized"), 404, "NoSuchKey")


def chunked_request(path, pieces, mode="STREAMING-AWS4-HMAC-SHA256-PAYLOAD", trailers=(), decoded=None, headers=None,
                    spoil=None, signer=None):
    """An aws-chunked PUT; `spoil` may change the finished body. Returns the bytes of head and body."""
    signer = signer or Signer()
    total = sum(len(p) for p in pieces)
    extra = {"content-encoding": "aws-chunked"}
    if decoded != "":
        extra["x-amz-decoded-content-length"] = str(total if decoded is None else decoded)
    if trailers:
        extra["x-amz-trailer"] = ",".join(n for n, _ in trailers)
    extra.update(headers or {})
    signed = mode.startswith("STREAMING-AWS4")
    quoted, _ = target_of(path, {})
    # The length is signed nowhere here, so it can follow from the body.
    h = signer.headers("PUT", quoted, "", extra, mode)
    body = b""
    for piece in list(pieces) + [b""]:
        body += b"%x" % len(piece)
        if signed:
            body += b";chunk-signature=" + signer.chunk(piece).encode()
        body += b"\r\n"
        if piece:
            body += piece + b"\r\n"
    for name, value in trailers:
        body += ("%s:%s\r\n" % (name, value)).encode()
    if trailers and signed:
        text = "".join("%s:%s\n" % t for t in trailers).encode()
        body += b"x-amz-trailer-signature:" + signer.trailer(text).encode() + b"\r\n"
    body += b"\r\n"
    if spoil:
        body = spoil(body)
    return head_bytes("PUT", quoted, h + [("Content-Length", str(len(body)))]), body


def chunked(*args, **kwargs):
    head, body = chunked_request(*args, **kwargs)
    return send_raw(head + body, "PUT")


def group_chunked():
    path = kept()
    pieces = [os.urandom(65536), os.urandom(65536), b"the rest"]
    data = b"".join(pieces)
    crc = ("x-amz-checksum-crc32", b64(CHECKSUMS["crc32"](data)))
    unsigned, trailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
    for name, kwargs in (("signed", {}), ("signed with trailer", {"mode": trailer, "trailers": [crc]}),
                         ("unsigned with trailer", {"mode": unsigned, "trailers": [crc]}),
                         ("unsigned without one", {"mode": unsigned})):
        reply = chunked(path + "-good", pieces, **kwargs)
        check(name, reply.status == 200, reply)
        check(name + ": bytes", s3("GET", path + "-good").body == data)
        if "trailers" in kwargs:
            check(name + ": checksum", reply.headers.get(crc[0]) == crc[1], reply.headers)
    for kind, function in CHECKSUMS.items():
        value = b64(function(b"abc"))
        reply = chunked(path + "-kind", [b"abc"], mode=unsigned, trailers=[("x-amz-checksum-" + kind, value)])
        check(kind + " in a trailer", reply.headers.get("x-amz-checksum-" + kind) == value, reply)
        wrong = b64(function(b"abd"))
        is_error("wrong %s in a trailer" % kind, chunked(path, [b"abc"], mode=unsigned, trailers=[("x-amz-checksum-" + kind, wrong)]),
                 400, "BadDigest")
    reply = chunked(path + "-line", [b"abc"], mode=trailer, trailers=[("x-amz-checksum-crc32", b64(CHECKSUMS["crc32"](b"abc")))],
                    spoil=lambda b: b.replace(b"==\r\nx-amz-trailer", b"==\n\r\nx-amz-trailer"))
    check("a signed trailer that ends as in AWS's example", reply.status == 200, reply)
    check("empty", chunked(path + "-empty", []).status == 200 and s3("GET", path + "-empty").body == b"")
    reply = chunked(path + "-gzip", [b"abc"], headers={"content-encoding": "aws-chunked,gzip"})
    check("what was coded beside it", s3("HEAD", path + "-gzip").headers.get("content-encoding") == "gzip")
    check("and nothing else", "content-encoding" not in s3("HEAD", path + "-good").headers)

    def flip(body):
        at = body.index(b"\r\n") + 5
        return body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]
    is_error("a flipped bit", chunked(path, pieces, spoil=flip), 403, "SignatureDoesNotMatch")
    is_error("a flipped bit, unsigned", chunked(path, pieces, mode=unsigned, trailers=[crc], spoil=flip), 400, "BadDigest")
    is_error("chunks swapped", chunked(path, [b"a" * 10, b"b" * 10], spoil=lambda b: b.replace(b"a" * 10, b"c" * 10)), 403,
             "SignatureDoesNotMatch")
    last = re.compile(rb"0;chunk-signature=[0-9a-f]{64}\r\n\r\n$")
    is_error("last chunk missing", chunked(path, pieces, spoil=lambda b: last.sub(b"", b)), 400, "IncompleteBody")
    is_error("cut in a chunk", chunked(path, pieces, spoil=lambda b: b[:-200]), 400, "IncompleteBody")
    is_error("shorter than announced", chunked(path, pieces, decoded=len(data) + 1), 400, "IncompleteBody")
    is_error("longer than announced", chunked(path, pieces, decoded=len(data) - 1), 400, "InvalidRequest")
    is_error("bytes behind the end", chunked(path, pieces, spoil=lambda b: b + b"more"), 400, "InvalidRequest")
    is_error("no announced length", chunked(path, pieces, decoded=""), 411, "MissingContentLength")
    for text in ("-1", "x", "99999999999999999999999", "1 2"):
        is_error("announced %s" % text, chunked(path, [b"abc"], decoded=text), 400, "InvalidArgument")
    is_error("announced over 5 GiB", chunked(path, [b"abc"], decoded=(5 << 30) + 1), 400, "EntityTooLarge")
    for size in (b"ffffffffffffffffff", b"-3", b"3 ", b"0x3", b"", b"zz"):
        is_error("chunk size %r" % size, chunked(path, [b"abc"], spoil=lambda b: size + b[1:]), 400, "InvalidRequest")
    is_error("no signature of a chunk", chunked(path, [b"abc"], spoil=lambda b: b"3\r\n" + b.split(b"\r\n", 1)[1]), 400,
             "InvalidRequest")
    is_error("trailer missing", chunked(path, [b"abc"], mode=unsigned, headers={"x-amz-trailer": "x-amz-checksum-crc32"}), 400,
             "MalformedTrailerError")
    # The Java SDK announces a trailer that it does not send where the header has the value already.
    crc32 = lambda data: b64(CHECKSUMS["crc32"](data))
    announced = lambda data: {"x-amz-trailer": "x-amz-checksum-crc32", "x-amz-checksum-crc32": crc32(data)}
    reply = chunked(path + "-both", [b"abc"], headers=announced(b"abc"))
    check("announced, and in the header instead", reply.status == 200 and reply.headers.get(crc[0]) == crc32(b"abc"), reply)
    reply = chunked(path + "-both", [b"abc"], mode=trailer, trailers=[(crc[0], crc32(b"abc"))], headers=announced(b"abc"))
    check("in both", reply.status == 200, reply)
    is_error("wrong in the header", chunked(path, [b"abc"], headers=announced(b"abd")), 400, "BadDigest")
    is_error("wrong in one of both", chunked(path, [b"abc"], mode=trailer, trailers=[(crc[0], crc32(b"abd"))], headers=announced(b"abc")),
             400, "BadDigest")
    is_error("wrong in the other", chunked(path, [b"abc"], mode=trailer, trailers=[(crc[0], crc32(b"abc"))], headers=announced(b"abd")),
             400, "BadDigest")
    is_error("another one in the header", chunked(path, [b"abc"], mode=trailer, trailers=[crc], headers={"x-amz-checksum-sha1": "A" * 27 + "="}),
             400, "InvalidRequest")
    is_error("trailer of an unknown kind", chunked(path, [b"abc"], mode=unsigned, trailers=[("x-amz-checksum-md4", "aa==")]), 400,
             "InvalidRequest")
    is_error("a chunk's line without end", chunked(path, [b"abc"], spoil=lambda b: b"3;" + b"a" * 5000 + b), 400, "InvalidRequest")
    is_error("another way of streaming", chunked(path, [b"abc"], mode="STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"), 501, "NotImplemented")
    head, body = chunked_request(path, pieces)
    reply = send_raw(head + body[:70000], "PUT", end=True)
    check("connection ends in the middle", reply.status in (0, 400), reply)
    still_kept("after all that", path)


def group_bodies():
    path = kept()
    signer = Signer()
    h = signer.headers("PUT", path, "", {}, "UNSIGNED-PAYLOAD")
    reply = send_raw(head_bytes("PUT", path, h + [("Content-Length", "100000")]) + b"x" * 5000, "PUT", end=True)
    check("cut short", reply.status in (0, 400), reply)
    still_kept("cut short", path)
    with connect() as sock:
        sock.sendall(head_bytes("PUT", path, h + [("Content-Length", "1000000")]) + b"x" * 900000)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    still_kept("connection reset", path)
    is_error("no length", send_raw(head_bytes("PUT", path, h), "PUT"), 411, "MissingContentLength")
    for length in ("99999999999999999999999", "18446744073709551616", "18446744073709551615", "-1", "1x", "0x10", "1 1"):
        reply = send_raw(head_bytes("PUT", path, h + [("Content-Length", length)]), "PUT")
        check("Content-Length %s" % length, reply.status in (400, 413), reply)
    for length in ("9223372036854775807", str((5 << 30) + 1)):
        reply = send_raw(head_bytes("PUT", path, h + [("Content-Length", length), ("Expect", "100-continue")]), "PUT")
        is_error("Content-Length %s" % length, reply, 400, "EntityTooLarge")
    with connect() as sock:
        sock.sendall(head_bytes("PUT", path + "-expect", signer.headers("PUT", path + "-expect", "", {}, "UNSIGNED-PAYLOAD") +
                                [("Content-Length", "3"), ("Expect", "100-continue")]))
        reply = read_reply(sock, "PUT", False)
        check("100 Continue", reply.status == 100, reply)
        sock.sendall(b"abc")
        check("and then 200", read_reply(sock, "PUT").status == 200)
    reply = send_raw(head_bytes("PUT", path + "-coded", signer.headers("PUT", path + "-coded", "", {}, "UNSIGNED-PAYLOAD") +
                                [("Transfer-Encoding", "chunked")]) + b"3\r\nabc\r\n0\r\n\r\n", "PUT")
    check("Transfer-Encoding: chunked", reply.status == 200 and s3("GET", path + "-coded").body == b"abc", reply)
    reply = send_raw(head_bytes("PUT", path, h + [("Transfer-Encoding", "chunked")]) + b"fff\r\nabc", "PUT", end=True)
    check("chunks cut short", reply.status in (0, 400), reply)
    still_kept("after all that", path)
    for size in (0, 1, 7999, 8000, 8001, 65535, 65536, 262143, 262144, 262145, 3000001):
        data = os.urandom(size)
        reply = s3("PUT", path + "-size", body=data)
        check("PUT of %d" % size, reply.status == 200 and reply.headers["etag"] == '"%s"' % hashlib.md5(data).hexdigest(), reply)
        reply = s3("GET", path + "-size")
        check("GET of %d" % size, reply.status == 200 and reply.body == data, reply.status)
        reply = s3("HEAD", path + "-size")
        check("HEAD of %d" % size, reply.headers.get("content-length") == str(size), reply.headers)


def group_ranges():
    data = bytes(range(256)) * 1200
    for path, data in (("/%s/ranges" % BUCKET, data), ("/%s/small" % BUCKET, data[:1000])):
        size = len(data)
        check("store", s3("PUT", path, body=data).status == 200)
        for text, first, last in (("0-0", 0, 0), ("0-99", 0, 99), ("%d-" % (size - 1), size - 1, size - 1), ("-1", size - 1, size - 1),
                                  ("500-%d" % (size * 2), 500, size - 1), ("-%d" % (size * 2), 0, size - 1), ("1-998", 1, 998),
                                  ("0-18446744073709551615", 0, size - 1), ("0-99999999999999999999999999", 0, size - 1)):
            reply = s3("GET", path, headers={"range": "bytes=" + text})
            check("range %s of %d" % (text, size), reply.status == 206 and reply.body == data[first:last + 1] and
                  reply.headers.get("content-range") == "bytes %d-%d/%d" % (first, last, size), reply.headers)
        for text in ("%d-" % size, "18446744073709551615-", "99999999999999999999-", "-0", "%d-%d" % (size, size + 5)):
            reply = s3("GET", path, headers={"range": "bytes=" + text})
            is_error("range %s of %d" % (text, size), reply, 416, "InvalidRange")
        for text in ("bytes=5-2", "bytes=a-b", "bytes=", "lines=1-2", "bytes=0-1,3-4", "bytes=--1"):
            reply = s3("GET", path, headers={"range": text})
            check("%s of %d is ignored" % (text, size), reply.status == 200 and reply.body == data, reply.status)
        check("partNumber=1", s3("GET", path, {"partNumber": "1"}).body == data)
        is_error("partNumber=2", s3("GET", path, {"partNumber": "2"}), 416, "InvalidPartNumber")
        for text in ("0", "-1", "10001", "x", "18446744073709551617"):
            is_error("partNumber=" + text, s3("GET", path, {"partNumber": text}), 400, "InvalidArgument")
        is_error("partNumber and range", s3("GET", path, {"partNumber": "1"}, headers={"range": "bytes=0-1"}), 400, "InvalidRequest")
        etag = '"%s"' % hashlib.md5(data).hexdigest()
        check("If-Range holds", s3("GET", path, headers={"range": "bytes=0-1", "if-range": etag}).status == 206)
        check("If-Range does not", s3("GET", path, headers={"range": "bytes=0-1", "if-range": '"x"'}).status == 200)


def group_conditions():
    path = kept()
    head = s3("HEAD", path)
    etag, date = head.headers["etag"], head.headers["last-modified"]
    before, after = "Sat, 01 Jan 2000 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
    for headers, status in (({"if-match": etag}, 200), ({"if-match": '"x", %s' % etag}, 200), ({"if-match": "*"}, 200),
                            ({"if-match": etag.strip('"')}, 200), ({"if-match": '"x"'}, 412),
                            ({"if-none-match": etag}, 304), ({"if-none-match": "*"}, 304), ({"if-none-match": '"x"'}, 200),
                            ({"if-none-match": "W/" + etag}, 304), ({"if-modified-since": date}, 304),
                            ({"if-modified-since": before}, 200), ({"if-modified-since": after}, 304),
                            ({"if-modified-since": "nonsense"}, 200), ({"if-unmodified-since": date}, 200),
                            ({"if-unmodified-since": before}, 412), ({"if-match": etag, "if-unmodified-since": before}, 200),
                            ({"if-none-match": '"x"', "if-modified-since": after}, 200)):
        for method in ("GET", "HEAD"):
            reply = s3(method, path, headers=headers)
            check("%s %s" % (method, headers), reply.status == status, reply)
    reply = s3("GET", path, headers={"if-none-match": etag})
    check("304 tells the ETag", reply.headers.get("etag") == etag, reply.headers)
    with connect() as sock:
        for method, headers, status in (("GET", {"if-none-match": etag}, 304), ("HEAD", {"if-none-match": etag}, 304), ("GET", {}, 200)):
            sock.sendall(head_bytes(method, path, Signer().headers(method, path, "", headers, EMPTY)))
            reply = read_reply(sock, method)
            check("%d for %s on a connection that goes on" % (status, method), reply.status == status and
                  "connection" not in reply.headers, reply.headers)
    is_error("PUT if none", s3("PUT", path, body=b"x", headers={"if-none-match": "*"}), 412, "PreconditionFailed")
    is_error("PUT if another", s3("PUT", path, body=b"x", headers={"if-match": '"x"'}), 412, "PreconditionFailed")
    is_error("PUT if-none-match a tag", s3("PUT", path, body=b"x", headers={"if-none-match": '"x"'}), 501, "NotImplemented")
    is_error("PUT if one that is not there", s3("PUT", path + "-none", body=b"x", headers={"if-match": etag}), 404, "NoSuchKey")
    is_error("a tag too long", s3("PUT", path, body=b"x", headers={"if-match": '"%s"' % ("x" * 500)}), 412, "PreconditionFailed")
    is_error("DELETE if another", s3("DELETE", path, headers={"if-match": '"x"'}), 412, "PreconditionFailed")
    for name, value in (("size", "99"), ("last-modified-time", before)):
        is_error("DELETE if its " + name, s3("DELETE", path, headers={"x-amz-if-match-" + name: value}), 501, "NotImplemented")
    upload_id, _ = upload(path + "-up", {1: b"x"})
    reply = s3("DELETE", path + "-up", {"uploadId": upload_id}, headers={"x-amz-if-match-initiated-time": before})
    is_error("abort if begun then", reply, 501, "NotImplemented")
    check("it goes on", s3("GET", path + "-up", {"uploadId": upload_id}).status == 200)
    check("abort", s3("DELETE", path + "-up", {"uploadId": upload_id}).status == 204)
    still_kept("after all that", path)
    check("PUT if this", s3("PUT", path, body=KEPT, headers={"if-match": etag}).status == 200)
    check("PUT if none, and none is", s3("PUT", path + "-new", body=b"x", headers={"if-none-match": "*"}).status == 200)
    check("DELETE if any, and one is", s3("DELETE", path + "-new", headers={"if-match": "*"}).status == 204)
    is_error("DELETE if any, and none is", s3("DELETE", path + "-new", headers={"if-match": "*"}), 404, "NoSuchKey")
    codes = []

    def race():
        codes.append(s3("PUT", path + "-race", body=os.urandom(100), headers={"if-none-match": "*"}).status)
    threads = [threading.Thread(target=race) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check("one of 16 wins", sorted(codes) == [200] + [412] * 15, codes)


def group_copies():
    path = kept()
    check("metadata", s3("PUT", path + "-m", body=KEPT, headers={"x-amz-meta-a": "1", "content-type": "text/x"}).status == 200)
    src = {"x-amz-copy-source": path + "-m"}
    reply = s3("PUT", path + "-c", headers=src)
    check("copy", reply.status == 200 and b"<ETag>" in reply.body, reply)
    reply = s3("GET", path + "-c")
    check("copy brings all", reply.body == KEPT and reply.headers.get("x-amz-meta-a") == "1" and
          reply.headers["content-type"] == "text/x", reply.headers)
    reply = s3("PUT", path + "-r", headers=dict(src, **{"x-amz-metadata-directive": "REPLACE", "x-amz-meta-b": "2"}))
    reply = s3("GET", path + "-r")
    check("REPLACE", reply.body == KEPT and reply.headers.get("x-amz-meta-b") == "2" and "x-amz-meta-a" not in reply.headers, reply.headers)
    is_error("onto itself", s3("PUT", path + "-m", headers=src), 400, "InvalidRequest")
    check("onto itself, changed", s3("PUT", path + "-m", headers=dict(src, **{"x-amz-metadata-directive": "REPLACE"})).status == 200)
    for text, status, code in (("/nothing", 400, "InvalidArgument"), ("/", 400, "InvalidArgument"), ("", 400, "InvalidArgument"),
                               ("/%s/" % BUCKET, 400, "InvalidArgument"), ("/%s/none" % BUCKET, 404, "NoSuchKey"),
                               ("/no-such-bucket-x/a", 404, "NoSuchBucket"), (path + "?versionId=x", 400, "InvalidArgument"),
                               (path + "?other=1", 400, "InvalidArgument"), ("/%s/%%zz" % BUCKET, 400, "InvalidArgument"),
                               ("/%s/%%00" % BUCKET, 400, "InvalidArgument"), ("/%s/%%ff" % BUCKET, 400, "InvalidArgument")):
        is_error("source %s" % text, s3("PUT", path, headers={"x-amz-copy-source": text}), status, code)
    etag = s3("HEAD", path).headers["etag"]
    for name, value, status in (("if-match", etag, 200), ("if-match", '"x"', 412), ("if-none-match", etag, 412),
                                ("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT", 412),
                                ("if-unmodified-since", "Sat, 01 Jan 2000 00:00:00 GMT", 412)):
        reply = s3("PUT", path + "-if", headers={"x-amz-copy-source": path, "x-amz-copy-source-" + name: value})
        check("copy %s %s" % (name, value), reply.status == status, reply)
    for kind, function in CHECKSUMS.items():
        reply = s3("PUT", path + "-sum", headers={"x-amz-copy-source": path, "x-amz-checksum-algorithm": kind.upper()})
        check("copy with a new %s" % kind, b64(function(KEPT)).encode() in reply.body, reply)
        reply = s3("HEAD", path + "-sum", headers={"x-amz-checksum-mode": "ENABLED"})
        check("which is kept", reply.headers.get("x-amz-checksum-" + kind) == b64(function(KEPT)), reply.headers)
    owner = re.search(rb"<ID>([^<]*)", s3("GET", "/").body).group(1).decode()
    for who, status in ((owner, 200), ("123456789012", 403)):
        reply = s3("PUT", path + "-own", headers={"x-amz-copy-source": path, "x-amz-source-expected-bucket-owner": who})
        check("a source that %s should own" % who, reply.status == status, reply)
    is_error("unknown directive", s3("PUT", path, headers=dict(src, **{"x-amz-metadata-directive": "BOTH"})), 400, "InvalidArgument")
    is_error("unknown algorithm", s3("PUT", path, headers=dict(src, **{"x-amz-checksum-algorithm": "MD4"})), 400, "InvalidRequest")
    still_kept("after all that", path)


def upload(path, parts, headers=None):
    """Begins a multipart upload and sends those parts (number: bytes); its id and the list that completes it."""
    upload_id = re.search(rb"<UploadId>([^<]*)", s3("POST", path, {"uploads": ""}, headers=headers).body).group(1).decode()
    for number, body in parts.items():
        reply = s3("PUT", path, {"partNumber": str(number), "uploadId": upload_id}, body)
        check("part %d" % number, reply.status == 200, reply)
    return upload_id, parts_xml({number: hashlib.md5(body).hexdigest() for number, body in parts.items()})


def parts_xml(etags):
    return ("<CompleteMultipartUpload>%s</CompleteMultipartUpload>" % "".join(
        "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>" % part for part in sorted(etags.items()))).encode()


def group_uploads():
    path = kept()
    key = path + "-up"
    upload_id, xml = upload(key, {1: b"body"})
    done = lambda **headers: s3("POST", key, {"uploadId": upload_id}, xml, {n.replace("_", "-"): v for n, v in headers.items()})
    is_error("if one that is not there", done(if_match='"x"'), 404, "NoSuchKey")
    check("if none, and none is", done(if_none_match="*").status == 200)
    check("is there", s3("GET", key).body == b"body")
    is_error("encoding-type of a list", s3("GET", "/" + BUCKET, {"uploads": "", "encoding-type": "xml"}), 400, "InvalidArgument")
    is_error("no such upload", s3("POST", key + "-no", {"uploadId": upload_id}, xml), 404, "NoSuchUpload")

    upload_id, _ = upload(key, {1: b"a" * (5 << 20), 2: b"small"})
    etags = {1: hashlib.md5(b"a" * (5 << 20)).hexdigest(), 2: hashlib.md5(b"small").hexdigest(), 3: "0" * 32}
    reply = s3("POST", key, {"uploadId": upload_id}, parts_xml(etags))
    is_error("a part that was never sent, behind a small one", reply, 400, "InvalidPart")
    check("it is named", b"Part 3" in reply.body, reply)
    upload_id, xml = upload(key, {1: b"small", 2: b"small"})
    is_error("a small one", s3("POST", key, {"uploadId": upload_id}, xml), 400, "EntityTooSmall")
    is_error("a part of no upload", s3("PUT", path, {"partNumber": "1"}, b"x"), 400, "InvalidArgument")
    is_error("a copied part of no upload", s3("PUT", path, {"partNumber": "1"}, headers={"x-amz-copy-source": path}), 400,
             "InvalidArgument")

    composite = {"x-amz-checksum-algorithm": "CRC32"}
    for made, given, status in ((composite, "FULL_OBJECT", 400), (composite, "COMPOSITE", 200),
                                (dict(composite, **{"x-amz-checksum-type": "FULL_OBJECT"}), "COMPOSITE", 400),
                                (None, "COMPOSITE", 400), (None, "FULL_OBJECT", 200), (None, "x", 400)):
        upload_id, xml = upload(key + "-sum", {1: b"body"}, made)
        reply = s3("POST", key + "-sum", {"uploadId": upload_id}, xml, {"x-amz-checksum-type": given})
        check("made as %s, completed as %s" % (made, given), reply.status == status and
              reply.code == ("InvalidRequest" if status == 400 else ""), reply)
    still_kept("after all that", path)


def delete_objects(body, headers=None, digest=True):
    h = dict(headers or {})
    if digest:
        h["content-md5"] = b64(hashlib.md5(body).digest())
    return s3("POST", "/" + BUCKET, {"delete": ""}, body, h)


def group_xml():
    path = kept()
    ok = b"<Delete><Object><Key>none</Key></Object></Delete>"
    check("well-formed", delete_objects(ok).status == 200)
    for what, body in (
            ("nothing", b""), ("no XML", b"hello"), ("unclosed", b"<Delete><Object><Key>kept</Key></Object>"),
            ("DOCTYPE", b"<!DOCTYPE Delete><Delete><Object><Key>kept</Key></Object></Delete>"),
            ("entities", b'<!DOCTYPE d [<!ENTITY a "kept">]><Delete><Object><Key>&a;</Key></Object></Delete>'),
            ("external entity", b'<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&a;</Key></Object></Delete>'),
            ("billion laughs", b'<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><Delete>&b;</Delete>'),
            ("unknown entity", b"<Delete><Object><Key>&kept;</Key></Object></Delete>"),
            ("no UTF-8", b"<Delete><Object><Key>\xff\xfe</Key></Object></Delete>"),
            ("another root", b"<Remove><Object><Key>kept</Key></Object></Remove>"),
            ("no objects", b"<Delete></Delete>"), ("no key", b"<Delete><Object></Object></Delete>"),
            ("empty key", b"<Delete><Object><Key></Key></Object></Delete>"),
            ("deep", b"<Delete>" + b"<a>" * 1000 + b"</a>" * 1000 + b"</Delete>"),
            ("1001 keys", b"<Delete>" + b"<Object><Key>kept</Key></Object>" * 1001 + b"</Delete>"),
            ("a NUL", b"<Delete><Object><Key>ke\0pt</Key></Object></Delete>")):
        is_error(what, delete_objects(body), 400, "MalformedXML")
    is_error("no digest", delete_objects(ok, digest=False), 400, "InvalidRequest")
    is_error("wrong digest", delete_objects(ok, {"content-md5": b64(hashlib.md5(b"x").digest())}, False), 400, "BadDigest")
    is_error("wrong checksum", delete_objects(ok, {"x-amz-checksum-crc32": b64(CHECKSUMS["crc32"](b"x"))}, False), 400, "BadDigest")
    is_error("wrong payload hash", s3("POST", "/" + BUCKET, {"delete": ""}, ok, {"content-md5": b64(hashlib.md5(ok).digest())},
             payload=hashlib.sha256(b"x").hexdigest()), 400, "XAmzContentSHA256Mismatch")
    check("right checksum", delete_objects(ok, {"x-amz-checksum-crc32": b64(CHECKSUMS["crc32"](ok))}, False).status == 200)
    reply = delete_objects(b"<Delete>" + b" " * (3 << 20) + b"</Delete>")
    check("3 MiB", reply.status in (400, 413), reply)
    still_kept("after all that", path)
    for i in range(5):
        s3("PUT", "/%s/d%d" % (BUCKET, i), body=b"x")
    body = b"<Delete>" + b"".join(b"<Object><Key>d%d</Key></Object>" % i for i in range(3)) + b"</Delete>"
    reply = delete_objects(body)
    check("three of them", reply.body.count(b"<Deleted>") == 3 and b"<Error>" not in reply.body, reply)
    reply = delete_objects(b"<Delete><Quiet>true</Quiet><Object><Key>d3</Key></Object><Object><Key>d4</Key>"
                           b"<VersionId>nonsense</VersionId></Object></Delete>")
    check("quiet tells errors only", b"<Deleted>" not in reply.body and reply.body.count(b"<Error>") == 1 and
          b"NoSuchVersion" in reply.body, reply)
    check("which were kept", s3("HEAD", "/%s/d4" % BUCKET).status == 200 and s3("HEAD", "/%s/d3" % BUCKET).status == 404)


ODD = ["a b", "a+b", "a%b", "a%20b", "a//b", "a/", "/a", "//", ".", "..", "a/../b", "a/./b", "../../etc/passwd", "\u00e4\u00f6\u00fc", "\u65e5\u672c\u8a9e",
       "\U0001f600", "a?b", "a#b", "a&b=c", "a;b", "a:b@c", "a\"b", "a'b", "a<b>c", "a\\b", "a|b", "a~b", "a*b", "a\tb", "a\nb", "\x01", "x" * 1024,
       "d/" * 100 + "f", "e\u0301", "\u00e9", "%2F", "+", "%", " ", "v1/x", "healthz", "null", "a,b", "{a}", "[a]", "$(a)", "a=b", "!"]


def group_names():
    for key in ODD:
        path = "/%s/%s" % (BUCKET, key)
        data = hashlib.sha256(key.encode()).digest()
        reply = s3("PUT", path, body=data)
        check("PUT %r" % key[:40], reply.status == 200, reply)
    for key in ODD:
        path = "/%s/%s" % (BUCKET, key)
        reply = s3("GET", path)
        check("GET %r" % key[:40], reply.body == hashlib.sha256(key.encode()).digest(), reply)
        reply = s3("PUT", "/%s/copied" % BUCKET, headers={"x-amz-copy-source": quote(path.encode(), "/-._~")})
        check("copy of %r" % key[:40], reply.status == 200 and
              s3("GET", "/%s/copied" % BUCKET).body == hashlib.sha256(key.encode()).digest(), reply)
    for key in ODD:
        path = "/%s/%s" % (BUCKET, key)
        check("DELETE %r" % key[:40], s3("DELETE", path).status == 204)
        is_error("GET %r again" % key[:40], s3("GET", path), 404, "NoSuchKey")
    for what, path, status, code in (("1025 bytes", "/%s/%s" % (BUCKET, "x" * 1025), 400, "KeyTooLongError"),
                                     ("1025 bytes of UTF-8", "/%s/%s" % (BUCKET, "\u00e4" * 512 + "x"), 400, "KeyTooLongError"),
                                     ("10,000 bytes", "/%s/%s" % (BUCKET, "x" * 10000), 400, "KeyTooLongError"),
                                     ("no UTF-8", ("/%s/" % BUCKET).encode() + b"\xff\xfe", 400, "InvalidURI"),
                                     ("surrogates", ("/%s/" % BUCKET).encode() + b"\xed\xa0\x80", 400, "InvalidURI"),
                                     ("129 folders", "/%s/%s" % (BUCKET, "d/" * 200 + "f"), 400, "KeyTooLongError")):
        is_error(what, s3("PUT", path, body=b"x"), status, code)
    is_error("NUL", send("PUT", "/%s/a%%00b" % BUCKET, [("Host", HOST)], b"x"), 400, "InvalidURI")
    is_error("half an escape", send("PUT", "/%s/a%%2" % BUCKET, [("Host", HOST)], b"x"), 400, "InvalidURI")
    reply = send_raw(("GET /%s/%s HTTP/1.1\r\nHost: %s\r\n\r\n" % (BUCKET, "x" * 100000, HOST)).encode())
    check("100,000 bytes of path", reply.status in (400, 414), reply)
    for bucket in ("AB", "a", "x" * 64, "Upper", "a_b", "-ab", "192.168.1.1", "xn--abc", "a..b", "a--at-b", "a" * 300):
        reply = s3("PUT", "/" + bucket)
        is_error("bucket %s" % bucket[:70], reply, 400, "InvalidBucketName")
    for bucket in ("metrics", "healthz", "console", "static"):
        check("reserved bucket %s" % bucket, s3("PUT", "/" + bucket).status in (400, 404, 405))
    is_error("no such bucket", s3("GET", "/no-such-bucket-at-all/x"), 404, "NoSuchBucket")
    for key in ("l//", "l///k", "l//a"):
        check("store %s" % key, s3("PUT", "/%s/%s" % (BUCKET, key), body=b"x").status == 200)
    reply = s3("GET", "/" + BUCKET, {"prefix": "l/", "delimiter": "//", "marker": "l//"})
    check("a marker that ends like a common prefix and is none", b"<Prefix>l///</Prefix>" in reply.body and
          b"<Key>l//a</Key>" in reply.body, reply)
    reply = s3("GET", "/" + BUCKET, {"prefix": "l/", "delimiter": "//", "marker": "l///"})
    check("and one that is", b"<Prefix>l///</Prefix>" not in reply.body and b"<Key>l//a</Key>" in reply.body, reply)


def group_listings():
    for key in ("a", "b/c", "d e"):
        check("store %s" % key, s3("PUT", "/%s/%s" % (BUCKET, key), body=b"x").status == 200)
    for params in ({}, {"list-type": "2"}, {"versions": ""}):
        for name, text in (("max-keys", "-1"), ("max-keys", "x"), ("max-keys", "2147483648"), ("encoding-type", "xml")):
            is_error("%s of %s" % ((name, text), params), s3("GET", "/" + BUCKET, dict(params, **{name: text})), 400, "InvalidArgument")
        for text, shown in (("0", b"0"), ("1001", b"1000"), ("2147483647", b"1000"), ("", b"1000")):
            reply = s3("GET", "/" + BUCKET, dict(params, **{"max-keys": text}))
            check("max-keys of %r of %s" % (text, params), reply.status == 200 and b"<MaxKeys>%s<" % shown in reply.body, reply)
        reply = s3("GET", "/" + BUCKET, dict(params, **{"encoding-type": "url"}))
        check("encoded %s" % params, b"<Key>d%20e</Key>" in reply.body and b"<EncodingType>url<" in reply.body, reply)
    body = b"<CreateBucketConfiguration><LocationConstraint>eu-west-9</LocationConstraint></CreateBucketConfiguration>"
    check("a bucket for another region", s3("PUT", "/%s-eu" % BUCKET, body=body).status == 200)
    region = s3("HEAD", "/%s-eu" % BUCKET).headers["x-amz-bucket-region"]
    name = {"prefix": BUCKET + "-eu"}
    reply = s3("GET", "/", name)
    check("listed where it is", b"<BucketRegion>%s<" % region.encode() in reply.body, reply)
    check("of its region", b"<Name>" in s3("GET", "/", dict(name, **{"bucket-region": region})).body)
    check("of another region", b"<Name>" not in s3("GET", "/", dict(name, **{"bucket-region": "eu-west-9"})).body)
    for text in ("0", "-1", "10001", "x"):
        is_error("max-buckets " + text, s3("GET", "/", {"max-buckets": text}), 400, "InvalidArgument")
    reply = s3("GET", "/", {"prefix": BUCKET, "max-buckets": "1"})
    check("a page of buckets", reply.body.count(b"<Name>") == 1 and b"<ContinuationToken>" in reply.body, reply)
    token = re.search(rb"<ContinuationToken>([^<]*)", reply.body).group(1).decode()
    check("the next one", b"<Name>%s-eu<" % BUCKET.encode() in s3("GET", "/", {"prefix": BUCKET, "continuation-token": token}).body)


def group_headers():
    path = kept()
    # AWS itself is said to accept a name that is empty, to drop it and to tell later by x-amz-missing-meta: what is lost is refused here.
    for value in ("v", ""):
        is_error("metadata without a name", s3("PUT", path + "-n", body=b"x", headers={"x-amz-meta-": value}), 400, "InvalidArgument")
        is_error("in an upload", s3("POST", path + "-n", {"uploads": ""}, headers={"x-amz-meta-": value}), 400, "InvalidArgument")
    check("nothing is stored", s3("HEAD", path + "-n").status == 404)
    is_error("metadata over 2 KiB", s3("PUT", path, body=b"x", headers={"x-amz-meta-a": "x" * 2049}), 400, "MetadataTooLarge")
    is_error("metadata over 2 KiB in sum", s3("PUT", path, body=b"x", headers={"x-amz-meta-%d" % i: "x" * 250 for i in range(9)}), 400,
             "MetadataTooLarge")
    check("metadata of 2 KiB", s3("PUT", path + "-m", body=b"x", headers={"x-amz-meta-a": "x" * 2047}).status == 200)
    reply = s3("HEAD", path + "-m")
    check("comes back", reply.headers.get("x-amz-meta-a") == "x" * 2047)
    kept_headers = {"cache-control": "max-age=1", "content-disposition": "attachment", "content-encoding": "br", "content-language": "de",
                    "content-type": "text/x", "expires": "Fri, 01 Jan 2100 00:00:00 GMT", "x-amz-meta-mixed": "Case Kept"}
    check("content headers", s3("PUT", path + "-h", body=b"x", headers=kept_headers).status == 200)
    reply = s3("GET", path + "-h")
    for name, value in kept_headers.items():
        check("%s comes back" % name, reply.headers.get(name) == value, reply.headers.get(name))
    check("no type is binary/octet-stream", s3("HEAD", path).headers.get("content-type") == "binary/octet-stream")
    for name, value in (("x-amz-server-side-encryption", "aws:kms"), ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
                        ("x-amz-acl", "public-read"), ("x-amz-grant-read", "id=x"), ("x-amz-tagging", "a=b"),
                        ("x-amz-object-lock-mode", "GOVERNANCE"), ("x-amz-write-offset-bytes", "3")):
        is_error(name, s3("PUT", path, body=b"x", headers={name: value}), 501, "NotImplemented")
    is_error("storage class", s3("PUT", path, body=b"x", headers={"x-amz-storage-class": "CHEAP"}), 400, "InvalidStorageClass")
    for name, value in (("x-amz-acl", "private"), ("x-amz-acl", "bucket-owner-full-control"), ("x-amz-storage-class", "STANDARD"),
                        ("x-amz-storage-class", "STANDARD_IA")):
        check("%s %s" % (name, value), s3("PUT", path + "-x", body=b"x", headers={name: value}).status == 200)
    is_error("another owner expected", s3("GET", path, headers={"x-amz-expected-bucket-owner": "123456789012"}), 403, "AccessDenied")
    h = Signer().headers("GET", path, "", {}, EMPTY)
    for what, more in (("one of 30,000 bytes", [("X-Long", "x" * 30000)]), ("200 of them", [("X-%d" % i, "x") for i in range(200)]),
                       ("one of a megabyte", [("X-Long", "x" * 1000000)])):
        reply = send_raw(head_bytes("GET", path, h + more))
        check("headers: " + what, reply.status in (0, 400, 413, 431), reply)
    still_kept("after all that", path)
    reply = s3("GET", "/%s/nothing" % BUCKET)
    order = re.findall(rb"<(Code|Message|Key|BucketName|Resource|RequestId|HostId)>", reply.body)
    check("order of an error's elements", order == [b"Code", b"Message", b"Key", b"BucketName", b"Resource", b"RequestId", b"HostId"], order)
    check("request id in header and body", reply.headers["x-amz-request-id"].encode() in reply.body)
    reply = s3("HEAD", "/%s/nothing" % BUCKET)
    check("HEAD of nothing", reply.status == 404 and reply.body == b"")


def group_subresources():
    form = b'--x\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n--x--\r\n'
    reply = send("POST", "/" + BUCKET, [("Host", HOST), ("Content-Type", "multipart/form-data; boundary=x")], form)
    is_error("a form", reply, 501, "NotImplemented")
    for name, value in (("x-amz-acl", "public-read"), ("x-amz-grant-read", "id=x")):
        is_error("a bucket with %s" % name, s3("PUT", "/%s-acl" % BUCKET, headers={name: value}), 501, "NotImplemented")
    is_error("it was not made", s3("GET", "/%s-acl" % BUCKET), 404, "NoSuchBucket")
    check("private", s3("PUT", "/%s-acl" % BUCKET, headers={"x-amz-acl": "private"}).status == 200)
    path = kept()
    bucket = "/" + BUCKET
    for name, code in (("policy", "NoSuchBucketPolicy"), ("cors", "NoSuchCORSConfiguration"), ("lifecycle", "NoSuchLifecycleConfiguration"),
                       ("tagging", "NoSuchTagSet"), ("encryption", "ServerSideEncryptionConfigurationNotFoundError"),
                       ("website", "NoSuchWebsiteConfiguration"), ("replication", "ReplicationConfigurationNotFoundError"),
                       ("object-lock", "ObjectLockConfigurationNotFoundError"), ("publicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
                       ("ownershipControls", "OwnershipControlsNotFoundError")):
        is_error("GET ?" + name, s3("GET", bucket, {name: ""}), 404, code)
        is_error("PUT ?" + name, s3("PUT", bucket, {name: ""}, b"<x/>"), 501, "NotImplemented")
    is_error("DELETE ?object-lock", s3("DELETE", bucket, {"object-lock": ""}), 501, "NotImplemented")
    for where in (bucket, path):
        reply = s3("GET", where, {"acl": ""})
        check("GET ?acl of " + where, reply.status == 200 and b"FULL_CONTROL" in reply.body, reply)
        is_error("PUT ?acl of " + where, s3("PUT", where, {"acl": ""}, b"<x/>"), 501, "NotImplemented")
        for acl in ("private", "bucket-owner-full-control"):
            check("PUT ?acl %s of %s" % (acl, where), s3("PUT", where, {"acl": ""}, headers={"x-amz-acl": acl}).status == 200)
        for headers in ({"x-amz-acl": "public-read"}, {"x-amz-acl": "private", "x-amz-grant-read": "id=x"}, {}):
            is_error("PUT ?acl %s of %s" % (headers, where), s3("PUT", where, {"acl": ""}, headers=headers), 501, "NotImplemented")
        is_error("DELETE ?acl of " + where, s3("DELETE", where, {"acl": ""}, headers={"x-amz-acl": "private"}), 501, "NotImplemented")
    private = {"x-amz-acl": "private"}
    is_error("PUT ?acl of nothing", s3("PUT", path + "-none", {"acl": ""}, headers=private), 404, "NoSuchKey")
    is_error("PUT ?acl with a document", s3("PUT", path, {"acl": ""}, b"<x/>", private), 501, "NotImplemented")
    for name in ("logging", "notification", "accelerate", "requestPayment"):
        check("GET ?" + name, s3("GET", bucket, {name: ""}).status == 200)
    check("GET ?tagging of an object", b"<TagSet>" in s3("GET", path, {"tagging": ""}).body)
    is_error("PUT ?tagging", s3("PUT", path, {"tagging": ""}, b"<x/>"), 501, "NotImplemented")
    is_error("POST ?select", s3("POST", path, {"select": "", "select-type": "2"}, b"<x/>"), 501, "NotImplemented")
    is_error("GET ?retention", s3("GET", path, {"retention": ""}), 404, "NoSuchObjectLockConfiguration")
    is_error("PUT ?versioning", s3("PUT", bucket, {"versioning": ""}, b"<x/>"), 400, "MalformedXML")
    for name in ("versioning", "versions", "location", "uploads", "delete", "abac", "metadataInventoryTable", "metadataJournalTable",
                 "retention"):
        is_error("DELETE ?" + name, s3("DELETE", "/%s-acl" % BUCKET, {name: ""}), 501, "NotImplemented")
        if name != "versioning":
            is_error("PUT ?" + name, s3("PUT", bucket, {name: ""}, b"<x/>"), 501, "NotImplemented")
    for name in ("uploads", "versions", "policy", "encryption", "lifecycle", "delete"):
        for method in ("PUT", "DELETE"):
            reply = s3(method, path, {name: ""}, b"<x/>" if method == "PUT" else b"")
            is_error("%s of an object's ?%s" % (method, name), reply, 501, "NotImplemented")
    check("GET ?abac", b"<Status>Disabled</Status>" in s3("GET", bucket, {"abac": ""}).body)
    check("GET ?versioning", s3("GET", bucket, {"versioning": ""}).status == 200)
    check("GET ?location", s3("GET", bucket, {"location": ""}).status == 200)
    is_error("PATCH", s3("PATCH", path, body=b"x"), 405, "MethodNotAllowed")
    for text in ("x", "0" * 32, "f" * 32, "", "NULL"):
        is_error("versionId=%r" % text, s3("GET", path, {"versionId": text}), 400, "InvalidArgument")
    check("versionId=null", s3("GET", path, {"versionId": "null"}).body == KEPT)
    is_error("DELETE versionId=x", s3("DELETE", path, {"versionId": "x"}), 400, "InvalidArgument")
    still_kept("after all that", path)


def group_smuggling():
    path = kept()
    whole = "http://%s%s" % (HOST, path)
    signed = Signer().headers("GET", path, "", {}, EMPTY)
    for target in (whole, whole.replace("http", "HTTP")):
        reply = send("GET", target, signed)
        check("a target in absolute form", reply.status == 200 and reply.body == KEPT, reply)
    for target in (whole.replace(HOST, "other.example"), whole.replace(HOST, "x" + HOST), whole.replace(HOST, ""),
                   "http://" + HOST, "http://%s?x=/" % HOST, "ftp://%s%s" % (HOST, path), "http:/" + path, "x" + path, "*"):
        check("target " + target, send("GET", target, signed).status == 400)
    h = [("Host", HOST)]
    second = "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n" % HOST

    def refused(what, head):
        data = head.encode("latin-1") + second.encode()
        with connect() as sock:
            sock.sendall(data)
            reply = read_reply(sock)
            check(what + ": refused", reply.status in (400, 413, 501, 505), reply)
            sock.settimeout(10)
            rest = b""
            try:
                while True:
                    piece = sock.recv(65536)
                    if not piece:
                        break
                    rest += piece
            except OSError:
                pass
            check(what + ": nothing behind it is answered", b"HTTP/1.1 200" not in rest, rest[:200])
    base = "PUT %s HTTP/1.1\r\nHost: %s\r\n" % (path, HOST)
    refused("length and chunks", base + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    refused("chunks and length", base + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n")
    refused("two lengths", base + "Content-Length: 0\r\nContent-Length: 5\r\n\r\n")
    refused("the same length twice", base + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n")
    refused("lengths in a list", base + "Content-Length: 0, 5\r\n\r\n")
    refused("signed length", base + "Content-Length: +0\r\n\r\n")
    refused("another coding", base + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")
    refused("coding twice", base + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    refused("coding hidden", base + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")
    refused("two hosts", "GET %s HTTP/1.1\r\nHost: %s\r\nHost: other\r\n\r\n" % (path, HOST))
    refused("no host", "GET %s HTTP/1.1\r\n\r\n" % path)
    refused("blank before the colon", base + "Content-Length : 5\r\n\r\n")
    refused("folded line", base + "X-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n")
    refused("name that is no token", base + "X(A): 1\r\nContent-Length: 0\r\n\r\n")
    refused("control byte in a value", base + "X-A: a\x01b\r\nContent-Length: 0\r\n\r\n")
    refused("bare line feed", base + "X-A: a\nContent-Length: 0\r\n\r\n")
    refused("NUL in a value", base + "X-A: a\0b\r\nContent-Length: 0\r\n\r\n")
    still_kept("after all that", path)


def admin(method, path, document=None):
    body = json.dumps(document).encode() if document is not None else b""
    h = [("Host", HOST), ("Authorization", "Bearer " + TOKEN), ("Content-Type", "application/json")]
    return send(method, "/v1/admin" + path, h, body)


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


def group_permissions():
    path = kept()
    name = "user%d" % os.getpid()
    check("make a user", admin("POST", "/users", {"name": name}).status in (200, 201))
    made = json.loads(admin("POST", "/users/%s/keys" % name).body)
    other = lambda: Signer(key=made["accessKeyId"], secret=made["secretAccessKey"])
    for what, reply in (("GET", s3("GET", path, signer=other())), ("GET of nothing", s3("GET", path + "-none", signer=other())),
                        ("PUT", s3("PUT", path, body=b"x", signer=other())), ("DELETE", s3("DELETE", path, signer=other())),
                        ("list", s3("GET", "/" + BUCKET, {"list-type": "2"}, signer=other())),
                        ("create a bucket", s3("PUT", "/%s-more" % BUCKET, signer=other())),
                        ("create one that is there", s3("PUT", "/" + BUCKET, signer=other())),
                        ("delete the bucket", s3("DELETE", "/" + BUCKET, signer=other())),
                        ("copy from it", s3("PUT", path + "-c", headers={"x-amz-copy-source": path}, signer=other()))):
        is_error("without a grant: " + what, reply, 403, "AccessDenied")
    check("HEAD of nothing tells nothing", s3("HEAD", path + "-none", signer=other()).status == 403)
    check("HEAD of the bucket tells nothing", s3("HEAD", "/" + BUCKET, signer=other()).status == 403)
    check("grant on a folder", admin("POST", "/workspaces/%s/grants" % BUCKET, {"path": "part/", "user": name, "role": "viewer"}).status in (200, 201))
    check("the bucket shows itself", s3("HEAD", "/" + BUCKET, signer=other()).status == 200)
    check("and where it is", s3("GET", "/" + BUCKET, {"location": ""}, signer=other()).status == 200)
    is_error("but no more", s3("GET", "/" + BUCKET, {"list-type": "2"}, signer=other()), 403, "AccessDenied")
    check("grant", admin("POST", "/workspaces/%s/grants" % BUCKET, {"path": "", "user": name, "role": "viewer"}).status in (200, 201))
    check("viewer reads", s3("GET", path, signer=other()).body == KEPT)
    is_error("viewer creates the bucket", s3("PUT", "/" + BUCKET, signer=other()), 409, "BucketAlreadyOwnedByYou")
    is_error("viewer creates another", s3("PUT", "/%s-more" % BUCKET, signer=other()), 403, "AccessDenied")
    is_error("viewer: nothing there", s3("GET", path + "-none", signer=other()), 404, "NoSuchKey")
    is_error("viewer writes", s3("PUT", path, body=b"x", signer=other()), 403, "AccessDenied")
    body = b"<Delete><Object><Key>kept</Key></Object></Delete>"
    reply = s3("POST", "/" + BUCKET, {"delete": ""}, body, {"content-md5": b64(hashlib.md5(body).digest())}, signer=other())
    check("viewer deletes many", reply.status == 200 and b"AccessDenied" in reply.body and b"<Deleted>" not in reply.body, reply)

    def lost(what, code, take, give):
        """Rights that end while a body is on its way."""
        signer = other()
        head = signer.headers("PUT", path, "", {}, "UNSIGNED-PAYLOAD") + [("Content-Length", "300000")]
        with connect() as sock:
            sock.sendall(head_bytes("PUT", path, head + [("Expect", "100-continue")]))
            reply = read_reply(sock, "PUT", skip_continue=False)
            check(what + ": may begin", reply.status == 100, reply)
            sock.sendall(b"a" * 150000)
            reply = take()
            check(what + ": ended", reply.status in (200, 204), reply)
            sock.sendall(b"a" * 150000)
            is_error(what, read_reply(sock, "PUT"), 403, code)
        check(what + ": given back", give().status in (200, 201))
    grant = {"path": "", "user": name, "role": "editor"}
    give = lambda: admin("POST", "/workspaces/%s/grants" % BUCKET, grant)
    check("editor", give().status in (200, 201))
    lost("a grant that ends in mid-upload", "AccessDenied",
         lambda: admin("DELETE", "/workspaces/%s/grants?user=%s" % (BUCKET, name)), give)
    lost("a user that is disabled in mid-upload", "InvalidAccessKeyId",
         lambda: admin("PATCH", "/users/" + name, {"disabled": True}),
         lambda: admin("PATCH", "/users/" + name, {"disabled": False}))
    check("disable the key", admin("PATCH", "/users/%s/keys/%s" % (name, made["accessKeyId"]), {"disabled": True}).status in (200, 204))
    is_error("disabled key", s3("GET", path, signer=other()), 403, "InvalidAccessKeyId")
    reply = send("GET", "/v1/admin/status", [("Host", HOST)])
    check("administration without a token", reply.status == 401 and b'"error"' in reply.body, reply)
    reply = send("GET", "/v1/admin/status", [("Host", HOST), ("Authorization", "Bearer " + TOKEN[:-1])])
    check("with a token cut short", reply.status == 401, reply)
    reply = send("GET", "/v1/nothing", [("Host", HOST), ("Authorization", "Bearer " + TOKEN)])
    check("no such path", reply.status == 404 and b'"error"' in reply.body, reply)
    still_kept("after all that", path)


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


def attributes(path, names, params=None, headers=None, signer=None):
    return s3("GET", path, dict(params or {}, attributes=""), headers=dict(headers or {}, **{"x-amz-object-attributes": names}), signer=signer)


ATTRIBUTES = "ETag,Checksum,ObjectParts,StorageClass,ObjectSize"


def body_of(reply, root="GetObjectAttributesResponse"):
    """What stands in the root element of a reply of 200."""
    found = re.search(rb"<%s xmlns=[^>]*>(.*)</%s>$" % (root.encode(), root.encode()), reply.body)
    return found.group(1).decode() if found and reply.status == 200 else repr(reply)


def group_attributes():
    """GetObjectAttributes."""
    path = kept()
    md5, size = hashlib.md5(KEPT).hexdigest(), len(KEPT)
    simple = "<ETag>%s</ETag><StorageClass>STANDARD</StorageClass><ObjectSize>%d</ObjectSize>" % (md5, size)
    reply = attributes(path, ATTRIBUTES)
    check("of an object without checksum or parts", body_of(reply) == simple, reply)
    head = s3("HEAD", path)
    check("when it was modified", reply.headers.get("last-modified") == head.headers["last-modified"], reply.headers)
    check("an object's own headers are not the reply's", "etag" not in reply.headers and reply.headers["content-type"] == "application/xml",
          reply.headers)
    check("only some", body_of(attributes(path, " ObjectSize ,ETag,ETag,")) == simple.replace("<StorageClass>STANDARD</StorageClass>", ""))
    two = Signer().headers("GET", path, "attributes=", {"x-amz-object-attributes": "ETag,ObjectSize"}, EMPTY)
    two = [h for h in two if h[0] != "x-amz-object-attributes"] + [("x-amz-object-attributes", n) for n in ("ETag", "ObjectSize")]
    reply = send("GET", path + "?attributes", two)
    check("names in two headers", body_of(reply).count("<") == 4, reply)
    for names in (None, "", " , "):
        reply = attributes(path, names) if names is not None else s3("GET", path, {"attributes": ""})
        is_error("names %r" % names, reply, 400, "InvalidRequest")
    for names in ("etag", "ETag,Nonsense", "ETag ObjectSize", "ObjectPart", "ObjectPartss"):
        is_error("names %r" % names, attributes(path, names), 400, "InvalidArgument")
    is_error("of nothing", attributes(path + "-none", "ETag"), 404, "NoSuchKey")
    is_error("no such version", attributes(path, "ETag", {"versionId": "x"}), 400, "InvalidArgument")
    check("of the version null", body_of(attributes(path, ATTRIBUTES, {"versionId": "null"})) == simple)
    for name, value, status in (("if-match", head.headers["etag"], 200), ("if-match", '"x"', 412), ("if-none-match", head.headers["etag"], 304)):
        reply = attributes(path, "ETag", headers={name: value})
        check("%s %s" % (name, value), reply.status == status, reply)
    url = Signer().presign("GET", path, {"attributes": "", "x-amz-object-attributes": ATTRIBUTES})
    check("presigned", body_of(send("GET", url, [("Host", HOST)])) == simple)

    check("store", s3("PUT", path + "-sum", body=KEPT, headers={"x-amz-checksum-sha1": b64(hashlib.sha1(KEPT).digest())}).status == 200)
    wanted = "<Checksum><ChecksumSHA1>%s</ChecksumSHA1><ChecksumType>FULL_OBJECT</ChecksumType></Checksum>" % b64(hashlib.sha1(KEPT).digest())
    reply = attributes(path + "-sum", "Checksum")
    check("a checksum", body_of(reply) == wanted, reply)
    is_error("by who has no role", attributes(path, "ETag", signer=a_user("nobody")()), 403, "AccessDenied")
    check("by a viewer", body_of(attributes(path, ATTRIBUTES, signer=a_user("viewer", "viewer")())) == simple)
    for bucket in (BUCKET, BUCKET + "--at-1"):
        reply = attributes("/%s/kept" % bucket, ATTRIBUTES)
        check("in " + bucket, body_of(reply) == simple, reply)
    still_kept("after all that", path)


def a_user(name, role=None):
    """Who signs for a new user, with that role in the bucket."""
    name += str(os.getpid())
    check("make a user", admin("POST", "/users", {"name": name}).status in (200, 201))
    made = json.loads(admin("POST", "/users/%s/keys" % name).body)
    if role:
        grant = {"path": "", "user": name, "role": role}
        check("grant", admin("POST", "/workspaces/%s/grants" % BUCKET, grant).status in (200, 201))
    return lambda: Signer(key=made["accessKeyId"], secret=made["secretAccessKey"])


def group_attributes_of_parts():
    path = "/%s/parts" % BUCKET
    parts = {1: b"a" * (5 << 20), 2: b"b" * (5 << 20), 3: b"tail"}
    upload_id, xml = upload(path, parts, {"x-amz-checksum-algorithm": "SHA256"})
    check("complete", s3("POST", path, {"uploadId": upload_id}, xml).status == 200)
    composite = b64(hashlib.sha256(b"".join(hashlib.sha256(p).digest() for p in parts.values())).digest())
    reply = attributes(path, "Checksum")
    check("a composite checksum has no count here", body_of(reply) ==
          "<Checksum><ChecksumSHA256>%s</ChecksumSHA256><ChecksumType>COMPOSITE</ChecksumType></Checksum>" % composite, reply)

    def page(what, numbers, more, at_most, marker, **headers):
        reply = attributes(path, "ObjectParts", headers={"x-amz-" + n.replace("_", "-"): v for n, v in headers.items()})
        listed = "".join("<Part><PartNumber>%d</PartNumber><Size>%d</Size></Part>" % (n, len(parts[n])) for n in numbers)
        check(what, body_of(reply) == "<ObjectParts><IsTruncated>%s</IsTruncated><MaxParts>%d</MaxParts><NextPartNumberMarker>%d"
              "</NextPartNumberMarker><PartNumberMarker>%d</PartNumberMarker>%s<PartsCount>3</PartsCount></ObjectParts>" %
              (more, at_most, numbers[-1] if numbers else 0, marker, listed), reply)
    page("all parts", [1, 2, 3], "false", 1000, 0)
    page("the first two", [1, 2], "true", 2, 0, max_parts="2")
    page("what follows", [3], "false", 2, 2, max_parts="2", part_number_marker="2")
    page("just as many as there are", [1, 2, 3], "false", 3, 0, max_parts="3")
    page("behind the last", [], "false", 1000, 3, part_number_marker="3")
    page("far behind it", [], "false", 1000, 10000, part_number_marker="2147483647")
    page("none wanted", [], "false", 0, 0, max_parts="0")
    page("more than a page holds", [2, 3], "false", 1000, 1, max_parts="2147483647", part_number_marker="1")
    for name in ("x-amz-max-parts", "x-amz-part-number-marker"):
        for text in ("-1", "x", "2147483648", "99999999999999999999"):
            is_error("%s: %s" % (name, text), attributes(path, "ObjectParts", headers={name: text}), 400, "InvalidArgument")
    is_error("parts and their checks", attributes(path, "ETag", headers={"x-amz-max-parts": "x"}), 400, "InvalidArgument")


def group_deletion_of_configuration():
    path, bucket = kept(), "/" + BUCKET
    viewer, editor = a_user("viewer", "viewer"), a_user("editor", "editor")
    for name in ("policy", "cors", "lifecycle", "tagging", "encryption", "website", "replication", "publicAccessBlock", "ownershipControls"):
        reply = s3("DELETE", bucket, {name: ""})
        check("DELETE ?" + name, reply.status == 204 and reply.body == b"", reply)
        is_error("of no bucket: " + name, s3("DELETE", bucket + "-none", {name: ""}), 404, "NoSuchBucket")
        for who in (viewer, editor):
            is_error("by who does not own it: " + name, s3("DELETE", bucket, {name: ""}, signer=who()), 403, "AccessDenied")
        if name != "tagging":
            is_error("of an object: " + name, s3("DELETE", path, {name: ""}), 501, "NotImplemented")
    for name in ("logging", "notification", "accelerate", "requestPayment", "policyStatus", "acl"):
        is_error("AWS deletes no ?" + name, s3("DELETE", bucket, {name: ""}), 501, "NotImplemented")
    is_error("with another one before it", s3("DELETE", bucket, {"acl": "", "policy": ""}), 501, "NotImplemented")
    is_error("of the past", s3("DELETE", bucket + "--at-1", {"policy": ""}), 405, "MethodNotAllowed")
    check("the bucket is there", s3("HEAD", bucket).status == 200)

    check("tags of an object", s3("DELETE", path, {"tagging": ""}, signer=editor()).status == 204)
    check("of a version", s3("DELETE", path, {"tagging": "", "versionId": "null"}).status == 204)
    is_error("of none", s3("DELETE", path, {"tagging": "", "versionId": "x"}), 400, "InvalidArgument")
    is_error("tags of nothing", s3("DELETE", path + "-none", {"tagging": ""}), 404, "NoSuchKey")
    is_error("by a viewer", s3("DELETE", path, {"tagging": ""}, signer=viewer()), 403, "AccessDenied")
    still_kept("after all that", path)


def group_configurations_by_id():
    path, bucket = kept(), "/" + BUCKET
    for name, root in (("analytics", "ListBucketAnalyticsConfigurationResult"), ("inventory", "ListInventoryConfigurationsResult"),
                       ("metrics", "ListMetricsConfigurationsResult"),
                       ("intelligent-tiering", "ListBucketIntelligentTieringConfigurationsOutput")):
        reply = s3("GET", bucket, {name: ""})
        check("GET ?" + name, body_of(reply, root) == "<IsTruncated>false</IsTruncated>", reply)
        is_error("one of them: " + name, s3("GET", bucket, {name: "", "id": "all"}), 404, "NoSuchConfiguration")
        is_error("of no bucket: " + name, s3("GET", bucket + "-none", {name: "", "id": "all"}), 404, "NoSuchBucket")
        is_error("PUT ?" + name, s3("PUT", bucket, {name: "", "id": "all"}, b"<x/>"), 501, "NotImplemented")
        is_error("DELETE ?" + name, s3("DELETE", bucket, {name: "", "id": "all"}), 501, "NotImplemented")
        check("of an object, of which there is none", s3("GET", path, {name: "", "id": "all"}).body == KEPT)
    is_error("an id where there is none", s3("GET", bucket, {"cors": "", "id": "all"}), 404, "NoSuchCORSConfiguration")


def group_refused_headers():
    """What is asked for beside the bytes and is not built is refused wherever it is asked for, never dropped."""
    path = kept()
    upload_id, xml = upload(path + "-up", {1: b"part"})
    part, copied = {"uploadId": upload_id, "partNumber": "2"}, {"x-amz-copy-source": path}
    for name, value in (("x-amz-server-side-encryption", "AES256"), ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
                        ("x-amz-tagging", "a=b")):
        h = {name: value}
        for what, reply in (("PutObject", s3("PUT", path, body=b"x", headers=h)),
                            ("CopyObject", s3("PUT", path + "-c", headers=dict(h, **copied))),
                            ("a copy with other metadata", s3("PUT", path + "-c", headers=dict(h, **copied, **{"x-amz-metadata-directive": "REPLACE"}))),
                            ("a presigned PUT", send("PUT", Signer().presign("PUT", path, h), [("Host", HOST)], b"x")),
                            ("CreateMultipartUpload", s3("POST", path + "-c", {"uploads": ""}, headers=h)),
                            ("UploadPart", s3("PUT", path + "-up", part, b"x", h)),
                            ("UploadPartCopy", s3("PUT", path + "-up", part, headers=dict(h, **copied))),
                            ("CompleteMultipartUpload", s3("POST", path + "-up", {"uploadId": upload_id}, xml, h))):
            is_error("%s: %s in %s" % (name, value, what), reply, 501, "NotImplemented")
            check("which names the header", name.encode() in reply.body, reply)
    check("nothing was copied", s3("HEAD", path + "-c").status == 404)
    uploads = s3("GET", "/" + BUCKET, {"uploads": ""}).body
    check("no upload was begun", uploads.count(b"<Upload>") == 1, uploads)
    parts = s3("GET", path + "-up", {"uploadId": upload_id}).body
    check("no part was added", re.findall(rb"<PartNumber>(\d+)", parts) == [b"1"], parts)
    for directive, status in (("COPY", 200), ("REPLACE", 200), ("x", 400)):
        reply = s3("PUT", path + "-c", headers=dict(copied, **{"x-amz-tagging-directive": directive}))
        check("there are no tags to %s" % directive, reply.status == status, reply)
    still_kept("after all that", path)


def group_odd_reads():
    """Reads that are right, but seldom sent."""
    path, bucket = kept(), "/" + BUCKET
    head = s3("HEAD", path).headers
    for method, status in (("HEAD", 200), ("GET", 200)):
        check("%s of a bucket with a slash behind it" % method, s3(method, bucket + "/").status == status)
    past = "Sat, 01 Jan 2000 00:00:00 GMT"
    check("a tag that fits is stronger than a date", s3("GET", path, headers={"if-none-match": head["etag"], "if-modified-since": past}).status == 304)
    reply = s3("GET", path, headers={"range": "bytes=0-0,2-3"})
    check("two ranges are all of it", reply.status == 200 and reply.body == KEPT and "content-range" not in reply.headers, reply)
    for key in ("%" * 1024, "%2F \u00fc+&" * 128, "\u00fc" * 512):
        path = "%s/%s" % (bucket, key)
        check("store 1,024 bytes", len(key.encode()) == 1024 and s3("PUT", path, body=b"long").status == 200)
        check("they are read", s3("GET", path).body == b"long")
        for params in ({}, {"list-type": "2"}, {"versions": ""}):
            reply = s3("GET", bucket, dict(params, **{"prefix": key, "delimiter": "", "encoding-type": "url"}))
            check("and listed by %s" % params, ("<Key>%s</Key>" % quote(key, "/-._~")).encode() in reply.body and
                  b"<Delimiter>" not in reply.body, reply)
    for params in ({}, {"list-type": "2"}, {"versions": ""}):
        reply = s3("GET", bucket, dict(params, **{"prefix": "", "delimiter": ""}))
        check("no prefix, no delimiter: %s" % params, reply.body.count(b"<Key>") == 4 and b"<Prefix></Prefix>" in reply.body, reply)
        reply = s3("GET", bucket, dict(params, **{"max-keys": "0"}))
        check("no keys: %s" % params, b"<Key>" not in reply.body and b"<IsTruncated>false<" in reply.body, reply)


GROUPS = {n[6:]: f for n, f in sorted(globals().items()) if n.startswith("group_")}


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in GROUPS:
        print("\n".join(GROUPS))
        return 0 if len(sys.argv) == 1 else 2
    setup()
    GROUPS[sys.argv[1]]()
    print("%s: %d checks, %d failed" % (sys.argv[1], CHECKS[0], len(FAILED)))
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
