"""Bucket versioning with raw requests: what no client library sends, and exactly which headers come back.

versioning.py GROUP; the store is the environment's (lib/parallel.py).
"""

import base64
import hashlib
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from parallel import Admin, client, code  # noqa: E402

s3 = client()
XML = '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">%s</VersioningConfiguration>'


def ask(method, path, params=None, body=None, headers=None, want=200, error=None):
    """(headers, body) of a request that must be answered so."""
    status, got, data = s3.request(method, path, params, body, headers)
    if status != want or (error and method != "HEAD" and code(data) != error):
        raise AssertionError("%s %s %s %s: %d %s" % (method, path, params, headers, status, data[:300]))
    return got, data


def configure(bucket, inner, want=200, error=None, headers=None):
    body = inner if inner.startswith("<V") or not inner.startswith("<") else XML % inner
    return ask("PUT", "/" + bucket, {"versioning": ""}, body.encode(), headers, want, error)


def switch(bucket, status):
    configure(bucket, "<Status>%s</Status>" % status)


def put(path, body):
    return ask("PUT", path, body=body)[0].get("x-amz-version-id")


def same(found, wanted):
    if found != wanted:
        raise AssertionError("found %.300r, wanted %.300r" % (found, wanted))


def group_configuration():
    ask("PUT", "/conf-test")
    same(b"<Status>" in ask("GET", "/conf-test", {"versioning": ""})[1], False)
    for inner, want, error in (
            ("", 400, "MissingRequestBodyError"), ("nonsense", 400, "MalformedXML"), ("<Versioning/>", 400, "MalformedXML"),
            ("<Status>enabled</Status>", 400, "MalformedXML"), ("<Status></Status>", 400, "MalformedXML"),
            ("<Status>Disabled</Status>", 400, "MalformedXML"), ("<Other>1</Other>", 400, "MalformedXML"),
            ("<Status>Enabled</Status><Status>Enabled</Status>", 400, "MalformedXML"),
            ("<MfaDelete>Disabled</MfaDelete>", 400, "IllegalVersioningConfigurationException"),
            ("<Status>Enabled</Status><MfaDelete>disabled</MfaDelete>", 400, "MalformedXML"),
            ("<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>", 501, "NotImplemented")):
        configure("conf-test", inner, want, error)
    configure("conf-test", XML % "", 400, "IllegalVersioningConfigurationException")
    md5 = base64.b64encode(hashlib.md5(b"another").digest()).decode()
    configure("conf-test", "<Status>Enabled</Status>", 400, "BadDigest", {"content-md5": md5})
    same(b"<Status>" in ask("GET", "/conf-test", {"versioning": ""})[1], False)
    configure("no-such-bucket", "<Status>Enabled</Status>", 404, "NoSuchBucket")
    for status in ("Suspended", "Enabled", "Enabled", "Suspended"):
        configure("conf-test", "<Status>%s</Status><MfaDelete>Disabled</MfaDelete>" % status)
        same(re.findall(rb"<Status>(.*)</Status>", ask("GET", "/conf-test", {"versioning": ""})[1]), [status.encode()])
    ask("DELETE", "/conf-test", {"versioning": ""}, want=501, error="NotImplemented")
    ask("DELETE", "/conf-test", {"versions": ""}, want=501, error="NotImplemented")
    ask("HEAD", "/conf-test")
    ask("DELETE", "/conf-test", want=204)


