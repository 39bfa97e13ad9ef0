"""Everything that fsd gives out and takes back as its own, with every bit flipped: tokens.py PART. The parts are the functions below."""

import base64
import json
import os
import re
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from parallel import Admin, client  # noqa: E402
from s3 import S3  # noqa: E402
from sync import Sync  # noqa: E402

admin, s3 = Admin(), client()
api = Sync("127.0.0.1", int(os.environ["FSD_PORT"]), os.environ["FSD_TOKEN"])


def changed(text):
    """The text with each bit flipped, cut at each place, made longer, and in capitals, with what was done to it."""
    raw = text.encode()
    for bit in range(8 * len(raw)):
        bad = bytearray(raw)
        bad[bit // 8] ^= 1 << bit % 8
        yield bytes(bad), "bit %d" % bit
    for end in range(len(raw)):
        yield raw[:end], "cut to %d" % end
    yield raw + raw[-1:], "longer"
    yield raw.upper(), "in capitals"


def bucket(name):
    assert s3.request("PUT", "/" + name)[0] == 200


def put(path, body=b"x"):
    assert s3.request("PUT", path, body=body)[0] == 200, path


def element(body, name):
    found = re.search(rb"<%s>([^<]*)" % name.encode(), body)
    return found.group(1).decode() if found else None


def same(got, wanted, what):
    assert got in wanted, "%s: %s, not %s" % (what, got, wanted)


def refused(what, reply, wanted=((400, "InvalidArgument"),)):
    """Of S3. A NUL is refused before anybody asks what it stands in."""
    status, _, body = reply
    same((status, element(body, "Code")), tuple(wanted) + ((400, "InvalidURI"),), what)
    return body


# ---- S3

def page(path, token=None, **params):
    params = {"list-type": "2", "max-keys": "1", **{k.replace("_", "-"): v for k, v in params.items()}}
    if token is not None:
        params["continuation-token"] = token
    return s3.request("GET", path, params)


def objects():
    for name in ("tokens", "tokens-too"):
        bucket(name)
        for key in ("a", "d/1", "d/2", "e/1", "e/2", "z"):
            put("/%s/%s" % (name, key))
    listing = {"prefix": "", "delimiter": "/"}
    status, _, body = page("/tokens", max_keys="2", **listing)
    token = element(body, "NextContinuationToken")
    assert status == 200 and b"<Prefix>d/</Prefix>" in body and token
    for bad, how in changed(token):
        body = refused(how, page("/tokens", bad, **listing))
    assert b"The continuation token provided is incorrect: send the one of the page before" in body, body
    # Of another bucket, prefix or delimiter; a place that was made up.
    for path, other in (("/tokens-too", listing), ("/tokens--at-3", listing), ("/tokens", {"delimiter": "/", "prefix": "d/"}),
                        ("/tokens", {"prefix": ""}), ("/tokens", {"prefix": "", "delimiter": "1"}),
                        ("/tokens", {"prefix": "/", "delimiter": ""})):
        refused("%s with %s" % (path, other), page(path, token, **other))
    ticket, dot, _ = token.partition(".")
    for key in (b"a", b"z", b"", b"e/"):
        refused(key, page("/tokens", ticket + dot + base64.b64encode(key).decode(), **listing))
    for forged in ("", ".", ticket, ticket + dot, base64.b64encode(b"k" + bytes(8) + b"a").decode()):
        refused(forged, page("/tokens", forged, **listing))
    # What is no part of what it means may change.
    for more in ({}, {"max_keys": "9"}, {"fetch_owner": "true"}, {"encoding_type": "url"}, {"start_after": "z"}):
        status, _, body = page("/tokens", token, **listing, **more)
        assert status == 200 and b"<Prefix>e/</Prefix>" in body and b"<Prefix>d/</Prefix>" not in body, body


def parts():
    """A token tells of the past only to those with a role on all of the bucket, whoever it was given to."""
    ws = admin.good("POST", "/workspaces", {"name": "tokens-part", "historyMs": 86400000})["workspaceId"]
    for key in ("part/a", "part/b/1", "part/b/2", "part/c", "private/x"):
        put("/tokens-part/" + key)
    admin.good("POST", "/users", {"name": "partial"})
    made = admin.good("POST", "/users/partial/keys", {})
    partial = S3(s3.host, s3.port, made["accessKeyId"], made["secretAccessKey"])
    part, private = (api.call("GET", "/v1/lookup", workspaceId=ws, path=name)["id"] for name in ("part", "private"))
    admin.good("POST", "/workspaces/tokens-part/grants", {"user": "partial", "path": "part/", "role": "viewer"})

    def keys(who, token=None):
        params = {"list-type": "2", "prefix": "part/", **({"continuation-token": token} if token else {"max-keys": "1"})}
        status, _, body = who.request("GET", "/tokens-part", params)
        assert status == 200, body
        return re.findall(rb"<Key>([^<]*)", body), element(body, "NextContinuationToken")

    first, token = keys(partial)
    assert first == [b"part/a"] and token
    moved = api.call("GET", "/v1/lookup", workspaceId=ws, path="part/b")["id"]
    api.call("PATCH", "/v1/folders/" + moved, {"parentFolderId": private})
    assert keys(partial, token)[0] == [b"part/c"]
    assert keys(s3, token)[0] == [b"part/b/1", b"part/b/2", b"part/c"]
    # The same path, another folder, which was not given.
    api.call("PATCH", "/v1/folders/" + part, {"name": "given"})
    refused("what is there now", partial.request("GET", "/tokens-part", {"list-type": "2", "prefix": "part/", "continuation-token": token}),
            ((403, "AccessDenied"),))


def buckets():
    bucket("tokens-one")
    bucket("tokens-two")

    def ask(token=None, who=s3, **params):
        params = {"max-buckets": "1", "prefix": "tokens-", **params}
        return who.request("GET", "/", {**params, **({} if token is None else {"continuation-token": token})})

    token = element(ask()[2], "ContinuationToken")
    for bad, how in changed(token):
        if bad:
            refused(how, ask(bad))
    assert element(ask("")[2], "Name") == "tokens-one"
    refused("another prefix", ask(token, prefix="tokens"))
    refused("a name", ask("tokens-one"))
    bucket("tokens")
    put("/tokens/a")
    put("/tokens/b")
    refused("of a bucket", ask(element(page("/tokens")[2], "NextContinuationToken")))
    status, _, body = ask(token)
    assert status == 200 and b"<Name>tokens-two</Name>" in body, body


def uploads():
    """Two of the same key, one right after the other: their ids differ in the last bits."""
    bucket("tokens")
    bucket("tokens-too")
    gone = ((404, "NoSuchUpload"),)
    one, two = (element(s3.request("POST", "/tokens/key", {"uploads": ""})[2], "UploadId") for _ in range(2))
    other = element(s3.request("POST", "/tokens/other", {"uploads": ""})[2], "UploadId")
    assert one != two

    def part(upload, path="/tokens/key", body=b"mine"):
        return s3.request("PUT", path, {"partNumber": "1", "uploadId": upload}, body=body)

    def calls(upload, how, path="/tokens/key"):
        refused(how, part(upload, path, b"not mine"), gone)
        refused(how, s3.request("GET", path, {"uploadId": upload}), gone)
        refused(how, s3.request("DELETE", path, {"uploadId": upload}), gone)
        refused(how, s3.request("POST", path, {"uploadId": upload}, body=complete), gone)

    etag = [part(upload)[1]["etag"] for upload in (one, two)][0]
    complete = ("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part></CompleteMultipartUpload>" % etag).encode()
    for bad, how in changed(one):
        calls(bad, how)
        if bad:
            refused(how, s3.request("GET", "/tokens", {"uploads": "", "key-marker": "key", "upload-id-marker": bad}))
    for upload, path in ((other, "/tokens/key"), (one, "/tokens/other"), (one, "/tokens-too/key"), ("upl_1", "/tokens/key")):
        calls(upload, upload, path)
    for upload in (one, two):
        status, _, body = s3.request("GET", "/tokens/key", {"uploadId": upload})
        assert status == 200 and body.count(b"<Part>") == 1 and etag.strip('"').encode() in body, body
    # The markers of one page lead to the next, whatever became of the upload that they name.
    seen, markers = [], {}
    while markers is not None:
        status, _, body = s3.request("GET", "/tokens", {"uploads": "", "max-uploads": "1", **markers})
        assert status == 200, body
        seen.append(element(body, "UploadId"))
        markers = {"key-marker": element(body, "NextKeyMarker"), "upload-id-marker": element(body, "NextUploadIdMarker")} \
            if element(body, "IsTruncated") == "true" else None
        if len(seen) == 1:
            assert s3.request("DELETE", "/tokens/key", {"uploadId": seen[0]})[0] == 204
    assert seen == [one, two, other], seen
    assert s3.request("POST", "/tokens/key", {"uploadId": two}, body=complete)[0] == 200
    assert s3.request("GET", "/tokens/key")[2] == b"mine"


# ---- the JSON API

def json_refused(wanted, target, how, authorize=True):
    status, _, body = api.raw("GET", target, authorize=authorize)
    same((status, json.loads(body)["error"]["code"]), ((400, "invalid_request"),) + wanted, how)


def quoted(raw):
    return urllib.parse.quote(raw, safe="")


def sync():
    """Cursors, marks of the tree's pages and download URLs; those of uploads are with the uploads."""
    ws = admin.good("POST", "/workspaces", {"name": "tokens-sync"})["workspaceId"]
    for i in range(4):
        put("/tokens-sync/k%d" % i)
    cursor = api.call("GET", "/v1/changes", cursor="begin", workspaceId=ws, limit=1)["nextCursor"]
    mark = api.call("GET", "/v1/tree", workspaceId=ws, limit=1)["nextPage"]
    file = api.call("GET", "/v1/lookup", workspaceId=ws, path="k0")["id"]
    url = urllib.parse.urlsplit(api.call("GET", "/v1/files/%s/download" % file)["downloadUrl"])
    ticket = urllib.parse.parse_qs(url.query)["ticket"][0]
    for text, target, wanted, authorize in (
            (cursor, "/v1/changes?cursor=", ((400, "cursor_invalid"),), True),
            (mark, "/v1/tree?workspaceId=%s&limit=1&page=" % ws, (), True),
            (ticket, url.path + "?ticket=", ((403, "ticket_invalid"),), False)):
        assert api.raw("GET", target + text, authorize=authorize)[0] == 200
        for bad, how in changed(text):
            json_refused(wanted, target + quoted(bad), "%s: %s" % (target, how), authorize)
    # Each of its own kind alone.
    json_refused(((400, "cursor_invalid"),), "/v1/changes?cursor=" + mark, "a mark as a cursor")
    json_refused((), "/v1/tree?workspaceId=%s&page=%s" % (ws, cursor), "a cursor as a mark")
    other = admin.good("POST", "/workspaces", {"name": "tokens-sync-too"})["workspaceId"]
    json_refused((), "/v1/tree?workspaceId=%s&page=%s" % (other, mark), "a mark of another workspace")


def positions():
    """What a listing calls `next` is no token: a place in it, of which any may be named, and one that is none is refused."""
    ws = admin.good("POST", "/workspaces", {"name": "tokens-next"})["workspaceId"]
    for i in range(3):
        put("/tokens-next/k%d" % i)
    root = api.call("GET", "/v1/workspaces/" + ws)["rootFolderId"]
    first = api.call("GET", "/v1/folders/%s/children" % root, limit=1)
    rest = api.call("GET", "/v1/folders/%s/children" % root, after=first["next"])
    made_up = api.call("GET", "/v1/folders/%s/children" % root, after="k0zzz")
    assert [e["name"] for e in rest["entries"]] == [e["name"] for e in made_up["entries"]] == ["k1", "k2"], (first, rest, made_up)
    file = rest["entries"][0]["id"]
    for target in ("/v1/trash?workspaceId=%s&after=" % ws, "/v1/workspaces?after=", "/v1/files/%s/versions?after=" % file,
                   "/v1/workspaces/%s?after=" % ws):
        for bad in ("nonsense", "1", "1.", "-1.1", "own", "shared-x", "ver_", "%FF"):
            json_refused((), target + bad, target + bad)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
