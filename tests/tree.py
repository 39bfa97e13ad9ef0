"""Folders, files and the trash by the JSON API, next to S3: tree.py PART. The parts are the functions below."""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from api import Api  # noqa: E402
from parallel import Admin, client  # noqa: E402

api, admin, s3 = Api(), Admin(), client()


def workspace(name, versioning=None):
    made = admin.good("POST", "/workspaces", {"name": name})
    if versioning:
        assert s3.request("PUT", "/" + name, {"versioning": ""}, (
            "<VersioningConfiguration><Status>%s</Status></VersioningConfiguration>" % versioning).encode())[0] == 200
    return made["workspaceId"]


def put(bucket, key, text):
    assert s3.request("PUT", "/%s/%s" % (bucket, key), body=text.encode())[0] == 200


def get(bucket, key):
    status, _, body = s3.request("GET", "/%s/%s" % (bucket, key))
    return body.decode() if status == 200 else status


def user(name):
    admin.good("POST", "/users", {"name": name})
    return admin.good("POST", "/users/%s/tokens" % name, {})["token"]


def names(folder, **query):
    return [e["name"] for e in api.good("GET", "/folders/%s/children" % folder, **query)["entries"]]


def folders():
    ws = workspace("folders")
    made = api.good("POST", "/folders", {"workspaceId": ws, "parentFolderId": "root", "name": "a"})
    assert made["kind"] == "folder" and made["explicit"] and made["path"] == "a" and made["name"] == "a", made
    assert get("folders", "a/") == ""
    again = api.bad("409 already_exists", "POST", "/folders", {"workspaceId": ws, "parentFolderId": "root", "name": "a"})
    assert again["existingId"] == made["id"], again
    for name in ("", ".", "..", "x/y", "tab\there", "n" * 256):
        api.bad("400 invalid_name", "POST", "/folders", {"workspaceId": ws, "parentFolderId": "root", "name": name})
    api.bad("400 invalid_request", "POST", "/folders", {"workspaceId": ws, "parentFolderId": "root", "nmae": "x"})
    api.bad("404 not_found", "POST", "/folders", {"parentFolderId": "fld_" + ws[3:], "name": "x"})
    put("folders", "a/b/c", "see")
    assert get("folders", "a/b/c") == "see"
    b = api.find(ws, "a/b/")
    assert not b["explicit"] and b["parentFolderId"] == made["id"], b
    moved = api.good("PATCH", "/folders/" + b["id"], {"parentFolderId": "root", "name": "\u00e9t\u00e9"})
    assert moved["path"] == "\u00e9t\u00e9" and moved["id"] == b["id"], moved
    assert get("folders", "\u00e9t\u00e9/c") == "see" and get("folders", "a/b/c") == 404
    api.bad("409 would_cycle", "PATCH", "/folders/" + made["id"], {"parentFolderId": made["id"]})
    api.bad("400 invalid_request", "PATCH", "/folders/" + moved["parentFolderId"], {"name": "root2"})
    assert api.good("GET", "/folders/" + b["id"], minSequence=moved["sequence"])["name"] == "\u00e9t\u00e9"
    # A reply that was lost: the same key gives the same reply, and nothing happens twice.
    key = {"Idempotency-Key": "once"}
    first = api.good("DELETE", "/folders/" + b["id"], headers=key)
    assert api.good("DELETE", "/folders/" + b["id"], headers=key) == first and first["deleted"] == 1, first
    assert api.headers["idempotency-replayed"] == "true"
    api.bad("404 not_found", "DELETE", "/folders/" + b["id"])
    api.bad("404 not_found", "GET", "/folders/" + b["id"])
    api.bad("409 not_empty", "DELETE", "/folders/" + api.good("POST", "/folders", {
        "parentFolderId": api.good("POST", "/folders", {"parentFolderId": made["id"], "name": "in"})["parentFolderId"],
        "name": "in2"})["parentFolderId"], recursive="false")


