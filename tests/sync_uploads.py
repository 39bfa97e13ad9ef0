"""Uploads, packs of chunks and batches of the JSON API: sync_uploads.py PART. The parts are the functions below."""

import hashlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from daemon import Daemon  # noqa: E402
from parallel import Admin, client  # noqa: E402
from sync import ApiError, Sync  # noqa: E402

START, COMPLETE, BATCH = "/v1/files:start-upload", "/v1/files:complete-upload", "/v1/files:commit-batch"
admin = Admin()
api = Sync("127.0.0.1", int(os.environ["FSD_PORT"]), os.environ["FSD_TOKEN"])


def workspace(name):
    """Its id; what is deleted in it stays for a while."""
    return admin.good("POST", "/workspaces", {"name": name, "historyMs": 86400000})["workspaceId"]


def user(name):
    admin.good("POST", "/users", {"name": name})
    return Sync(api.host, api.port, admin.good("POST", "/users/%s/tokens" % name, {})["token"])


def refused(wanted, who, method, path, body=None, key=None, **query):
    """The error of a call that must fail with "STATUS code"."""
    status, doc = who.try_call(method, path, body, key, **query)
    got = "%d %s" % (status, (doc or {}).get("error", {}).get("code"))
    assert got == wanted, "%s %s: wanted %s, got %s: %s" % (method, path, wanted, got, doc)
    return doc["error"]


def at(ws, path):
    status, doc = api.try_call("GET", "/v1/lookup", workspaceId=ws, path=path)
    return doc if status == 200 else None


def chunk(data):
    return {"hash": hashlib.sha256(data).hexdigest(), "length": len(data)}


def target_of(session, number):
    return next(t["url"] for t in session["uploadTargets"] if t["partNumber"] == number)


def put(url, data):
    status, _, got = api.raw("PUT", url, data, authorize=False)
    return status, json.loads(got)


def stage(ws, *contents, who=api, key=None):
    packed = b"".join(len(c).to_bytes(4, "little") + c for c in contents)
    status, headers, got = who.raw("POST", "/v1/chunks?workspaceId=" + ws, packed, key=key)
    return status, json.loads(got)


def batch(ws, *operations, who=api, atomic=False, staged=(), key=None):
    return who.try_call("POST", BATCH, {"workspaceId": ws, "atomic": atomic, "stagingIds": list(staged),
                                        "operations": list(operations)}, key)


def create(name, *contents, parent="root", **more):
    return dict({"op": "create", "parentFolderId": parent, "name": name, "chunks": [chunk(c) for c in contents],
                 "sizeBytes": sum(map(len, contents))}, **more)


def collect():
    subprocess.run([os.environ["FSCTL"], "--data", os.environ["STORE"], "gc", "--grace", "0"], check=True,
                   stdout=subprocess.DEVNULL, timeout=120)


# ---- sessions


def resume():
    """An interrupted upload goes on where it was, also over a daemon that was killed."""
    folder = tempfile.mkdtemp()
    own = Daemon(os.environ["FSD_BUILD"], folder + "/store", folder + "/log", "")
    own.start()
    try:
        me = own.sync(tries=20)
        ws = me.call("POST", "/v1/admin/workspaces", {"name": "resume"})["workspaceId"]
        data = os.urandom(17 << 20)
        session = me.call("POST", START, {"workspaceId": ws, "parentFolderId": "root", "name": "big", "sizeBytes": len(data),
                                          "sha256": hashlib.sha256(data).hexdigest()})
        size, path = session["partSizeBytes"], "/v1/uploads/" + session["uploadSessionId"]
        for n in (2, 1):
            assert me.raw("PUT", target_of(session, n), data[(n - 1) * size:n * size], authorize=False)[0] == 200
        pack = me.raw("POST", "/v1/chunks?workspaceId=" + ws, b"\5\0\0\0small")
        own.kill()
        own.start()
        now = me.call("GET", path)
        assert now["status"] == "open" and [p["partNumber"] for p in now["parts"]] == [1, 2], now
        assert [t["partNumber"] for t in now["uploadTargets"]] == [3], now
        me.send_parts(now, data)
        first = me.call("POST", COMPLETE, {"uploadSessionId": session["uploadSessionId"]})
        own.kill()
        own.start()
        again = me.call("POST", COMPLETE, {"uploadSessionId": session["uploadSessionId"]})
        assert [again[k] for k in ("fileId", "versionId", "sequence")] == [first[k] for k in ("fileId", "versionId", "sequence")]
        assert me.download(first["fileId"])[0] == data
        done = me.call("POST", BATCH, {"workspaceId": ws, "atomic": True, "stagingIds": [json.loads(pack[2])["stagingId"]],
                                       "operations": [create("small", b"small")]})
        assert me.download(done["results"][0]["fileId"])[0] == b"small"
    finally:
        own.kill()
        subprocess.run(["rm", "-rf", folder], check=True)


