"""GET /v1/tree, as tests/63_past_tree.bats calls it: past_tree.py TEST WORKSPACE-NAME WORKSPACE-ID.

Environment: FSD_URL, FSD_TOKEN, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY; OTHER_TOKEN of somebody who was given in/ and out/one.
"""

import datetime
import json
import os
import random
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from s3 import S3  # noqa: E402

URL = os.environ["FSD_URL"]
NAME, WORKSPACE = sys.argv[2:4]


def same(found, wanted):
    if found != wanted:
        raise AssertionError("found %.600r, wanted %.600r" % (found, wanted))


def s3():
    host, port = URL.split("//")[1].split(":")
    return S3(host, int(port), os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])


def call(token=None, **query):
    """Status and document."""
    request = urllib.request.Request(URL + "/v1/tree?" + urllib.parse.urlencode(query), headers={
        "Authorization": "Bearer " + (token or os.environ["FSD_TOKEN"])})
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as e:
        return e.code, json.load(e)


def pages(**query):
    """All entries, the sequence, and the cursor."""
    entries, page = [], {}
    while True:
        status, doc = call(workspaceId=WORKSPACE, **query, **page)
        same(status, 200)
        entries += doc["entries"]
        same(len(doc["entries"]) <= int(query.get("limit", 1000)), True)
        if doc["nextPage"] is None:
            same(doc["nextCursor"][:4], "cur_")
            return entries, doc["sequence"], doc["nextCursor"]
        same(doc["nextCursor"], None)
        page = {"page": doc["nextPage"]}


def put(c, key, body=b"x", **headers):
    status, _, text = c.request("PUT", "/%s/%s" % (NAME, key), body=body, headers=headers)
    same((status, text), (200, b""))


def delete(c, key):
    same(c.request("DELETE", "/%s/%s" % (NAME, key))[0], 204)


def paths(entries):
    return sorted(e["path"] + ("/" if e["kind"] == "folder" else "") for e in entries)


