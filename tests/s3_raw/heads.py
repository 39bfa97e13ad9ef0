"""Heads: headers, sub-resources that are not there, and what two programs could read differently."""

import re

from calls import a_user, body_of, upload
from wire import (BUCKET, EMPTY, HOST, KEPT, check, connect, head_bytes, is_error, kept, read_reply, s3, send,
                  send_raw, Signer, still_kept)


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
    reply = s3("DELETE", path, {"uploads": ""})
    check("DELETE ?uploads says that it was no setting", b"?uploads can't be changed here." in reply.body.replace(b"&apos;", b"'"), reply)
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
            sock.settimeout(30)
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


def group_odd_writes():
    """A query that means something, but not there or not so written, is none of the object or the bucket itself."""
    path, bucket = kept(), "/%s-empty" % BUCKET
    check("an empty bucket", s3("PUT", bucket).status == 200)
    is_error("DELETE ?partNumber", s3("DELETE", path, {"partNumber": "1"}), 400, "InvalidArgument")
    for name in ("uploadId", "versionId", "partNumber"):
        for method in ("PUT", "DELETE"):
            is_error("%s of a bucket's ?%s" % (method, name), s3(method, bucket, {name: "1"}), 400, "InvalidArgument")
    for name in ("ACL", "Acl", "Uploads", "versionid", "uploadID", "partnumber", "Tagging", "LEGAL-hold", "Delete", "VERSIONING"):
        for method, body in (("PUT", b"odd"), ("DELETE", b"")):
            for where in (path, bucket):
                is_error("%s %s?%s" % (method, where, name), s3(method, where, {name: "x"}, body), 400, "InvalidArgument")
        check("says how it is written", name.lower().encode() in s3("DELETE", path, {name: "x"}).body.lower(), name)
    check("a read with one", s3("GET", path, {"ACL": ""}).body == KEPT)
    check("a stranger learns nothing of it", s3("DELETE", path, {"ACL": ""}, signer=Signer(secret="x")).code == "SignatureDoesNotMatch")
    check("the bucket is there", s3("HEAD", bucket).status == 200)
    still_kept("after odd writes", path)
    for method, where in (("PUT", path), ("DELETE", path), ("DELETE", bucket)):
        check("%s %s with a name of nothing" % (method, where), s3(method, where, {"x-id": "Something", "foo": ""}).status < 300)


def group_keys_of_customers():
    """A read that brings a key for an object that is not encrypted is told so, as at AWS."""
    path = kept()
    key = {"x-amz-server-side-encryption-customer-algorithm": "AES256", "x-amz-server-side-encryption-customer-key": "a2V5",
           "x-amz-server-side-encryption-customer-key-MD5": "eA=="}
    for what, h in (("all", key), *((n, {n: v}) for n, v in key.items())):
        is_error("GET with %s" % what, s3("GET", path, headers=h), 400, "InvalidRequest")
        is_error("a presigned GET with %s" % what, send("GET", Signer().presign("GET", path, h), [("Host", HOST)]), 400, "InvalidRequest")
        check("HEAD with %s" % what, s3("HEAD", path, headers=h).status == 400)
        reply = s3("GET", path, {"attributes": ""}, headers=dict(h, **{"x-amz-object-attributes": "ETag"}))
        is_error("attributes with %s" % what, reply, 400, "InvalidRequest")
    is_error("of nothing", s3("GET", path + "-none", headers=key), 404, "NoSuchKey")
    still_kept("after all that", path)