def conflicts():
    ws = workspace("conflicts")
    where = {"workspaceId": ws, "parentFolderId": "root", "name": "a.txt"}
    first = api.upload(b"one", **where)
    assert api.upload(b"one", **where).get("unchanged") and at(ws, "a.txt")["versionId"] == first["versionId"]
    # Several parts or chunks, and no hash of the whole, or none known of what is there yet.
    large = os.urandom(9 << 20)
    pieces = [large[i:i + (1 << 20)] for i in range(0, len(large), 1 << 20)]
    for more in ({}, {"chunks": [chunk(p) for p in pieces]}):
        name = dict(where, name="large%d" % len(more), **more)
        made = api.upload(large, **name)
        for hashed in ({}, {"sha256": hashlib.sha256(large).hexdigest()}):
            for base in ({}, {"baseVersionId": None}):
                assert api.upload(large, **name, **hashed, **base).get("unchanged"), (more, hashed, base)
        # Cut otherwise: the hash that is known by now tells.
        if not more:
            assert api.upload(large, **dict(name, name="hashed"), sha256=hashlib.sha256(large).hexdigest())["contentHash"]
            cut = api.upload(large, **dict(name, name="hashed"), chunks=[chunk(p) for p in pieces])
            assert cut.get("unchanged"), cut
            assert api.upload(large, **dict(name, name="hashed"), onConflict="rename", baseVersionId=None).get("unchanged")
        other = bytearray(large)
        other[-1] ^= 1
        name.pop("chunks", None)
        changed = api.upload(bytes(other), **name)
        assert changed["versionId"] != made["versionId"] and not changed.get("unchanged")
    _, pack = stage(ws, *pieces)
    _, doc = batch(ws, create("packed", *pieces), create("packed", *pieces), create("packed", *pieces[:-1]),
                   staged=[pack["stagingId"]])
    assert [r.get("unchanged") for r in doc["results"]] == [None, True, None], doc
    # Both build on `first`; who comes second is told so, and its session stands.
    mine = api.call("POST", START, dict(where, sizeBytes=4, baseVersionId=first["versionId"]))
    assert mine["expectedBaseVersion"] == first["versionId"]
    api.send_parts(mine, b"mine")
    theirs = api.upload(b"theirs", baseVersionId=first["versionId"], **where)
    end = {"uploadSessionId": mine["uploadSessionId"]}
    error = refused("409 version_conflict", api, "POST", COMPLETE, end)
    assert error["currentVersionId"] == theirs["versionId"], error
    copy = api.call("POST", COMPLETE, dict(end, name=error["conflictName"]))
    assert copy["name"] == error["conflictName"] and copy["fileId"] != theirs["fileId"], copy
    assert api.download(copy["fileId"])[0] == b"mine" and api.download(theirs["fileId"])[0] == b"theirs"
    # A name that is proposed is free, also for the next one in that second.
    for _ in range(4):
        session = api.call("POST", START, dict(where, sizeBytes=2, baseVersionId=first["versionId"]))
        api.send_parts(session, b"me")
        end = {"uploadSessionId": session["uploadSessionId"]}
        error = refused("409 version_conflict", api, "POST", COMPLETE, end)
        api.call("POST", COMPLETE, dict(end, name=error["conflictName"]))
        _, doc = batch(ws, dict(create("a.txt"), chunks=[chunk(b"me")], sizeBytes=2))
        assert not at(ws, doc["results"][0]["error"]["conflictName"]), doc
    # The server makes the copy; a new base makes a version.
    made = api.upload(b"again", baseVersionId=first["versionId"], onConflict="rename", **where)
    assert made["conflictOf"] == theirs["fileId"] and " (conflict " in made["name"] and made["name"].endswith(").txt"), made
    late = api.call("POST", START, dict(where, sizeBytes=4, baseVersionId=first["versionId"]))
    api.send_parts(late, b"late")
    last = api.call("POST", COMPLETE, {"uploadSessionId": late["uploadSessionId"], "clientObservedBaseVersion": theirs["versionId"]})
    assert last["fileId"] == first["fileId"] and api.download(first["fileId"])[0] == b"late"
    # An edit beats a deletion, and is the same file.
    edit = api.call("POST", START, {"fileId": first["fileId"], "sizeBytes": 4, "baseVersionId": last["versionId"]})
    api.send_parts(edit, b"edit")
    api.call("DELETE", "/v1/files/" + first["fileId"])
    assert not at(ws, "a.txt")
    done = api.call("POST", COMPLETE, {"uploadSessionId": edit["uploadSessionId"]})
    assert done["fileId"] == first["fileId"] and at(ws, "a.txt")["versionId"] == done["versionId"]
    # Hashes that the daemon makes in its own time come between.
    events = [e["eventType"] for e in api.changes("begin", ws)[0] if e["eventType"] != "FILE_METADATA_CHANGED"][-3:]
    assert events == ["FILE_DELETED", "FILE_RESTORED", "FILE_VERSION_COMMITTED"], events