def group_headers():
    """x-amz-version-id and x-amz-delete-marker of each call in each state."""
    ask("PUT", "/head-test")
    path = "/head-test/k"

    def seen(method, params=None, body=None, headers=None, want=200):
        got = ask(method, path, params, body, headers, want)[0]
        return got.get("x-amz-version-id"), got.get("x-amz-delete-marker")
    same(seen("PUT", body=b"1"), (None, None))
    same(seen("GET"), (None, None))
    same(seen("GET", {"versionId": "null"}), (None, None))
    same(seen("DELETE", want=204), (None, None))
    same(seen("HEAD", want=404), (None, None))
    same(seen("PUT", body=b"null"), (None, None))
    switch("head-test", "Enabled")
    same(seen("HEAD"), ("null", None))
    one = seen("PUT", body=b"one")[0]
    same(bool(re.fullmatch("[0-9a-f]{32}", one)), True)
    for params in (None, {"versionId": one}):
        same((seen("GET", params), seen("HEAD", params)), ((one, None), (one, None)))
    same(seen("GET", headers={"range": "bytes=1-1"}, want=206), (one, None))
    same(seen("GET", headers={"if-none-match": "*"}, want=304), (one, None))
    copied = ask("PUT", "/head-test/c", headers={"x-amz-copy-source": "head-test/k?versionId=null"})[0]
    same((copied["x-amz-copy-source-version-id"], len(copied["x-amz-version-id"])), ("null", 32))
    marker, flag = seen("DELETE", want=204)
    same((len(marker), flag), (32, "true"))
    same((seen("GET", want=404), seen("HEAD", want=404)), ((marker, "true"), (marker, "true")))
    same((seen("GET", {"versionId": marker}, want=405), seen("HEAD", {"versionId": marker}, want=405)), ((marker, "true"),) * 2)
    same(seen("GET", {"tagging": ""}, want=404), (marker, "true"))
    same(seen("GET", {"tagging": "", "versionId": marker}, want=405), (marker, "true"))
    same(seen("DELETE", {"versionId": marker}, want=204), (marker, "true"))
    same(seen("DELETE", {"versionId": marker}, want=204), (marker, None))
    same(seen("DELETE", {"versionId": one}, want=204), (one, None))
    same(seen("GET"), ("null", None))
    switch("head-test", "Suspended")
    same(seen("PUT", body=b"null again"), (None, None))
    same(seen("GET"), ("null", None))
    same(ask("PUT", "/head-test/c", headers={"x-amz-copy-source": "head-test/k"})[0].get("x-amz-version-id"), None)
    same(seen("DELETE", want=204), ("null", "true"))
    same(seen("GET", want=404), ("null", "true"))
    same(seen("GET", {"versionId": "null"}, want=405), ("null", "true"))
    same(seen("DELETE", {"versionId": "null"}, want=204), ("null", "true"))
    same(seen("DELETE", {"versionId": "null"}, want=204), ("null", None))


def group_conditions():
    """Of a versioned object: If-Match of a write and of a deletion are of the current version."""
    ask("PUT", "/cond-test")
    path = "/cond-test/k"
    for name in ("missing", '"missing"', "*"):
        ask("DELETE", path, headers={"if-match": name}, want=404, error="NoSuchKey")
    switch("cond-test", "Enabled")
    old = '"%s"' % hashlib.md5(b"old").hexdigest()
    new = '"%s"' % hashlib.md5(b"new").hexdigest()
    first = put(path, b"old")
    ask("PUT", path, body=b"x", headers={"if-none-match": "*"}, want=412, error="PreconditionFailed")
    second = ask("PUT", path, body=b"new", headers={"if-match": old})[0]["x-amz-version-id"]
    ask("PUT", path, body=b"x", headers={"if-match": old}, want=412, error="PreconditionFailed")
    ask("GET", path, {"versionId": first}, headers={"if-match": old})
    ask("GET", path, {"versionId": first}, headers={"if-match": new}, want=412, error="PreconditionFailed")
    ask("GET", path, {"versionId": first}, headers={"if-none-match": old}, want=304)
    ask("PUT", "/cond-test/c", headers={"x-amz-copy-source": "cond-test/k?versionId=" + first, "x-amz-copy-source-if-match": new},
        want=412, error="PreconditionFailed")
    ask("DELETE", path, headers={"if-match": old}, want=412, error="PreconditionFailed")
    for version in (first, second):
        ask("DELETE", path, {"versionId": version}, headers={"if-match": new}, want=501, error="NotImplemented")
    same(ask("GET", path)[0]["x-amz-version-id"], second)
    same(ask("DELETE", path, headers={"if-match": new}, want=204)[0]["x-amz-delete-marker"], "true")
    for tag in (new, "*"):
        ask("DELETE", path, headers={"if-match": tag}, want=404, error="NoSuchKey")
        ask("PUT", path, body=b"x", headers={"if-match": tag}, want=404, error="NoSuchKey")
    third = ask("PUT", path, body=b"third", headers={"if-none-match": "*"})[0]["x-amz-version-id"]
    same(len({first, second, third}), 3)
    body = ("<Delete><Object><Key>k</Key><VersionId>%s</VersionId><ETag>x</ETag></Object><Object><Key>none</Key><ETag>x</ETag></Object>"
            "<Object><Key>k</Key><ETag>%s</ETag></Object></Delete>" % (third, new)).encode()
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    reply = ask("POST", "/cond-test", {"delete": ""}, body, {"content-md5": md5})[1]
    same(re.findall(rb"<Code>(.*?)</Code>", reply), [b"NotImplemented", b"NoSuchKey", b"PreconditionFailed"])
    # One key that fails is no error of the request.
    body = b"<Delete><Object><Key>k</Key><ETag>x</ETag></Object></Delete>"
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    reply = ask("POST", "/cond-test", {"delete": ""}, body, {"content-md5": md5})[1]
    same(re.findall(rb"<Code>(.*?)</Code>", reply), [b"PreconditionFailed"])
    same(ask("GET", path)[1], b"third")


