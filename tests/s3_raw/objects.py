"""What happens to objects: ranges, conditions, copies, uploads, and what listings and odd names make of them."""

import hashlib
import os
import re
import threading

from calls import CHECKSUMS, a_user, b64, body_of, parts_xml, upload
from wire import (BUCKET, EMPTY, HOST, KEPT, check, connect, head_bytes, is_error, kept, quote, read_reply, s3, send,
                  send_raw, Signer, still_kept)


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
    empty = path + "-empty"
    s3("PUT", empty, body=b"")
    with connect() as sock:
        for method, at, headers, status in (("GET", path, {"if-none-match": "*"}, 304), ("HEAD", path, {"if-none-match": "*"}, 304),
                                            ("GET", path, {}, 200), ("GET", empty, {"if-none-match": "*"}, 304),
                                            ("HEAD", empty, {"if-none-match": "*"}, 304), ("GET", path, {}, 200)):
            sock.sendall(head_bytes(method, at, Signer().headers(method, at, "", headers, EMPTY)))
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


def attributes(path, names, params=None, headers=None, signer=None):
    return s3("GET", path, dict(params or {}, attributes=""), headers=dict(headers or {}, **{"x-amz-object-attributes": names}), signer=signer)


ATTRIBUTES = "ETag,Checksum,ObjectParts,StorageClass,ObjectSize"


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
    for name, value, status in (("if-match", head.headers["etag"], 200), ("if-match", '"x"', 412), ("if-none-match", head.headers["etag"], 200)):
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