def deleted():
    """An edit beats a deletion whatever call it comes by and however far its user's role reaches."""
    ws = workspace("deleted")
    max_ = user("max")
    folder = api.call("POST", "/v1/folders", {"workspaceId": ws, "parentFolderId": "root", "name": "f"})["id"]
    api.call("POST", "/v1/folders/%s:share" % folder, {"principalName": "max", "role": "editor"})

    def by_session(who, made):
        return who.upload(b"edit", fileId=made["fileId"], baseVersionId=made["versionId"])

    def by_batch(who, made):
        _, _, pack = who.raw("POST", "/v1/chunks?folderId=" + folder, b"\4\0\0\0edit")
        version = {"op": "version", "fileId": made["fileId"], "baseVersionId": made["versionId"], "sizeBytes": 4,
                   "chunks": [chunk(b"edit")]}
        status, doc = batch(ws, version, who=who, staged=[json.loads(pack)["stagingId"]])
        assert status == 200 and doc["results"][0]["status"] == "ok", doc
        return doc["results"][0]

    for who in (api, max_):
        for edit in (by_session, by_batch):
            made = api.upload(b"one", parentFolderId=folder, name="doc")
            api.call("DELETE", "/v1/files/" + made["fileId"])
            done = edit(who, made)
            assert done["fileId"] == made["fileId"] and at(ws, "f/doc")["versionId"] == done["versionId"], done
            api.call("DELETE", "/v1/files/" + made["fileId"])
    # The name was taken meanwhile: that is a conflict, though no base was named.
    other = api.upload(b"other", parentFolderId=folder, name="doc")
    session = max_.call("POST", START, {"fileId": made["fileId"], "sizeBytes": 4})
    assert session["expectedBaseVersion"] is None
    max_.send_parts(session, b"edit")
    error = refused("409 version_conflict", max_, "POST", COMPLETE, {"uploadSessionId": session["uploadSessionId"]})
    assert error["currentVersionId"] == other["versionId"], error
    # A folder took it: the edit is a conflict copy beside, or says which name it can have.
    made = api.upload(b"one", parentFolderId=folder, name="gone")
    sessions = [max_.call("POST", START, dict(fileId=made["fileId"], baseVersionId=made["versionId"], sizeBytes=4))
                for _ in range(3)]
    for session in sessions:
        max_.send_parts(session, b"edit")
    api.call("DELETE", "/v1/files/" + made["fileId"])
    below = api.call("POST", "/v1/folders", {"parentFolderId": folder, "name": "gone"})["id"]
    ends = [{"uploadSessionId": s["uploadSessionId"]} for s in sessions]
    error = refused("409 version_conflict", max_, "POST", COMPLETE, ends[0])
    assert error["currentVersionId"] is None and "(conflict max " in error["conflictName"], error
    named = max_.call("POST", COMPLETE, dict(ends[0], name=error["conflictName"]))
    copies = [named] + [max_.call("POST", COMPLETE, dict(e, onConflict="rename")) for e in ends[1:]]
    assert [c.get("conflictOf") for c in copies] == [None, made["fileId"], made["fileId"]], copies
    assert len({c["name"] for c in copies}) == 3 and all("gone (conflict max " in c["name"] for c in copies), copies
    assert all(api.download(c["fileId"])[0] == b"edit" for c in copies)
    assert [e["eventType"] for e in max_.changes("begin", ws)[0]][-2:] == ["CONFLICT_COPY_CREATED"] * 2
    edit = {"op": "version", "fileId": made["fileId"], "baseVersionId": made["versionId"], "sizeBytes": 3,
            "chunks": [chunk(b"one")]}
    _, doc = batch(ws, edit, dict(edit, onConflict="rename"))
    fail, copy = doc["results"]
    assert fail["error"]["code"] == "version_conflict" and fail["error"]["currentVersionId"] is None, doc
    assert copy["conflictOf"] == made["fileId"] and copy["name"].startswith("gone (conflict "), doc
    # A new file that no conflict copy is wanted of is refused, and who may write no more is told no names.
    session = max_.call("POST", START, {"parentFolderId": folder, "name": "gone", "sizeBytes": 0})
    refused("409 already_exists", max_, "POST", COMPLETE, {"uploadSessionId": session["uploadSessionId"]})
    assert max_.upload(b"", parentFolderId=folder, name="gone", onConflict="rename")["name"].startswith("gone (conflict ")
    late = max_.call("POST", START, {"fileId": made["fileId"], "sizeBytes": 0, "onConflict": "rename"})
    api.call("POST", "/v1/folders/%s:share" % folder, {"principalName": "max", "role": "viewer"})
    refused("403 access_denied", max_, "POST", COMPLETE, {"uploadSessionId": late["uploadSessionId"]})
    api.call("DELETE", "/v1/folders/" + below)
    # Who may only read, or sees nothing of it, edits nothing.
    refused("403 access_denied", max_, "POST", START, {"fileId": made["fileId"], "sizeBytes": 4})
    refused("404 not_found", user("mio"), "POST", START, {"fileId": made["fileId"], "sizeBytes": 4})
    # The folder is gone: each call says so, and names what helps.
    api.call("POST", "/v1/folders/%s:share" % folder, {"principalName": "max", "role": "editor"})
    own = api.call("POST", "/v1/folders", {"workspaceId": ws, "parentFolderId": "root", "name": "own"})["id"]
    api.call("POST", "/v1/folders/%s:share" % own, {"principalName": "max", "role": "editor"})
    for who in (api, max_):
        session = who.call("POST", START, {"parentFolderId": folder, "name": "new", "sizeBytes": 4})
        who.send_parts(session, b"edit")
        api.call("DELETE", "/v1/folders/" + folder)
        end, path = {"uploadSessionId": session["uploadSessionId"]}, "/v1/uploads/" + session["uploadSessionId"]
        for call in (("GET", path), ("POST", COMPLETE, end), ("POST", COMPLETE, dict(end, name="else"))):
            refused("409 parent_gone", who, *call)
        status, doc = put(target_of(session, 1), b"edit")
        assert status == 409 and doc["error"]["code"] == "parent_gone", doc
        assert who.call("POST", COMPLETE, dict(end, parentFolderId=own, name="saved-%d" % (who is api)))["fileId"]
        refused("404 not_found", who, "GET", "/v1/uploads/upl_" + ws[3:])
        api.call("POST", "/v1/folders/%s:undelete" % folder, {})
    # Another folder at its path takes the edit only of who may write there: here the name is free, here it is not.
    made = [api.upload(b"one", parentFolderId=folder, name=n) for n in ("free", "taken")]
    sessions = {who: [who.call("POST", START, {"fileId": m["fileId"], "sizeBytes": 4, "onConflict": "rename"}) for m in made]
                for who in (max_, api)}
    for m in made:
        api.call("DELETE", "/v1/files/" + m["fileId"])
    api.call("DELETE", "/v1/folders/" + folder)
    other = api.call("POST", "/v1/folders", {"workspaceId": ws, "parentFolderId": "root", "name": "f"})["id"]
    api.call("POST", "/v1/folders", {"parentFolderId": other, "name": "taken"})
    for session in sessions[max_]:
        status, _ = put(target_of(session, 1), b"edit")
        assert status in (403, 404, 409), status
        refused("409 parent_gone", max_, "POST", COMPLETE, {"uploadSessionId": session["uploadSessionId"]})
    assert [e["name"] for e in api.call("GET", "/v1/folders/%s/children" % other)["entries"]] == ["taken"]
    for session in sessions[api]:
        api.send_parts(session, b"edit")
    back, copy = (api.call("POST", COMPLETE, {"uploadSessionId": s["uploadSessionId"]}) for s in sessions[api])
    assert back["fileId"] == made[0]["fileId"] and copy["conflictOf"] == made[1]["fileId"], (back, copy)
    names = sorted(e["name"] for e in api.call("GET", "/v1/folders/%s/children" % other)["entries"])
    assert names == ["free", "taken", copy["name"]] and copy["name"].startswith("taken (conflict "), names