def children():
    ws = workspace("children")
    for key in ("b", "B", "caf\u00e9", "cafe\u0301", "twin", "twin/x", "z/1", "ctl\x01", "..", "plain"):
        put("children", key, key)
    root = api.find(ws, "z/")["parentFolderId"]
    api.good("POST", "/folders", {"workspaceId": ws, "parentFolderId": "root", "name": "PLAIN"})
    page = api.good("GET", "/folders/%s/children" % root)
    entries = {(e["kind"], e["name"]): e for e in page["entries"]}
    assert page["next"] is None and len(entries) == 11, page
    assert [e["name"].encode() + (b"/" if e["kind"] == "folder" else b"") for e in page["entries"]] == sorted(
        e["name"].encode() + (b"/" if e["kind"] == "folder" else b"") for e in page["entries"])
    assert entries["file", "b"]["nameCollides"] == [entries["file", "B"]["id"]]
    assert entries["file", "plain"]["nameCollides"] == [entries["folder", "PLAIN"]["id"]]
    assert entries["file", "caf\u00e9"]["nameCollides"] == [entries["file", "cafe\u0301"]["id"]]
    assert "nameCollides" not in entries["folder", "z"] and entries["folder", "z"]["syncable"]
    for odd in (("file", "twin"), ("folder", "twin"), ("file", "ctl\x01"), ("file", "..")):
        assert entries[odd]["syncable"] is False and entries[odd]["reason"] and entries[odd]["nameBase64"], entries[odd]
    # Page by page.
    seen, after = [], None
    while True:
        page = api.good("GET", "/folders/%s/children" % root, limit=3, after=after)
        seen += [(e["kind"], e["name"]) for e in page["entries"]]
        after = page["next"]
        if after is None:
            break
    assert sorted(seen) == sorted(entries) and len(seen) == len(entries), seen
    assert names(root, prefix="caf") == ["cafe\u0301", "caf\u00e9"]
    # The marker of a folder is not among them; what sync can't carry can be renamed by its id.
    assert names(entries["folder", "PLAIN"]["id"]) == []
    assert api.good("PATCH", "/files/" + entries["file", ".."]["id"], {"name": "dots"})["syncable"]


def twins():
    """A file and a folder of one name: every answer says of both that sync can't carry them."""
    ws = workspace("twins")
    for key in ("d/x", "d/x-1", "d/x.d/y", "d/x/y", "d/x0", "d/z", "e/x", "x/y", "xy"):
        put("twins", key, key)
    wanted = {("file", "d/x"), ("folder", "d/x")}

    def odd(entries):
        bad = [e for e in entries if not e.get("syncable", e["path"] == "")]
        assert all(e["reason"] and e["nameBase64"] for e in bad), bad
        return {(e["kind"], e["path"]) for e in bad}

    def tree(limit=1000, at=None):
        entries, page = [], None
        while True:
            doc = api.good("GET", "/tree", workspaceId=ws, limit=limit, page=page, at=None if page else at)
            entries += doc["entries"]
            page = doc["nextPage"]
            if page is None:
                return entries

    for limit in (1, 2, 3, 5, 1000):
        assert odd(tree(limit)) == wanted, (limit, odd(tree(limit)))
    assert len(tree(2)) == 14
    events = api.good("GET", "/changes", workspaceId=ws)["changes"]
    assert odd(events) == wanted and len(events) == 14, odd(events)
    x, below = (api.find(ws, "d/" + path) for path in ("x", "x/"))
    for one in (x, below, api.good("GET", "/files/" + x["id"]), api.good("GET", "/folders/" + below["id"]),
                api.good("PATCH", "/files/" + x["id"], {"mtime": "2026-11-22T10:00:00Z"})):
        assert odd([one]), one
    at = api.good("GET", "/tree", workspaceId=ws, limit=1)["sequence"]
    # Who was given the one alone is not told of the other.
    lou = Api(user("lou"))
    api.good("POST", "/files/%s:share" % x["id"], {"principalName": "lou", "role": "viewer"})
    assert not odd(lou.good("GET", "/tree", workspaceId=ws)["entries"]) and lou.good("GET", "/files/" + x["id"])["syncable"]
    assert not odd(lou.good("GET", "/changes", workspaceId=ws)["changes"])
    # Without the one the other is carried; it was not before.
    api.good("DELETE", "/files/" + x["id"])
    assert not odd(tree()) and not odd(tree(1)) and api.find(ws, "d/x")["syncable"]
    for limit in (1, 2, 3, 5, 1000):
        assert odd(tree(limit, at)) == wanted, (limit, odd(tree(limit, at)))


