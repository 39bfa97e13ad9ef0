"""Who sends it, and whether it is what was signed: signatures and digests."""

import base64
import re
import time

from wire import (EMPTY, KEY_ID, case, control, crc32, exchange, good, key, md5, presigned, refused, remove, signed,
                  stamp, text, wants, Wrong)


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
