"""Calls that several groups make: with checksums, in chunks, by parts, and by the administrator."""

import base64
import hashlib
import json
import os
import re
import struct
import zlib

from wire import BUCKET, HOST, TOKEN, check, head_bytes, s3, send, Signer, target_of


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


def admin(method, path, document=None):
    body = json.dumps(document).encode() if document is not None else b""
    h = [("Host", HOST), ("Authorization", "Bearer " + TOKEN), ("Content-Type", "application/json")]
    return send(method, "/v1/admin" + path, h, body)


def body_of(reply, root="GetObjectAttributesResponse"):
    """What stands in the root element of a reply of 200."""
    found = re.search(rb"<%s xmlns=[^>]*>(.*)</%s>$" % (root.encode(), root.encode()), reply.body)
    return found.group(1).decode() if found and reply.status == 200 else repr(reply)


def a_user(name, role=None):
    """Who signs for a new user, with that role in the bucket."""
    name += str(os.getpid())
    check("make a user", admin("POST", "/users", {"name": name}).status in (200, 201))
    made = json.loads(admin("POST", "/users/%s/keys" % name).body)
    if role:
        grant = {"path": "", "user": name, "role": role}
        check("grant", admin("POST", "/workspaces/%s/grants" % BUCKET, grant).status in (200, 201))
    return lambda: Signer(key=made["accessKeyId"], secret=made["secretAccessKey"])
