"""What comes behind a head: aws-chunked bodies, lengths, ranges, XML."""

import re
import time

from wire import (BUCKET, SIGNED_TRAILER, UNSIGNED, accepted, case, Chunks, closes, control, crc32, exchange, good,
                  key, md5, presigned, refused, signed, wants, Wrong)


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
    if time.monotonic() - begin > 60:
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