def beside():
    """The name that a conflict offers can be had, also where the file's folder went with it and another is at its path."""
    ws, s3 = workspace("beside"), client()

    def edited(folder):
        assert s3.request("PUT", "/beside/%s/f.txt" % folder, body=b"one")[0] == 200
        made = at(ws, folder + "/f.txt")
        session = api.call("POST", START, {"fileId": made["id"], "baseVersionId": made["versionId"], "sizeBytes": 4})
        api.send_parts(session, b"edit")
        api.call("DELETE", "/v1/files/" + made["id"])
        return made, {"uploadSessionId": session["uploadSessionId"]}

    made, end = edited("k/d")
    # Nothing is there: another name has no folder, and that is what is said.
    refused("409 parent_gone", api, "POST", COMPLETE, dict(end, name="g.txt"))
    assert s3.request("PUT", "/beside/k/d/f.txt", body=b"two")[0] == 200
    assert at(ws, "k/d/f.txt")["parentFolderId"] != made["parentFolderId"]
    error = refused("409 version_conflict", api, "POST", COMPLETE, end)
    done = api.call("POST", COMPLETE, dict(end, name=error["conflictName"]))
    assert at(ws, "k/d/" + error["conflictName"])["id"] == done["fileId"] != made["id"], done
    assert api.download(done["fileId"])[0] == b"edit" and at(ws, "k/d/f.txt")["sizeBytes"] == 3
    # Who sees neither folder is told nothing of them, and what is at that path now takes nothing of who may not write there.
    made, end = edited("m/d")
    noa = user("noa")
    refused("404 not_found", noa, "POST", COMPLETE, dict(end, name="g.txt"))
    api.call("POST", "/v1/files/%s:undelete" % made["id"], {})
    api.call("POST", "/v1/files/%s:share" % made["id"], {"principalName": "noa", "role": "editor"})
    session = noa.call("POST", START, {"fileId": made["id"], "baseVersionId": made["versionId"], "sizeBytes": 4})
    noa.send_parts(session, b"noas")
    end = {"uploadSessionId": session["uploadSessionId"]}
    refused("403 access_denied", noa, "POST", COMPLETE, dict(end, name="g.txt"))
    api.call("DELETE", "/v1/folders/" + at(ws, "m/d/")["id"])
    refused("409 parent_gone", noa, "POST", COMPLETE, dict(end, name="g.txt"))
    assert s3.request("PUT", "/beside/m/d/f.txt", body=b"two")[0] == 200
    refused("409 parent_gone", noa, "POST", COMPLETE, dict(end, name="g.txt"))
    assert not at(ws, "m/d/g.txt")


def ranges():
    """Downloads of what is not there: the caller's mistake, not one of the server's."""
    made = api.upload(b"0123456789", workspaceId=workspace("ranges"), parentFolderId="root", name="f")
    url = api.call("GET", "/v1/files/%s/download" % made["fileId"])["downloadUrl"]
    assert api.raw("GET", url, headers={"Range": "bytes=2-4"}, authorize=False)[::2] == (206, b"234")
    status, headers, body = api.raw("GET", url, headers={"Range": "bytes=10-"}, authorize=False)
    assert status == 416 and headers["content-range"] == "bytes */10", (status, headers)
    assert json.loads(body)["error"]["code"] == "range_not_satisfiable", body
    with open(os.environ["FSD_LOG"]) as f:
        assert not [line for line in f if " error " in line]


def old_bases():
    """A base that is not kept any more is one that is not current: a conflict, or an edit that beats a deletion."""
    s3 = client()
    assert s3.request("PUT", "/old-bases")[0] == 200   # what S3 makes keeps no history
    ws = next(w for w in api.call("GET", "/v1/workspaces")["workspaces"] if w["name"] == "old-bases")["workspaceId"]

    def put_twice(name):
        assert s3.request("PUT", "/old-bases/" + name, body=b"1")[0] == 200
        old = at(ws, name)
        assert s3.request("PUT", "/old-bases/" + name, body=b"22")[0] == 200
        return old, at(ws, name)

    old, now = put_twice("f.txt")
    assert len(api.call("GET", "/v1/files/%s/versions" % old["id"])["versions"]) == 1
    name = {"workspaceId": ws, "parentFolderId": "root", "name": "f.txt"}
    for where in ({"fileId": old["id"]}, name):
        where = dict(where, baseVersionId=old["versionId"])
        session = api.call("POST", START, dict(where, sizeBytes=3))
        assert session["expectedBaseVersion"] == old["versionId"]
        api.send_parts(session, b"333")
        error = refused("409 version_conflict", api, "POST", COMPLETE, {"uploadSessionId": session["uploadSessionId"]})
        assert error["currentVersionId"] == now["versionId"], error
        copy = api.upload(b"333", onConflict="rename", **where)
        assert copy["conflictOf"] == old["id"] and " (conflict " in copy["name"], copy
        assert api.upload(b"22", **where)["unchanged"]
    assert api.download(old["id"])[0] == b"22"
    other, _ = put_twice("other")
    for wrong in (at(ws, "other")["versionId"], "ver_" + ws[3:], "ver_1", "ver_7" + "z" * 11):
        refused("400 invalid_request", api, "POST", START, {"fileId": old["id"], "sizeBytes": 0, "baseVersionId": wrong})
    assert s3.request("DELETE", "/old-bases/f.txt")[0] == 204
    assert api.upload(b"edit", baseVersionId=now["versionId"], **name)["name"] == "f.txt"
    assert api.download(at(ws, "f.txt")["id"])[0] == b"edit"


def hidden_bases():
    """A version of a file that the caller doesn't see is, as a base, what one is that is not kept: nothing is told of it."""
    ws = workspace("hidden-bases")
    secret, mine, other = (api.upload(b"of " + n.encode(), workspaceId=ws, parentFolderId=api.call("POST", "/v1/folders", {
        "workspaceId": ws, "parentFolderId": "root", "name": n})["id"], name="f") for n in ("secret", "mine", "other"))
    eva = user("eva")
    for one in (mine, other):
        api.call("POST", "/v1/files/%s:share" % one["fileId"], {"principalName": "eva", "role": "editor"})
    never = secret["versionId"][:-3] + "zzz"
    said = []
    for base in (secret["versionId"], never):
        for chunks in ({}, {"chunks": [chunk(b"of secret")]}):
            doc = eva.call("POST", START, {"fileId": mine["fileId"], "sizeBytes": 9, "baseVersionId": base, **chunks})
            eva.send_parts(doc, b"of secret", chunks.get("chunks"))
            error = refused("409 version_conflict", eva, "POST", COMPLETE, {"uploadSessionId": doc["uploadSessionId"]})
            said.append((doc["expectedBaseVersion"] == base, doc.get("missing"), error["currentVersionId"]))
    assert said[:2] == said[2:] and said[1] == (True, [0], mine["versionId"]), said
    # Who sees that file is told of the mistake.
    for who, base in ((eva, other), (api, secret)):
        refused("400 invalid_request", who, "POST", START, {"fileId": mine["fileId"], "sizeBytes": 0, "baseVersionId": base["versionId"]})


