"""Who sends it: signatures, presigned URLs, and what they are permitted."""

import base64
import datetime
import hashlib
import hmac
import json
import os
import re
import time

from calls import CHECKSUMS, admin, b64, upload
from wire import (BUCKET, EMPTY, HOST, KEPT, KEY, SECRET, TOKEN, check, connect, head_bytes, is_error, kept,
                  presign_v2, read_reply, s3, send, Signer, still_kept)


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


def group_hoisted():
    """What a presigned URL says in its query of a copy or a condition is never passed over by a write."""
    path, host, etag = kept(), [("Host", HOST)], '"%s"' % hashlib.md5(KEPT).hexdigest()
    other = "/%s/source" % BUCKET
    check("a source", s3("PUT", other, body=b"source").status == 200)
    upload_id, _ = upload(path + "-up", {1: b"part"})
    part = {"uploadId": upload_id, "partNumber": "1"}
    for params in ({}, part):
        where = path + "-up" if params else path
        for name in ("x-amz-copy-source", "X-Amz-Copy-Source"):
            reply = send("PUT", Signer().presign("PUT", where, dict(params, **{name: other})), host, b"body")
            is_error("%s in a URL, %s" % (name, sorted(params)), reply, 501, "NotImplemented")
        for name, value in (("x-amz-copy-source-range", "bytes=0-1"), ("x-amz-copy-source-if-match", etag)):
            reply = send("PUT", Signer().presign("PUT", where, dict(params, **{name: value})), host, b"body")
            is_error("%s in a URL without a source, %s" % (name, sorted(params)), reply, 400, "InvalidRequest")
            reply = s3("PUT", where, params, b"body", {name: value})
            is_error("%s without a source, %s" % (name, sorted(params)), reply, 400, "InvalidRequest")
    reply = s3("PUT", path, headers={"x-amz-copy-source": other, "x-amz-copy-source-range": "bytes=0-1"})
    is_error("a copy of a part of an object", reply, 501, "NotImplemented")
    for name, value in (("if-match", '"bad"'), ("If-Match", etag), ("If-None-Match", "*"), ("if-unmodified-since", "x")):
        for method in ("PUT", "DELETE"):
            reply = send(method, Signer().presign(method, path, {name: value}), host, b"body" if method == "PUT" else b"")
            is_error("%s in the URL of a %s" % (name, method), reply, 501, "NotImplemented")
    reply = send("PUT", presign_v2("PUT", path, int(time.time()) + 300) + "&if-none-match=*", host, b"body")
    is_error("If-None-Match in a URL of version 2", reply, 501, "NotImplemented")
    url = Signer().presign("PUT", path, {}, headers={"if-none-match": "*"})
    is_error("as a header", send("PUT", url, host + [("if-none-match", "*")], b"body"), 412, "PreconditionFailed")
    still_kept("after all that", path)
    parts = s3("GET", path + "-up", {"uploadId": upload_id}).body
    check("the part is what it was", hashlib.md5(b"part").hexdigest().encode() in parts, parts)


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