def files():
    ws = workspace("files")
    put("files", "d/f", "one")
    put("files", "d/f", "two")
    f = api.find(ws, "d/f")
    assert f["kind"] == "file" and f["sizeBytes"] == 3 and f["contentHash"].startswith("sha256:"), f
    versions = api.good("GET", "/files/%s/versions" % f["id"])["versions"]
    assert [(v["current"], v["keep"]) for v in versions] == [(True, "current"), (False, "history")], versions
    page = api.good("GET", "/files/%s/versions" % f["id"], limit=1)
    assert len(page["versions"]) == 1 and page["next"] == versions[0]["versionId"], page
    page = api.good("GET", "/files/%s/versions" % f["id"], limit=1, after=page["next"])
    assert page["versions"][0] == versions[1] and page["next"] is None, page
    back = api.good("POST", "/files/%s:restore" % f["id"], {"versionId": versions[1]["versionId"]})
    assert get("files", "d/f") == "one" and back["syncCursor"].startswith("cur_") and "unchanged" not in back, back
    again = api.good("POST", "/files/%s:restore" % f["id"], {"versionId": versions[1]["versionId"]})
    assert again["unchanged"] and again["versionId"] == back["versionId"], again
    wrong = api.bad("409 version_conflict", "PATCH", "/files/" + f["id"], {"name": "g", "baseVersionId": f["versionId"]})
    assert wrong["currentVersionId"] == back["versionId"], wrong
    changed = api.good("PATCH", "/files/" + f["id"], {
        "name": "g", "mtime": "2026-01-02T03:04:05.5Z", "mode": "0755", "baseVersionId": back["versionId"]})
    assert changed["name"] == "g" and changed["mode"] == "0755" and changed["mtime"] == "2026-01-02T03:04:05.500000Z", changed
    assert changed["versionId"] != back["versionId"] and get("files", "d/g") == "one"
    api.bad("409 version_conflict", "DELETE", "/files/" + f["id"], baseVersionId=back["versionId"])
    api.good("DELETE", "/files/" + f["id"], baseVersionId=changed["versionId"])
    assert get("files", "d/g") == 404
    api.bad("404 not_found", "GET", "/files/" + f["id"])
    # With it went its folder, that nobody had made; both come back.
    assert api.good("POST", "/files/%s:undelete" % f["id"], {})["path"] == "d/g"
    assert api.bad("409 already_exists", "POST", "/files/%s:undelete" % f["id"], {})


def trash():
    ws = workspace("trash")
    root = api.good("POST", "/folders", {"workspaceId": ws, "parentFolderId": "root", "name": "keep"})["parentFolderId"]
    for i in range(5):
        put("trash", "d%d/f" % i, "x" * i)
        put("trash", "f%d" % i, "y")
    ids = []
    for i in range(5):
        ids.append(api.find(ws, "d%d/" % i)["id"])
        api.good("DELETE", "/folders/" + ids[-1])
        ids.append(api.find(ws, "f%d" % i)["id"])
        api.good("DELETE", "/files/" + ids[-1])
    seen, after = [], None
    while True:
        page = api.good("GET", "/trash", workspaceId=ws, limit=3, after=after)
        seen += page["entries"]
        after = page["next"]
        if after is None:
            break
    assert [e["id"] for e in seen] == ids[::-1], seen
    assert all(e["parentFolderId"] == root and e["expiresAt"] > e["deletedAt"] and e["deletedBy"] for e in seen), seen
    assert seen[1]["kind"] == "folder" and seen[1]["name"] == "d4" and seen[1]["sizeBytes"] == 4 and seen[1]["files"] == 1, seen[1]
    back = api.good("POST", "/folders/%s:undelete" % ids[8], {"parentFolderId": api.find(ws, "keep/")["id"], "name": "again"})
    assert back["path"] == "keep/again" and get("trash", "keep/again/f") == "xxxx", back
    assert len(api.good("GET", "/trash", workspaceId=ws)["entries"]) == 9
    # What a device has not seen stays.
    folder = api.find(ws, "keep/")
    put("trash", "keep/new", "new")
    gone = api.good("DELETE", "/folders/" + folder["id"], baseSequence=back["sequence"])
    assert gone["deleted"] == 1 and gone["kept"] == 1 and get("trash", "keep/new") == "new", gone
    assert get("trash", "keep/again/f") == 404