def missing():
    ws = workspace("missing")
    where = {"workspaceId": ws, "parentFolderId": "root"}
    session = api.call("POST", START, dict(where, name="parts", sizeBytes=9 << 20))
    part = b"x" * (8 << 20)
    assert put(target_of(session, 1), part)[0] == 200
    error = refused("409 incomplete_upload", api, "POST", COMPLETE, {"uploadSessionId": session["uploadSessionId"]})
    assert error["missingParts"] == [2], error
    # What is listed of a part must be so.
    session = api.call("POST", START, dict(where, name="listed", sizeBytes=5))
    etag = put(target_of(session, 1), b"hello")[1]["etag"]
    end, right = {"uploadSessionId": session["uploadSessionId"]}, chunk(b"hello")["hash"]

    def listed(**more):
        return dict(end, parts=[dict({"partNumber": 1, "etag": etag}, **more)])

    for wrong in (listed(sha256="0" * 64), listed(etag="0" * 32), listed(partNumber=2), dict(end, parts=[])):
        assert refused("409 incomplete_upload", api, "POST", COMPLETE, wrong)["missingParts"] in ([1], [2])
    for wrong in (5, [1], "zz", {}, right[:-1]):
        refused("400 invalid_request", api, "POST", COMPLETE, listed(sha256=wrong))
    api.call("POST", COMPLETE, listed(sha256="sha256:" + right))
    # Each once, in whatever order.
    session = api.call("POST", START, dict(where, name="order", sizeBytes=2 * len(part) + 1))
    parts = [{"partNumber": n, "etag": put(target_of(session, n), p)[1]["etag"]} for n, p in enumerate((part, part, b"e"), 1)]
    end = {"uploadSessionId": session["uploadSessionId"]}
    assert "partNumber 3" in refused("400 invalid_request", api, "POST", COMPLETE, dict(end, parts=parts + parts[2:]))["message"]
    error = refused("409 incomplete_upload", api, "POST", COMPLETE, dict(end, parts=[parts[2], parts[0]]))
    assert error["missingParts"] == [2], error
    api.call("POST", COMPLETE, dict(end, parts=[parts[2], parts[0], parts[1]]))
    a, b = b"first chunk", b"second chunk"
    api.upload(a, name="there", **where)
    session = api.call("POST", START, dict(where, name="both", sizeBytes=len(a + b), chunks=[chunk(a), chunk(b)],
                                           sha256=hashlib.sha256(a + b).hexdigest()))
    assert session["missing"] == [1] and [t["partNumber"] for t in session["uploadTargets"]] == [2], session
    for wrong in (b"second chunK", b"second chun", b"second chunks"):
        status, doc = put(target_of(session, 2), wrong)
        assert status == 400, (status, doc)
        assert doc["error"]["code"] == ("checksum_mismatch" if len(wrong) == len(b) else "invalid_request"), doc
    assert put(target_of(session, 2), b)[0] == 200
    done = api.call("POST", COMPLETE, {"uploadSessionId": session["uploadSessionId"]})
    assert api.download(done["fileId"])[0] == a + b
    status, doc = batch(ws, create("c", b"not there", a, b"nor this"))
    assert doc["results"][0]["error"]["code"] == "missing_chunks" and doc["results"][0]["error"]["missing"] == [0, 2], doc
    bad = api.call("POST", START, dict(where, name="bad", sizeBytes=len(a + b), chunks=[chunk(a), chunk(a)][:1] + [chunk(b)],
                                       sha256=hashlib.sha256(b"else").hexdigest()))
    api.send_parts(bad, a + b, [chunk(a), chunk(b)])
    refused("400 checksum_mismatch", api, "POST", COMPLETE, {"uploadSessionId": bad["uploadSessionId"]})


def tickets():
    ws = workspace("tickets")
    where = {"workspaceId": ws, "parentFolderId": "root"}
    session = api.call("POST", START, dict(where, name="a", sizeBytes=(8 << 20) + 1))
    other = api.call("POST", START, dict(where, name="b", sizeBytes=1))
    url = urllib.parse.urlsplit(target_of(session, 2))
    ticket = urllib.parse.parse_qs(url.query)["ticket"][0]
    assert put(target_of(session, 2), b"x")[0] == 200

    def try_ticket(text, path=url.path):
        return api.raw("PUT", path + "?ticket=" + urllib.parse.quote(text, safe=""), b"x", authorize=False)[0]

    assert try_ticket(ticket) == 200
    for i, c in enumerate(ticket):
        for bit in range(7):
            forged = ticket[:i] + chr(ord(c) ^ 1 << bit) + ticket[i + 1:]
            status = try_ticket(forged)
            assert status in (400, 403), "bit %d of byte %d: %d" % (bit, i, status)
    for forged in ("", ticket[:-1], ticket + "0", ticket.upper(), "tkt_"):
        assert try_ticket(forged) == 403
    # Of another part, another session, another purpose.
    assert try_ticket(ticket, url.path[:-1] + "1") == 403
    assert try_ticket(ticket, urllib.parse.urlsplit(target_of(other, 1)).path[:-1] + "2") == 403
    done = api.upload(b"y", name="c", **where)
    content = api.call("GET", "/v1/files/%s/download" % done["fileId"])["downloadUrl"]
    assert try_ticket(urllib.parse.parse_qs(urllib.parse.urlsplit(content).query)["ticket"][0]) == 403
    assert api.raw("PUT", url.path, b"x", authorize=False)[0] == 403