def group_ids():
    """Version ids that are none, another key's, or where none belongs."""
    ask("PUT", "/ids-test")
    switch("ids-test", "Enabled")
    mine, other = put("/ids-test/a", b"a"), put("/ids-test/b", b"b")
    for text in ("", "x", "NULL", "0" * 32, mine[:-1], mine + "0", mine[:-1] + ("0" if mine[-1] != "0" else "1")):
        for method in ("GET", "HEAD", "DELETE"):
            ask(method, "/ids-test/a", {"versionId": text}, want=400, error="InvalidArgument")
        ask("PUT", "/ids-test/c", headers={"x-amz-copy-source": "ids-test/a?versionId=" + text}, want=400, error="InvalidArgument")
    for version in (other, "null"):
        for method in ("GET", "HEAD"):
            ask(method, "/ids-test/a", {"versionId": version}, want=404, error="NoSuchVersion")
        ask("PUT", "/ids-test/c", headers={"x-amz-copy-source": "ids-test/a?versionId=" + version}, want=404, error="NoSuchVersion")
        same(ask("DELETE", "/ids-test/a", {"versionId": version}, want=204)[0]["x-amz-version-id"], version)
    ask("GET", "/ids-test/none", {"versionId": mine}, want=404, error="NoSuchVersion")
    ask("PUT", "/ids-test/a", {"versionId": mine}, b"x", want=400, error="InvalidArgument")
    ask("PUT", "/ids-test/a", {"versionId": mine}, headers={"x-amz-copy-source": "ids-test/b"}, want=400, error="InvalidArgument")
    same((ask("GET", "/ids-test/a")[1], ask("GET", "/ids-test/b", {"versionId": other})[1]), (b"a", b"b"))
    same(ask("GET", "/ids-test", {"versions": ""})[1].count(b"<Version>"), 2)


def group_feed():
    """What the feed tells of versions, and that history and trash take no part in them."""
    admin = Admin()
    admin.good("POST", "/workspaces", {"name": "feed-test", "historyMs": 86400000})
    cursor = "begin"

    def told():
        nonlocal cursor
        page = admin.good("GET", "/workspaces/feed-test/changes?cursor=%s&limit=100" % cursor)
        cursor = page["nextCursor"]
        return [c["eventType"] for c in page["changes"]]

    def file_of():
        page = admin.good("GET", "/workspaces/feed-test/changes?cursor=begin&limit=1000")
        return [c["id"] for c in page["changes"] if c.get("path") == "k"][-1]
    put("/feed-test/k", b"trash")
    trash = file_of()
    ask("DELETE", "/feed-test/k", want=204)
    same(told(), ["FILE_CREATED", "FILE_DELETED"])
    put("/feed-test/k", b"one")
    same(file_of() == trash, False)
    same(told(), ["FILE_CREATED"])
    live = file_of()
    same(ask("GET", "/feed-test", {"versions": ""})[1].count(b"<Version>"), 1)
    switch("feed-test", "Enabled")
    same(told(), [])
    two = put("/feed-test/k", b"two")
    marker = ask("DELETE", "/feed-test/k", want=204)[0]["x-amz-version-id"]
    same(told(), ["FILE_VERSION_COMMITTED", "FILE_DELETED"])
    ask("DELETE", "/feed-test/k", {"versionId": marker}, want=204)
    same(told(), ["FILE_RESTORED"])
    ask("DELETE", "/feed-test/k", {"versionId": two}, want=204)
    same(told(), ["FILE_VERSION_COMMITTED"])
    ask("DELETE", "/feed-test/k", want=204)
    put("/feed-test/k", b"three")
    same(told(), ["FILE_DELETED", "FILE_RESTORED"])
    same(file_of(), live)
    ask("DELETE", "/feed-test/k", {"versionId": "null"}, want=204)
    same(told(), ["FILE_METADATA_CHANGED"])
    # The trash has what was deleted before versioning, and of what was destroyed by its id nothing.
    shown = admin.good("GET", "/workspaces/feed-test")
    same((shown["bytes"], shown["noncurrentBytes"], shown["historyBytes"]), (5, 0, 5))