def versioned():
    ws = workspace("versioned", versioning="Enabled")
    put("versioned", "d/e/f", "one")
    put("versioned", "d/g", "two")
    d = api.find(ws, "d/")
    assert api.good("DELETE", "/folders/" + d["id"])["deleted"] == 2
    assert get("versioned", "d/g") == 404 and api.find(ws, "d/") is None
    body = s3.request("GET", "/versioned", {"versions": ""})[2]
    assert body.count(b"<DeleteMarker>") == 2 and body.count(b"<Version>") == 2, body
    assert api.good("POST", "/folders/%s:undelete" % d["id"], {})["id"] == d["id"]
    assert get("versioned", "d/e/f") == "one" and get("versioned", "d/g") == "two"
    g = api.find(ws, "d/g")
    api.good("DELETE", "/files/" + g["id"])
    assert api.good("POST", "/files/%s:undelete" % g["id"], {"name": "h"})["path"] == "d/h"
    moved = api.good("PATCH", "/folders/" + d["id"], {"name": "m"})
    assert moved["path"] == "m"
    body = s3.request("GET", "/versioned", {"versions": ""})[2]
    assert b"<Key>m/h</Key>" in body and b"<Key>d/" not in body, body
    # A name that versions have is not taken from them, whether there is a history or not: S3 goes on to show each.
    for key in ("a", "from/y", "kept/b", "kept/b", "kept/other", "gone/x"):
        put("versioned", key, key)
    for key in ("kept/b", "gone/x"):
        assert s3.request("DELETE", "/versioned/" + key)[0] == 204
    a, folder, into = (api.find(ws, path)["id"] for path in ("a", "from", "kept"))
    moves = (("/files/" + a, {"parentFolderId": into, "name": "b"}), ("/folders/" + folder, {"name": "gone"}))
    before = s3.request("GET", "/versioned", {"versions": ""})[2]
    for history in (86400000, 0):
        admin.good("PATCH", "/workspaces/versioned", {"historyMs": history})
        for path, body in moves:
            assert "versions" in api.bad("409 already_exists", "PATCH", path, body)["message"]
        doc = api.good("POST", "/files:commit-batch", {"workspaceId": ws, "operations": [
            dict(body, op="move", id=path.split("/")[-1]) for path, body in moves]})
        assert all("versions" in r["error"]["message"] and "existingId" not in r["error"] for r in doc["results"]), doc
    assert s3.request("GET", "/versioned", {"versions": ""})[2] == before
    # A new content goes on with them.
    put("versioned", "kept/b", "again")
    assert s3.request("GET", "/versioned", {"versions": "", "prefix": "kept/b"})[2].count(b"<Version>") == 3


def fetch(url):
    api.connection.request("GET", url[url.index("/", 8):])
    reply = api.connection.getresponse()
    return reply.status, reply.read()


def contents(who, file, version):
    """What a version holds, by all ways that lead to it."""
    path = "/files/%s/" % file
    status, body = fetch(who.good("GET", path + "download", version=version)["downloadUrl"])
    assert status == 200, (status, body)
    chunk = who.good("GET", path + "manifest", version=version)["chunks"][0]["hash"]
    who.connection.request("GET", "/v1/chunks/%s?fileId=%s&version=%s" % (chunk, file, version), headers={"Authorization": "Bearer " + who.token})
    reply = who.connection.getresponse()
    assert (reply.status, reply.read()) == (200, body)
    return body