def revoked():
    ws = workspace("revoked")
    kim = user("kim")
    subprocess.run([os.environ["FSCTL"], "--data", os.environ["STORE"], "grant", "add", "revoked", "kim", "editor"], check=True)
    where = {"workspaceId": ws, "parentFolderId": "root"}
    session = kim.call("POST", START, dict(where, name="a", sizeBytes=(8 << 20) + 1))
    assert put(target_of(session, 2), b"x")[0] == 200
    _, pack = stage(ws, b"packed", who=kim)
    # Nobody but who staged it makes a file of it; what is staged tells nobody that it is there.
    assert batch(ws, create("stolen", b"packed"), staged=[pack["stagingId"]])[0] == 410
    assert batch(ws, create("stolen", b"packed"))[1]["results"][0]["error"]["code"] == "missing_chunks"
    refused("404 not_found", api, "GET", "/v1/uploads/" + session["uploadSessionId"])
    # The last right goes while a part is on its way.
    url, half = urllib.parse.urlsplit(target_of(session, 1)), b"z" * (4 << 20)
    slow = http.client.HTTPConnection(api.host, api.port, timeout=60)
    slow.putrequest("PUT", url.path + "?" + url.query)
    slow.putheader("Content-Length", str(2 * len(half)))
    slow.endheaders(half)
    subprocess.run([os.environ["FSCTL"], "--data", os.environ["STORE"], "grant", "remove", "revoked", "kim"], check=True)
    slow.send(half)
    status = slow.getresponse().status
    slow.close()
    assert status in (403, 404), status
    assert put(target_of(session, 2), b"y")[0] in (403, 404)
    for call in (("GET", "/v1/uploads/" + session["uploadSessionId"], None), ("POST", START, dict(where, name="b", sizeBytes=1)),
                 ("POST", COMPLETE, {"uploadSessionId": session["uploadSessionId"]}),
                 ("POST", BATCH, {"workspaceId": ws, "operations": [create("b")]})):
        status, doc = kim.try_call(*call)
        assert status in (403, 404), (call, status, doc)
    assert stage(ws, b"more", who=kim)[0] in (403, 404)
    assert not at(ws, "a") and not at(ws, "b")


def out_of_sight():
    """A session reaches nothing that its user doesn't see any more, and tells nothing of it."""
    ws = workspace("out-of-sight")
    pat = user("pat")
    shared, private = (api.call("POST", "/v1/folders", {"workspaceId": ws, "parentFolderId": "root", "name": n})["id"]
                       for n in ("shared", "private"))
    api.call("POST", "/v1/folders/%s:share" % shared, {"principalName": "pat", "role": "editor"})
    original, evil = b"original", b"evil"

    def session(name, data, **more):
        """A file in the shared folder, an upload of Pat's to it, and then it is in the private one."""
        made = api.upload(original, parentFolderId=shared, name=name)
        started = pat.call("POST", START, dict(more, fileId=made["fileId"], sizeBytes=len(data)))
        pat.send_parts(started, data)
        api.call("PATCH", "/v1/files/" + made["fileId"], {"parentFolderId": private, "name": "secret-" + name})
        return made, started

    def stays_out(started, **more):
        for end in ({}, {"onConflict": "rename"}, more):
            status, doc = pat.try_call("POST", COMPLETE, dict(end, uploadSessionId=started["uploadSessionId"]))
            assert status in (404, 409) and "secret" not in str(doc), (status, doc)
            assert doc["error"]["code"] != "version_conflict" and "currentVersionId" not in doc["error"], doc

    made, started = session("a", evil)
    stays_out(started, clientObservedBaseVersion=made["versionId"])
    assert api.download(made["fileId"])[0] == original
    assert put(target_of(started, 1), evil)[0] in (404, 409)
    assert pat.try_call("GET", "/v1/uploads/" + started["uploadSessionId"])[0] in (404, 409)
    # Under another name in a folder of his own, or back in sight, it goes on.
    done = pat.call("POST", COMPLETE, {"uploadSessionId": started["uploadSessionId"], "name": "mine", "parentFolderId": shared})
    assert done["fileId"] != made["fileId"] and api.download(done["fileId"])[0] == evil
    made, started = session("b", evil)
    newer = api.upload(b"newer", fileId=made["fileId"])
    stays_out(started, clientObservedBaseVersion=newer["versionId"])
    api.call("PATCH", "/v1/files/" + made["fileId"], {"parentFolderId": shared, "name": "b"})
    assert refused("409 version_conflict", pat, "POST", COMPLETE,
                   {"uploadSessionId": started["uploadSessionId"]})["currentVersionId"] == newer["versionId"]
    # The same content is not told to be the same; what was deleted out of sight doesn't come back.
    made, started = session("c", original, sha256=hashlib.sha256(original).hexdigest())
    stays_out(started)
    api.call("DELETE", "/v1/files/" + made["fileId"])
    stays_out(started)
    assert not at(ws, "private/secret-c") and not at(ws, "shared/c")
    # Who loses the role while parts are there writes no more.
    made = api.upload(original, parentFolderId=shared, name="d")
    started = pat.call("POST", START, {"fileId": made["fileId"], "sizeBytes": len(evil)})
    pat.send_parts(started, evil)
    api.call("POST", "/v1/folders/%s:share" % shared, {"principalName": "pat", "role": "viewer"})
    assert pat.try_call("POST", COMPLETE, {"uploadSessionId": started["uploadSessionId"]})[0] == 403
    assert api.download(made["fileId"])[0] == original