def group_null():
    """Where versioning never was, DELETE of the version "null" is DELETE: to the trash, and the past stays readable."""
    admin = Admin()
    admin.good("POST", "/workspaces", {"name": "null-test", "historyMs": 86400000})
    for key in ("boss", "one", "two"):
        put("/null-test/" + key, b"12345")
    then = "/null-test--at-3/"
    same(ask("DELETE", "/null-test/one", {"versionId": "null"}, want=204)[0].get("x-amz-version-id"), "null")
    same(ask("DELETE", "/null-test/one", {"versionId": "null"}, want=204)[0].get("x-amz-version-id"), "null")
    body = b"<Delete><Object><Key>two</Key><VersionId>null</VersionId></Object></Delete>"
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    reply = ask("POST", "/null-test", {"delete": ""}, body, {"content-md5": md5})[1]
    same((reply.count(b"<Deleted>"), reply.count(b"<VersionId>null</VersionId>"), b"DeleteMarker" in reply), (1, 1, False))
    for key in ("one", "two"):
        ask("GET", "/null-test/" + key, want=404, error="NoSuchKey")
        same(ask("GET", then + key)[1], b"12345")
    same(ask("GET", then + "boss")[1], b"12345")
    shown = admin.good("GET", "/workspaces/null-test")
    same((shown["bytes"], shown["historyBytes"]), (5, 10))
    page = admin.good("GET", "/workspaces/null-test/changes?cursor=begin&limit=100")
    same([c["eventType"] for c in page["changes"]][-2:], ["FILE_DELETED"] * 2)


def group_quota():
    Admin().good("POST", "/workspaces", {"name": "full-test", "historyMs": 0, "quotaBytes": 100})
    switch("full-test", "Enabled")
    first = put("/full-test/k", b"x" * 60)
    put("/full-test/k", b"x" * 40)
    ask("PUT", "/full-test/k", body=b"x", want=403, error="QuotaExceeded")
    ask("DELETE", "/full-test/k", want=204)
    ask("PUT", "/full-test/k", body=b"x", want=403, error="QuotaExceeded")
    ask("DELETE", "/full-test/k", {"versionId": first}, want=204)
    put("/full-test/k", b"x" * 60)


def group_emptying():
    """A bucket with nothing but versions, or nothing but markers, is not empty."""
    ask("PUT", "/left-test")
    switch("left-test", "Enabled")
    version = put("/left-test/d/k", b"x")
    marker = ask("DELETE", "/left-test/d/k", want=204)[0]["x-amz-version-id"]
    same(b"<Contents>" in ask("GET", "/left-test", {"list-type": "2"})[1], False)
    for gone in (version, marker):
        same(b"all versions" in ask("DELETE", "/left-test", want=409, error="BucketNotEmpty")[1], True)
        ask("DELETE", "/left-test/d/k", {"versionId": gone}, want=204)
    ask("DELETE", "/left-test", want=204)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        globals()["group_" + sys.argv[1]]()
    else:
        print("\n".join(sorted(n[6:] for n in globals() if n.startswith("group_"))))