def gone():
    """Versions of what was deleted since: by its id for as long as they are kept, for who may see the past."""
    ws = workspace("gone")
    part, whole, stranger = Api(user("gone-part")), Api(user("gone-whole")), Api(user("gone-stranger"))
    for text in ("one", "two"):
        put("gone", "shared/f", text)
        put("gone", "shared/sub/g", text)
        put("gone", "hidden/h", text)
    put("gone", "shared/stays", "here")
    for name, path in (("gone-part", "gone/shared/"), ("gone-whole", "gone")):
        subprocess.run([os.environ["FSCTL"], "--data", os.environ["STORE"], "grant", "add", path, name, "viewer"], check=True)
    f, g, h = (api.find(ws, p) for p in ("shared/f", "shared/sub/g", "hidden/h"))
    at = api.find(ws, "shared/")
    before = api.good("GET", "/tree", workspaceId=ws)["sequence"]
    url = part.good("GET", "/files/%s/download" % f["id"])["downloadUrl"]
    api.good("DELETE", "/files/" + f["id"])
    api.good("DELETE", "/files/" + h["id"])
    api.good("DELETE", "/folders/" + api.find(ws, "shared/sub/")["id"])

    def old(who, file):
        return [v["versionId"] for v in who.good("GET", "/files/%s/versions" % file["id"])["versions"]]

    for who in (api, whole):
        for file in (f, g, h):
            assert [contents(who, file["id"], v) for v in old(who, file)] == [b"two", b"one"]
    # Of a part of the workspace: what the tree of the past shows.
    seen = {e["id"] for e in part.good("GET", "/tree", workspaceId=ws, at=before)["entries"]}
    for file in (f, g, h):
        if file["id"] in seen:
            assert contents(part, file["id"], file["versionId"]) == b"two" and len(old(part, file)) == 2
        else:
            for path in ("versions", "download?version=" + file["versionId"], "manifest?version=" + file["versionId"]):
                part.bad("404 not_found", "GET", "/files/%s/%s" % (file["id"], path))
    assert f["id"] in seen and h["id"] not in seen, seen
    for path in ("versions", "download?version=" + f["versionId"], "manifest?version=" + f["versionId"]):
        stranger.bad("404 not_found", "GET", "/files/%s/%s" % (f["id"], path))
    # Nothing of it is current, and a version is its own file's alone.
    for path in ("", "/download", "/manifest", "/download?version=current", "/download?version=" + g["versionId"]):
        api.bad("404 not_found", "GET", "/files/" + f["id"] + path)
    assert fetch(url) == (200, b"two")
    subprocess.run([os.environ["FSCTL"], "--data", os.environ["STORE"], "grant", "remove", "gone/shared/", "gone-part"], check=True)
    assert fetch(url)[0] == 404
    part.bad("404 not_found", "GET", "/files/%s/download" % f["id"], version=f["versionId"])
    assert api.good("POST", "/files/%s:undelete" % f["id"], {})["parentFolderId"] == at["id"]