def lost_replies():
    """The same call with the same key: the same answer, once done; with another body refused."""
    ws = workspace("lost-replies")
    where = {"workspaceId": ws, "parentFolderId": "root"}
    start = dict(where, name="a", sizeBytes=1)
    first, again = api.call("POST", START, start, key="s1"), api.call("POST", START, start, key="s1")
    assert first["uploadSessionId"] == again["uploadSessionId"] and again["uploadTargets"]
    refused("422 idempotency_mismatch", api, "POST", START, dict(start, name="b"), key="s1")
    api.send_parts(first, b"x")
    end = {"uploadSessionId": first["uploadSessionId"]}
    assert api.call("POST", COMPLETE, end, key="c1") == api.call("POST", COMPLETE, end, key="c1")
    # Also when what they were for is gone meanwhile.
    folder = api.call("POST", "/v1/folders", {"workspaceId": ws, "parentFolderId": "root", "name": "gone"})["id"]
    start = {"parentFolderId": folder, "name": "a", "sizeBytes": 1}
    left, other = api.call("POST", START, start, key="s2"), api.call("POST", START, dict(start, name="b"))
    api.send_parts(other, b"x")
    end = {"uploadSessionId": other["uploadSessionId"]}
    done = api.call("POST", COMPLETE, end, key="c2")
    api.call("DELETE", "/v1/folders/" + folder)
    assert api.call("POST", START, start, key="s2")["uploadSessionId"] == left["uploadSessionId"]
    assert api.call("POST", COMPLETE, end, key="c2") == done
    path = "/v1/uploads/" + left["uploadSessionId"]
    for _ in range(2):
        assert api.raw("DELETE", path, key="d1")[0] == 204
    assert api.raw("DELETE", path, key="d2")[0] == 404
    refused("410 upload_expired", api, "POST", START, start, key="s2")
    before = stage(ws, b"one", b"two", key="p1")
    assert before[0] == 200 and stage(ws, b"one", b"two", key="p1") == before
    assert stage(ws, b"one", b"owt", key="p1")[0] == 422
    staged = [before[1]["stagingId"]]
    operations = [{"op": "folder", "parentFolderId": "root", "name": "f"}, create("one", b"one"), create("a", b"two")]
    one = batch(ws, *operations, staged=staged, key="b1")
    assert one[0] == 200 and batch(ws, *operations, staged=staged, key="b1") == one
    assert batch(ws, *operations[:1], staged=staged, key="b1")[0] == 422
    assert [r["status"] for r in one[1]["results"]] == ["ok", "ok", "error"], one
    sequence = api.changes("begin", ws)[0][-1]["sequence"]
    assert sequence == one[1]["sequence"], (sequence, one)


def silent():
    """What a workspace is told of its own contents does not tell whether another one has them, had them first or lets go of them."""
    ws, theirs = workspace("silent"), workspace("theirs")
    known, guessed = os.urandom(50000), os.urandom(50000)

    def told(which):
        return [api.call("POST", START, {"workspaceId": to, "parentFolderId": "root", "name": "q", "sizeBytes": len(which),
                                         "chunks": [chunk(which)]})["missing"] for to in (ws, theirs)]

    def upload(to, which, name):
        return api.upload(which, workspaceId=to, parentFolderId="root", name=name)

    secret = upload(theirs, known, "secret")
    assert told(known) == [[0], []] and told(guessed) == [[0], [0]]
    both = [upload(ws, which, "probe%d" % i) for i, which in enumerate((known, guessed))]
    assert told(known)[0] == told(guessed)[0] == []
    admin.good("PATCH", "/workspaces/theirs", {"historyMs": 0})
    api.call("DELETE", "/v1/files/" + secret["fileId"])
    assert told(known) == [[], [0]] and told(guessed)[0] == []
    upload(theirs, guessed, "late")
    assert told(guessed) == [[], []]
    # Nor is a batch told other things than a session.
    assert [batch(ws, dict(create("c%d" % i), chunks=[chunk(which)], sizeBytes=50000))[1]["results"][0]["status"]
            for i, which in enumerate((known, guessed))] == ["ok", "ok"]
    admin.good("PATCH", "/workspaces/silent", {"historyMs": 0})
    for made in both:
        api.call("DELETE", "/v1/files/" + made["fileId"])
    assert told(known) == [[0], [0]] and told(guessed) == [[0], []]


def collected():
    """What a session was told to be there stays there, whatever is deleted and collected meanwhile."""
    ws = workspace("collected")
    where = {"workspaceId": ws, "parentFolderId": "root"}
    a, b = os.urandom(100000), os.urandom(5000)
    source = api.upload(a, name="source", **where)
    chunks = [chunk(a), chunk(b)]
    session = api.call("POST", START, dict(where, name="both", sizeBytes=len(a + b), chunks=chunks))
    assert session["missing"] == [1]
    _, pack = stage(ws, b"in the pack")
    api.call("DELETE", "/v1/files/" + source["fileId"])
    admin.good("PATCH", "/workspaces/collected", {"historyMs": 0})
    collect()
    collect()
    assert put(target_of(session, 2), b)[0] == 200
    collect()
    done = api.call("POST", COMPLETE, {"uploadSessionId": session["uploadSessionId"]})
    assert done["contentHash"] is None
    status, doc = batch(ws, create("packed", b"in the pack"), staged=[pack["stagingId"]])
    assert doc["results"][0]["status"] == "ok", doc
    collect()
    assert api.download(done["fileId"])[0] == a + b
    assert api.download(doc["results"][0]["fileId"])[0] == b"in the pack"
    # Nobody said what the whole hashes to: it is found out.
    end, wanted = time.monotonic() + 60, "sha256:" + hashlib.sha256(a + b).hexdigest()
    while at(ws, "both")["contentHash"] != wanted:
        assert time.monotonic() < end, at(ws, "both")
        time.sleep(0.2)
    last = [e for e in api.changes("begin", ws)[0] if e["id"] == done["fileId"]][-1]
    assert last["eventType"] == "FILE_METADATA_CHANGED" and last["contentHash"] == wanted, last


# ---- batches