def shape():
    c = s3()
    put(c, "a/b/file", b"hello", **{"x-amz-meta-mtime": "1700000000.5", "x-amz-meta-mode": "0644", "content-type": "text/x"})
    put(c, "a/", b"")
    put(c, "top", b"1")
    entries, sequence, _ = pages()
    by_path = {e["path"]: e for e in entries}
    same(sorted(by_path), ["a", "a/b", "a/b/file", "top"])
    f = by_path["a/b/file"]
    same((f["kind"], f["name"], f["sizeBytes"], f["contentType"], f["mode"], f["mtime"], f["workspaceId"], f["syncable"]),
         ("file", "file", 5, "text/x", "0644", "2023-11-14T22:13:20.500000Z", WORKSPACE, True))
    same(f["contentHash"], "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
    same(f["parentFolderId"], by_path["a/b"]["id"])
    same(by_path["a/b"]["parentFolderId"], by_path["a"]["id"])
    same((by_path["a"]["explicit"], by_path["a/b"]["explicit"]), (True, False))
    same(f["versionId"][:4] + f["id"][:5], "ver_file_")
    for e in entries:
        lookup = urllib.request.Request(URL + "/v1/lookup?" + urllib.parse.urlencode(
            {"workspaceId": WORKSPACE, "path": e["path"]}), headers={"Authorization": "Bearer " + os.environ["FSD_TOKEN"]})
        with urllib.request.urlopen(lookup, timeout=60) as reply:
            now = json.load(reply)
        # A folder's row keeps its own count of changes.
        if e["kind"] == "folder":
            now["sequence"] = e["sequence"]
        same(e, now)
    put(c, "a/b/file", b"other")
    delete(c, "top")
    same(paths(pages()[0]), ["a/", "a/b/", "a/b/file"])
    then = {e["path"]: e for e in pages(at=sequence)[0]}
    same(then, by_path)
    same([e["path"] for e in pages(folderId=by_path["a/b"]["id"])[0]], ["a/b/file"])
    same(paths(pages(folderId=by_path["a"]["id"])[0]), ["a/b/", "a/b/file"])
    same(pages(at=0)[0], [])
    # A folder that was there then, or is there now; another is none.
    deleted = by_path["a/b"]["id"]
    delete(c, "a/b/file")
    same([e["path"] for e in pages(folderId=deleted, at=sequence)[0]], ["a/b/file"])
    same(pages(folderId=by_path["a"]["id"], at=0)[0], [])
    same(c.request("PUT", "/tree-foreign")[0], 200)
    request = urllib.request.Request(URL + "/v1/workspaces", headers={"Authorization": "Bearer " + os.environ["FSD_TOKEN"]})
    with urllib.request.urlopen(request, timeout=60) as reply:
        foreign = next(w["rootFolderId"] for w in json.load(reply)["workspaces"] if w["name"] == "tree-foreign")
    for folder, more in ((deleted, {}), (deleted, {"at": 0}), ("fld_1", {"at": sequence}), (foreign, {"at": sequence}), (foreign, {})):
        status, doc = call(workspaceId=WORKSPACE, folderId=folder, **more)
        same((status, doc["error"]["code"]), (404, "not_found"))


def names():
    c = s3()
    for key in ("..", "a//b", "line%0Afeed", "x" * 300, "k" * 1000 + "/f", "z"):
        put(c, urllib.parse.unquote(key))
    entries, _, _ = pages(limit=1)
    same(len(entries), 9)
    odd = {e["name"]: e for e in entries if not e["syncable"]}
    same(sorted(len(n) for n in odd), [0, 2, 9, 300, 1000])
    same(odd[".."]["nameBase64"], "Li4=")
    same(all(e["reason"] for e in odd.values()), True)


def refusals():
    c = s3()
    put(c, "a")
    put(c, "b")
    status, doc = call(workspaceId=WORKSPACE, limit=1)
    same(status, 200)
    page = doc["nextPage"]
    for bad in (page[:-1] + ("0" if page[-1] != "0" else "1"), page + "00", "pag_", "x", "cur_00"):
        same((call(workspaceId=WORKSPACE, page=bad)[0], call(workspaceId=WORKSPACE, page=bad)[1]["error"]["code"]),
             (400, "invalid_request"))
    # A page goes on with its own listing alone; what that asked for may stand beside it, as it did.
    put(c, "d/e/x")
    put(c, "d/y")
    entries, sequence, _ = pages()
    top, below = ({e["path"]: e["id"] for e in entries}[p] for p in ("d", "d/e"))
    moment = datetime.datetime.now(datetime.timezone.utc)
    time, later = (t.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for t in (moment, moment + datetime.timedelta(microseconds=1)))
    for first, others in (({}, ({"folderId": top}, {"at": sequence}, {"at": time})),
                          ({"folderId": top}, ({"folderId": below}, {"at": sequence}, {"at": time})),
                          ({"at": sequence}, ({"at": sequence - 1}, {"at": time}, {"folderId": top})),
                          ({"at": time}, ({"at": later}, {"at": sequence}, {"folderId": top}))):
        status, doc = call(workspaceId=WORKSPACE, limit=1, **first)
        same(status, 200)
        for other in others:
            status, refused = call(workspaceId=WORKSPACE, page=doc["nextPage"], **{**first, **other})
            same((status, refused.get("error", {}).get("code")), (400, "invalid_request"))
        same(call(workspaceId=WORKSPACE, page=doc["nextPage"], **first), call(workspaceId=WORKSPACE, page=doc["nextPage"]))
    for query, code in (({"at": "x"}, (400, "invalid_request")), ({"at": "99"}, (400, "invalid_request")),
                        ({"at": "2999-01-01T00:00:00Z"}, (400, "invalid_request")), ({"limit": "10001"}, (400, "invalid_request")),
                        ({"folderId": "fld_1"}, (404, "not_found")), ({"folderId": "x"}, (400, "invalid_request"))):
        status, doc = call(workspaceId=WORKSPACE, **query)
        same((status, doc["error"]["code"]), code)
    same(call()[0], 400)
    same(call(workspaceId="ws_1")[0], 404)
    same(call(token=os.environ["OTHER_TOKEN"], workspaceId=WORKSPACE)[0], 404)


def horizon():
    """No history: what is replaced is gone, and says so; a listing that began goes on."""
    c = s3()
    for key in ("a", "b", "c"):
        put(c, key)
    status, doc = call(workspaceId=WORKSPACE, limit=1)
    same(paths(doc["entries"]), ["a"])
    put(c, "a", b"new")
    status, gone = call(workspaceId=WORKSPACE, at=3)
    same((status, gone["error"]["code"], gone["error"]["oldestSequence"]), (410, "expired", 4))
    status, rest = call(workspaceId=WORKSPACE, page=doc["nextPage"])
    same((status, rest["sequence"], paths(rest["entries"])), (200, 3, ["b", "c"]))


def partial():
    """OTHER_TOKEN sees in/ and out/one, and nothing of what is above them."""
    c = s3()
    other = os.environ["OTHER_TOKEN"]
    put(c, "in/deep/b")
    put(c, "secret/in/x")
    for limit in (1, 1000):
        entries = pages(token=other, limit=limit)[0]
        same(paths(entries), ["in/", "in/a", "in/deep/", "in/deep/b", "one"])
    before = call(workspaceId=WORKSPACE)[1]["sequence"]
    delete(c, "in/a")
    delete(c, "out/two")
    same(paths(pages(token=other)[0]), ["in/", "in/deep/", "in/deep/b", "one"])
    then = pages(token=other, at=before)[0]
    same(paths(then), ["in/", "in/a", "in/deep/", "in/deep/b", "one"])
    same("secret" in json.dumps(then), False)


def changing():
    """However long the paging takes, it is one tree: that of its sequence."""
    c, stop, failed = s3(), threading.Event(), []
    for i in range(300):
        put(c, "d%d/f%d" % (i % 20, i))

    def churn(seed):
        own, dice = s3(), random.Random(seed)
        try:
            while not stop.is_set():
                key = "d%d/f%d" % (dice.randrange(25), dice.randrange(350))
                put(own, key, b"%d" % dice.randrange(1000)) if dice.random() < 0.6 else delete(own, key)
        except Exception as e:      # noqa: BLE001
            failed.append(e)

    threads = [threading.Thread(target=churn, args=(i,)) for i in range(3)]
    for t in threads:
        t.start()
    try:
        for _ in range(5):
            entries, sequence, _ = pages(limit=17)
            ids = [e["id"] for e in entries]
            same(len(set(ids)), len(ids))
            again, _, _ = pages(limit=10000, at=sequence)
            same(sorted(entries, key=lambda e: e["id"]), sorted(again, key=lambda e: e["id"]))
            same(max(e["sequence"] for e in entries) <= sequence, True)
    finally:
        stop.set()
        for t in threads:
            t.join()
    same(failed, [])


globals()[sys.argv[1]]()