def marked():
    """The trash lists what a delete marker hides, with what would come back."""
    ws = workspace("marked", versioning="Enabled")
    put("marked", "d/f", "one")
    put("marked", "d/f", "two")
    put("marked", "g", "three")
    api.good("POST", "/folders", {"workspaceId": ws, "parentFolderId": "root", "name": "e"})
    f, g = api.find(ws, "d/f"), api.find(ws, "g")

    def listed(**query):
        return api.good("GET", "/trash", workspaceId=ws, **query)["entries"]

    assert listed() == []
    for key in ("g", "never-there", "d/f", "d/f", "e/"):
        assert s3.request("DELETE", "/marked/" + key)[0] == 204
    entries = listed()
    assert [(e["id"], e["name"], e["versionId"], e["contentHash"], e["sizeBytes"]) for e in entries] == [
        (n["id"], n["name"], n["versionId"], n["contentHash"], n["sizeBytes"]) for n in (f, g)], entries
    assert all(e["deletedAt"] and e["deletedBy"] and e["expiresAt"] is None for e in entries), entries
    page = api.good("GET", "/trash", workspaceId=ws, limit=1)
    assert page["entries"] == entries[:1] and listed(after=page["next"]) == entries[1:], page
    versions = api.good("GET", "/files/%s/versions" % f["id"])["versions"]
    assert [v["deleteMarker"] for v in versions] == [True, True, False, False] and versions[0]["current"], versions
    assert contents(api, f["id"], versions[3]["versionId"]) == b"one"
    api.bad("404 not_found", "GET", "/files/%s/download" % f["id"], version=versions[0]["versionId"])
    api.good("POST", "/files/%s:undelete" % f["id"], {})
    assert get("marked", "d/f") == "two" and [e["id"] for e in listed()] == [g["id"]]
    # By a PUT it is there again; what was destroyed can't come back.
    put("marked", "g", "four")
    assert listed() == []
    assert s3.request("DELETE", "/marked/d/f")[0] == 204
    body = s3.request("GET", "/marked", {"versions": "", "prefix": "d/f"})[2]
    for version in re.findall(rb"<Version>.*?<VersionId>([^<]*)", body, re.S):
        assert s3.request("DELETE", "/marked/d/f", {"versionId": version.decode()})[0] == 204
    assert listed() == [], listed()
    # Beside what went to the trash before versioning was on, in order of time.
    ws = workspace("mixed")
    for key in "abc":
        put("mixed", key, key)
    assert s3.request("DELETE", "/mixed/a")[0] == 204
    assert s3.request("PUT", "/mixed", {"versioning": ""}, b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")[0] == 200
    assert s3.request("DELETE", "/mixed/b")[0] == 204
    assert s3.request("PUT", "/mixed", {"versioning": ""}, b"<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>")[0] == 200
    assert s3.request("DELETE", "/mixed/c")[0] == 204
    entries = listed()
    assert [e["name"] for e in entries] == ["c", "b", "a"] and all(e["contentHash"] for e in entries), entries
    for e in entries:
        assert api.good("POST", "/files/%s:undelete" % e["id"], {})["contentHash"] == e["contentHash"]
    assert listed() == []


def markers():
    """The object that stands for a folder is a file to S3 alone, whatever id somebody learnt."""
    ws = workspace("markers")
    root = api.good("POST", "/folders", {"workspaceId": ws, "parentFolderId": "root", "name": "made"})["parentFolderId"]
    put("markers", "m/", "body")
    put("markers", "m/x", "x")
    told = subprocess.run([os.environ["FSCTL"], "--data", os.environ["STORE"], "changes", "markers", "--json"], check=True,
                          capture_output=True).stdout.splitlines()
    ids = {e["id"] for e in map(json.loads, told) if e["kind"] == "file" and not e["name"]}
    assert len(ids) == 2, told
    user("marker-viewer")

    def refused():
        for one in ids:
            for call in ((("GET", ""), ("GET", "/versions"), ("GET", "/download"), ("GET", "/grants"), ("DELETE", ""),
                          ("PATCH", "", {"parentFolderId": root}), ("PATCH", "", {"name": "named"}),
                          ("POST", ":undelete", {}), ("POST", ":undelete", {"parentFolderId": root}),
                          ("POST", ":share", {"principalName": "marker-viewer", "role": "viewer"}))):
                api.bad("404 not_found", call[0], "/files/" + one + call[1], *call[2:])
            api.bad("404 not_found", "POST", "/files:start-upload", {"fileId": one, "sizeBytes": 1})
            doc = api.good("POST", "/files:commit-batch", {"workspaceId": ws, "operations": [
                {"op": "move", "id": one, "parentFolderId": root}, {"op": "delete", "id": one},
                {"op": "version", "fileId": one, "sizeBytes": 0, "chunks": []}]})
            assert [r["error"]["code"] for r in doc["results"]] == ["not_found"] * 3, doc

    refused()
    assert get("markers", "m/") == "body" and get("markers", "made/") == "" and get("markers", "m/x") == "x"
    for key in ("m/", "made/"):
        assert s3.request("DELETE", "/markers/" + key)[0] == 204
    refused()
    assert api.good("GET", "/trash", workspaceId=ws)["entries"] == []
    assert get("markers", "m/x") == "x" and get("markers", "m/") == 404 and api.find(ws, "made/") is None
    assert s3.request("DELETE", "/markers/m/x")[0] == 204 and s3.request("DELETE", "/markers")[0] == 204


def rights():
    ws = workspace("rights")
    for key in ("secret/shared/f", "secret/other", "elsewhere/x"):
        put("rights", key, key)
    viewer, editor, stranger = Api(user("viewer")), Api(user("editor")), Api(user("stranger"))
    for name, role in (("viewer", "viewer"), ("editor", "editor")):
        subprocess.run([os.environ["FSCTL"], "--data", os.environ["STORE"], "grant", "add", "rights/secret/shared/", name, role], check=True)
    shared, f, other = api.find(ws, "secret/shared/"), api.find(ws, "secret/shared/f"), api.find(ws, "secret/other")
    for who in (viewer, editor):
        assert who.good("GET", "/folders/" + shared["id"])["path"] == "shared"
        assert who.good("GET", "/files/" + f["id"])["path"] == "shared/f"
        assert [e["path"] for e in who.good("GET", "/folders/%s/children" % shared["id"])["entries"]] == ["shared/f"]
        topmost = next(e for e in who.good("GET", "/tree", workspaceId=ws)["entries"] if e["id"] == shared["id"])
        assert topmost["name"] == topmost["path"] == "shared" and topmost["syncable"] and not topmost["explicit"], topmost
        who.bad("404 not_found", "GET", "/files/" + other["id"])
        who.bad("404 not_found", "GET", "/folders/" + shared["parentFolderId"])
        who.bad("404 not_found", "PATCH", "/files/" + other["id"], {"name": "x"})
    for method, path, body in (("GET", "/folders/" + shared["id"], None), ("DELETE", "/files/" + f["id"], None),
                               ("POST", "/folders", {"parentFolderId": shared["id"], "name": "x"}),
                               ("GET", "/files/%s/versions" % f["id"], None)):
        stranger.bad("404 not_found", method, path, body)
    for method, path, body in (("DELETE", "/files/" + f["id"], None), ("PATCH", "/files/" + f["id"], {"name": "x"}),
                               ("POST", "/folders", {"parentFolderId": shared["id"], "name": "x"}),
                               ("POST", "/files/%s:restore" % f["id"], {"versionId": f["versionId"]})):
        viewer.bad("403 access_denied", method, path, body)
    made = editor.good("POST", "/folders", {"parentFolderId": shared["id"], "name": "made"})
    assert made["path"] == "shared/made", made
    assert editor.good("PATCH", "/files/" + f["id"], {"parentFolderId": made["id"]})["path"] == "shared/made/f"
    editor.bad("404 not_found", "PATCH", "/files/" + f["id"], {"parentFolderId": shared["parentFolderId"]})
    editor.bad("404 not_found", "PATCH", "/files/" + f["id"], {"parentFolderId": api.find(ws, "elsewhere/")["id"]})
    editor.good("DELETE", "/files/" + f["id"])
    viewer.bad("403 access_denied", "POST", "/files/%s:undelete" % f["id"], {})
    stranger.bad("404 not_found", "POST", "/files/%s:undelete" % f["id"], {})
    assert editor.good("POST", "/files/%s:undelete" % f["id"], {})["path"] == "shared/made/f"
    # What is shared right in the root says nothing of the root either.
    top = api.good("POST", "/folders", {"workspaceId": ws, "parentFolderId": "root", "name": "top"})
    put("rights", "topmost", "t")
    mine = api.find(ws, "topmost")
    for path in ("/folders/" + top["id"], "/files/" + mine["id"]):
        api.good("POST", path + ":share", {"principalName": "editor", "role": "editor"})
    for path, body in (("/folders/" + top["id"], None), ("/files/" + mine["id"], {"mtime": "2026-11-22T10:00:00Z"})):
        nodes = [editor.good("GET", path)] + ([editor.good("PATCH", path, body)] if body else [])
        nodes += [e for e in editor.good("GET", "/tree", workspaceId=ws)["entries"] if e["id"] == nodes[0]["id"]]
        assert all(n["parentFolderId"] is None and n["path"] == n["name"] for n in nodes) and len(nodes) > 1, nodes
    # The trash of a workspace is for those who see all of it.
    viewer.bad("403 access_denied", "GET", "/trash", workspaceId=ws)
    stranger.bad("404 not_found", "GET", "/trash", workspaceId=ws)


def grants(ws_name):
    """The administrator's list: {(path, user): in the trash}, and the ids."""
    listed = admin.good("GET", "/workspaces/%s/grants" % ws_name)["grants"]
    return {(g["path"], g["user"]): g.get("inTrash") for g in listed}, {(g["path"], g["user"]): g.get("id") for g in listed}


def asleep():
    """What was given on something in the trash can be taken back there, by who may manage it; others learn nothing."""
    ws = workspace("asleep")
    for key in ("G/h", "G/keep", "alone/f", "deep/er/x", "deep/stay"):
        put("asleep", key, key)
    users = {n: Api(user(n)) for n in ("lee", "above", "writer", "sleeper", "outside")}

    def give(node, name, role):
        path = "/%ss/%s:share" % (node["kind"], node["id"])
        return api.good("POST", path, {"principalName": name, "role": role})["grant"]["principalId"]

    g, h, alone, deep, x = (api.find(ws, p) for p in ("G/", "G/h", "alone/f", "deep/er/", "deep/er/x"))
    lee = give(h, "lee", "editor")
    give(g, "above", "owner")
    give(g, "writer", "editor")
    give(h, "sleeper", "owner")
    url = "/files/%s/grants/%s" % (h["id"], lee)
    users["writer"].bad("403 access_denied", "DELETE", url)
    api.good("DELETE", "/files/" + h["id"])
    found, ids = grants("asleep")
    assert found[("G/h", "lee")] is True and found[("G/", "above")] is False, found
    assert ids[("G/h", "lee")] == h["id"], ids
    # Who may not manage it is told what is told of an id that never was.
    never = "/files/%s/grants/%s" % ("file_999999999", lee)
    for name in ("writer", "sleeper", "outside"):
        told = [users[name].bad("404 not_found", "DELETE", p)["message"] for p in (url, never)]
        assert told[0] == told[1], told
    # One's own is one's own to give back.
    users["outside"].bad("404 not_found", "DELETE", url.replace(lee, "user_1"))
    users["above"].good("DELETE", url)
    users["above"].bad("404 not_found", "DELETE", url)
    api.good("POST", "/files/%s:undelete" % h["id"], {})
    users["lee"].bad("404 not_found", "GET", "/files/" + h["id"])
    # By whose it is; the feed tells of both.
    give(h, "lee", "viewer")
    api.good("DELETE", "/files/" + h["id"])
    users["lee"].good("DELETE", url)
    assert ("G/h", "lee") not in grants("asleep")[0]
    seen = api.good("GET", "/changes", workspaceId=ws, cursor="begin", limit=500)["changes"]
    assert len([c for c in seen if c["eventType"] == "SHARE_REVOKED" and h["id"] in str(c)]) == 2, seen
    # With its folder gone by itself, and inside a folder that is in the trash as a whole: the folder above decides.
    give(alone, "lee", "editor")
    api.good("DELETE", "/files/" + alone["id"])
    assert api.find(ws, "alone/") is None
    users["above"].bad("404 not_found", "DELETE", "/files/%s/grants/%s" % (alone["id"], lee))
    api.good("DELETE", "/files/%s/grants/%s" % (alone["id"], lee))
    give(api.find(ws, "deep/"), "above", "owner")
    give(x, "lee", "editor")
    give(deep, "lee", "viewer")
    api.good("DELETE", "/folders/" + deep["id"])
    found, ids = grants("asleep")
    assert found[("deep/er/x", "lee")] is True and found[("deep/er/", "lee")] is True, found
    users["writer"].bad("404 not_found", "DELETE", "/files/%s/grants/%s" % (x["id"], lee))
    users["above"].good("DELETE", "/files/%s/grants/%s" % (x["id"], lee))
    # The administrator's call takes the id that its list shows.
    admin.good("DELETE", "/workspaces/asleep/grants?user=lee&id=" + ids[("deep/er/", "lee")])
    assert not [k for k in grants("asleep")[0] if k[1] == "lee"]
    api.good("POST", "/folders/%s:undelete" % deep["id"], {})
    for path in ("/folders/" + deep["id"], "/files/" + x["id"]):
        users["lee"].bad("404 not_found", "GET", path)


globals()[sys.argv[1]]()
