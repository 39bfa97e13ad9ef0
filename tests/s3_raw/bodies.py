"""What comes behind a head: digests, aws-chunked bodies, bodies that are cut, XML."""

import hashlib
import os
import re
import socket
import struct

from calls import CHECKSUMS, b64, chunked_request, upload
from wire import (BUCKET, HOST, check, connect, head_bytes, is_error, kept, read_reply, s3, send, send_raw, Signer,
                  still_kept)


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


def group_deletions_by_list():
    """What an element of DeleteObjects adds to its key narrows what is deleted: none of it is passed over."""
    path = kept()
    one = b"<Delete>%s<Object><Key>kept</Key>%s</Object></Delete>"
    for inner in (b"<VersionID>x</VersionID>", b"<versionid>x</versionid>", b"<etag>bad</etag>", b"<Foo>x</Foo>", b"<Foo></Foo>",
                  b"<Key>other</Key>", b"<VersionId>null</VersionId><VersionId>x</VersionId>", b"<ETag>a</ETag><ETag>b</ETag>"):
        reply = delete_objects(one % (b"", inner))
        is_error("an object with %r" % inner, reply, 400, "MalformedXML")
        check("which names it", inner[1:inner.index(b">")] in reply.body, reply)
    for outer in (b"<quiet>true</quiet>", b"<Foo></Foo>", b"<object><Key>x</Key></object>", b"<Quiet>true</Quiet><Quiet>false</Quiet>"):
        is_error("a document with %r" % outer, delete_objects(one % (outer, b"")), 400, "MalformedXML")
    for inner in (b"<LastModifiedTime>x</LastModifiedTime>", b"<Size>1</Size>"):
        is_error("an object with %r" % inner, delete_objects(one % (b"", inner)), 501, "NotImplemented")
    for name, value in (("if-match", '"bad"'), ("if-none-match", "*"), ("if-unmodified-since", "Thu, 01 Jan 1970 00:00:00 GMT")):
        is_error("a request with %s" % name, delete_objects(one % (b"", b""), {name: value}), 501, "NotImplemented")
    reply = delete_objects(one % (b"", b"<VersionId></VersionId>"))
    check("an empty version is none that there is", b"NoSuchVersion" in reply.body and b"<Deleted>" not in reply.body, reply)
    is_error("as DELETE says", s3("DELETE", path, {"versionId": ""}), 400, "InvalidArgument")
    still_kept("after all that", path)
    # Nor is it the same as an element without a version.
    reply = delete_objects(b"<Delete><Object><Key>kept</Key><VersionId></VersionId></Object><Object><Key>kept</Key></Object></Delete>")
    check("one is refused, one done", reply.body.count(b"<Error>") == reply.body.count(b"<Deleted>") == 1, reply)
    check("it is gone", s3("HEAD", path).status == 404)
