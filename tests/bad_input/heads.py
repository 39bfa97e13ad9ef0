"""Heads: how many headers and how large, names of keys and buckets, and what two programs could read differently."""

import socket

from wire import (BUCKET, HOST, PORT, case, closes, control, exchange, good, key, more, refused, signed,
                  text, wants, Wrong)


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


def kernel_buffers():
    total = 0
    for name in ("tcp_rmem", "tcp_wmem"):
        with open("/proc/sys/net/ipv4/" + name) as f:
            total += int(f.read().split()[2])
    return total


@case("headers")
def an_endless_header(k):
    with socket.create_connection((HOST, PORT), timeout=60) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\na: ")
        sent, most = 0, (16 << 20) + kernel_buffers()
        try:
            while sent < 2 * most:
                sent += s.send(b"v" * 65536)
        except OSError:
            pass
        # 16 MiB are read and thrown away behind the refusal; the kernel holds more.
        if sent > most:
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