def batches():
    ws = workspace("batches")
    _, pack = stage(ws, b"one", b"two", b"three", b"one")
    assert [c["length"] for c in pack["chunks"]] == [3, 3, 5, 3] and pack["chunks"][0] == dict(chunk(b"one")), pack
    staged = [pack["stagingId"]]
    status, doc = batch(ws, {"op": "folder", "parentFolderId": "root", "name": "f"},
                        {"op": "folder", "parentOp": 0, "name": "g"},
                        dict(create("a", b"one", b"two"), parentOp=1, mtime="2026-11-22T13:52:15.5Z"),
                        create("b", b"three", sha256=chunk(b"three")["hash"]), create("empty"),
                        create("a/b", b"one"), create("b", b"one"), create("b", b"three"), staged=staged)
    refused_in = "operations[2]"
    assert status == 400, (status, doc, refused_in)    # parentFolderId and parentOp at once
    third = create("a", b"one", b"two", mtime="2026-11-22T13:52:15.5Z")
    del third["parentFolderId"]
    third["parentOp"] = 1
    operations = [{"op": "folder", "parentFolderId": "root", "name": "f"}, {"op": "folder", "parentOp": 0, "name": "g"}, third,
                  create("b", b"three", sha256=chunk(b"three")["hash"]), create("empty"), create("a/b", b"one"),
                  create("b", b"one"), create("b", b"three"), create("b", b"one", onConflict="rename"),
                  create("no", b"one", parent="fld_" + ws[3:])]
    status, doc = batch(ws, *operations, staged=staged, atomic=True)
    assert status == 409 and doc["error"]["code"] == "invalid_name" and doc["error"]["index"] == 5, (status, doc)
    assert not at(ws, "f") and not at(ws, "b") and not api.changes("begin", ws)[0]
    status, doc = batch(ws, *operations, staged=staged)
    got = [r["status"] if r["status"] == "ok" else r["error"]["code"] for r in doc["results"]]
    assert got == ["ok"] * 5 + ["invalid_name", "version_conflict", "ok", "ok", "not_found"], got
    assert doc["results"][7]["unchanged"] and doc["results"][8]["conflictOf"] == doc["results"][3]["fileId"], doc
    sequences = [r["sequence"] for r in doc["results"] if r["status"] == "ok"]
    assert sequences == sorted(sequences) and sequences[-1] == doc["sequence"]
    events = api.changes("begin", ws)[0]
    assert api.download(doc["results"][2]["fileId"])[0] == b"onetwo"
    assert at(ws, "f/g/a")["mtime"].startswith("2026-11-22T13:52:15.5"), at(ws, "f/g/a")
    assert at(ws, "empty")["sizeBytes"] == 0
    f, a, b = doc["results"][0]["folderId"], doc["results"][2], doc["results"][3]
    version = dict(create("x", b"two"), op="version", fileId=b["fileId"], baseVersionId=b["versionId"])
    del version["parentFolderId"], version["name"]
    before = len(events)
    status, doc = batch(ws, version, {"op": "move", "id": a["fileId"], "parentFolderId": "root", "name": "moved"},
                        {"op": "delete", "id": f, "baseSequence": doc["sequence"]}, {"op": "delete", "id": b["fileId"]},
                        staged=staged, atomic=True)
    assert status == 200 and doc["results"][1]["name"] == "moved", (status, doc)
    assert not at(ws, "f") and not at(ws, "b") and at(ws, "moved")["id"] == a["fileId"]
    events = api.changes("begin", ws)[0][before:]
    # Between the two commits and behind them hashes may come that the daemon makes in its own time.
    events = [e for e in events if e["eventType"] != "FILE_METADATA_CHANGED"]
    assert [e["endsCommit"] for e in events] == [False] * (len(events) - 1) + [True], events
    assert [e["sequence"] for e in events] == list(range(events[0]["sequence"], doc["sequence"] + 1)), events
    for wrong in ({}, {"op": "made"}, {"op": "delete"}, dict(create("x"), nmae=1), {"op": "folder", "name": "x", "parentOp": 0}):
        assert batch(ws, wrong)[0] == 400, wrong
    assert batch(ws, *[create("x%d" % i) for i in range(1001)])[0] == 413
    assert batch(ws)[0] == 200
    for body, wanted in ((b"", 400), (b"\5\0\0\0abcd", 400), (b"\0\0\0\0", 400), (b"\1\0\0", 400),
                         (b"\1\0\0\0x" * 1025, 413), ((1 << 30).to_bytes(4, "little") + b"x", 400)):
        status = api.raw("POST", "/v1/chunks?workspaceId=" + ws, body)[0]
        assert status == wanted, (body[:20], status)
    large = [os.urandom(n) for n in (1, 262144, 262145, 1 << 20, 70000)]
    _, pack = stage(ws, *large)
    assert pack["chunks"] == [chunk(c) for c in large]
    _, doc = batch(ws, create("large", *large, sha256=hashlib.sha256(b"".join(large)).hexdigest()),
                   create("wrong", *large, sha256=hashlib.sha256(b"").hexdigest()), staged=[pack["stagingId"]])
    assert doc["results"][1]["error"]["code"] == "checksum_mismatch", doc
    assert api.download(doc["results"][0]["fileId"])[0] == b"".join(large)


def rights():
    ws = workspace("rights")
    lee = user("lee")
    made = {n: api.call("POST", "/v1/folders", {"workspaceId": ws, "parentFolderId": "root", "name": n})["id"] for n in "rwx"}
    for role, path in (("viewer", "r/"), ("editor", "w/")):
        subprocess.run([os.environ["FSCTL"], "--data", os.environ["STORE"], "grant", "add", "rights/" + path, "lee", role], check=True)
    hidden = api.upload(b"hidden", parentFolderId=made["x"], name="h")
    seen = api.upload(b"seen", parentFolderId=made["r"], name="s")
    status, doc = batch(ws, *[create("n", parent=made[n]) for n in "rwx"], create("top"),
                        {"op": "folder", "parentFolderId": made["w"], "name": "sub"},
                        {"op": "delete", "id": hidden["fileId"]}, {"op": "delete", "id": seen["fileId"]},
                        {"op": "move", "id": seen["fileId"], "parentFolderId": made["w"]},
                        create("copied", b"hidden", parent=made["w"]), who=lee)
    got = [r["status"] if r["status"] == "ok" else r["error"]["code"] for r in doc["results"]]
    assert got == ["access_denied", "ok", "not_found", "not_found", "ok", "not_found", "access_denied", "access_denied",
                   "missing_chunks"], got
    status, _, pack = lee.raw("POST", "/v1/chunks?folderId=" + made["w"], b"\1\0\0\0x")
    assert status == 200, pack
    assert lee.raw("POST", "/v1/chunks?folderId=" + made["r"], b"\1\0\0\0x")[0] == 403
    assert lee.raw("POST", "/v1/chunks?workspaceId=" + ws, b"\1\0\0\0x")[0] in (403, 404)
    status, doc = batch(ws, create("x", b"x", parent=made["w"]), who=lee, staged=[json.loads(pack)["stagingId"]])
    assert doc["results"][0]["status"] == "ok", doc


if __name__ == "__main__":
    try:
        globals()[sys.argv[1]]()
    except ApiError as e:
        raise SystemExit("%s: %s" % (e, e.error)) from e
