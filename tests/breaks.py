"""Calls that want more than was given, and what no client would send: breaks.py PART. The parts are the functions below."""

import hashlib
import http.client
import json
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from api import Api  # noqa: E402
from parallel import Admin, client, together  # noqa: E402

api, admin, s3 = Api(), Admin(), client()


def workspace(name):
    return admin.good("POST", "/workspaces", {"name": name})["workspaceId"]


def put(bucket, key, body):
    assert s3.request("PUT", "/%s/%s" % (bucket, key), body=body)[0] == 200


def user(name):
    admin.good("POST", "/users", {"name": name})
    return Api(admin.good("POST", "/users/%s/tokens" % name, {})["token"])


def grant(verb, *args):
    subprocess.run([os.environ["FSCTL"], "--data", os.environ["STORE"], "grant", verb, *args], check=True,
                   stdout=subprocess.DEVNULL)


def raw(method, target, body=None):
    c = http.client.HTTPConnection("127.0.0.1", int(os.environ["FSD_PORT"]), timeout=60)
    c.request(method, target, body, {"Authorization": "Bearer " + api.token})
    reply = c.getresponse()
    return reply.status, reply.read()


def upload(who, data, **more):
    """A session whose bytes are there: its id."""
    started = who.good("POST", "/files:start-upload", dict(sizeBytes=len(data), **more))
    for target in started["uploadTargets"]:
        status, reply = raw("PUT", target["url"][target["url"].index("/v1"):], data)
        assert status == 200, reply
    return started["uploadSessionId"]


def complete(session, **more):
    return "POST", "/files:complete-upload", dict(uploadSessionId=session, **more)


def one_file():
    ws = workspace("one-file")
    for key in ("in/f", "in/other", "in/sub/x"):
        put("one-file", key, key.encode())
    editor = user("one-file-editor")
    grant("add", "one-file/in/f", "one-file-editor", "editor")
    f, other = api.find(ws, "in/f"), api.find(ws, "in/other")
    # Its content is theirs to change.
    done = editor.good(*complete(upload(editor, b"new", fileId=f["id"])))
    # Other names in the folder are not, and whether they are taken isn't told.
    for name in ("injected", "other", "sub"):
        for more in ({}, {"clientObservedBaseVersion": other["versionId"]}):
            editor.bad("403 access_denied", *complete(upload(editor, b"evil", fileId=f["id"]), name=name, **more))
        editor.bad("403 access_denied", "PATCH", "/files/" + f["id"], {"name": name})
        moved = editor.good("POST", "/files:commit-batch", {"workspaceId": ws, "operations": [
            {"op": "move", "id": f["id"], "name": name}]})
        assert moved["results"][0]["error"]["code"] == "access_denied", moved
    # Nor is a conflict copy, which is a file of its own.
    for start, end in (({"onConflict": "rename"}, {}), ({}, {"onConflict": "rename"})):
        session = upload(editor, b"late", fileId=f["id"], baseVersionId=f["versionId"], **start)
        error = editor.bad("409 version_conflict", *complete(session, **end))
        assert error["currentVersionId"] == done["versionId"], error
    batch = editor.good("POST", "/files:commit-batch", {"workspaceId": ws, "operations": [
        {"op": "version", "fileId": f["id"], "baseVersionId": f["versionId"], "chunks": [], "sizeBytes": 0,
         "onConflict": "rename"}]})
    assert batch["results"][0]["error"]["code"] == "version_conflict", batch
    # Attributes are the file's.
    editor.good("PATCH", "/files/" + f["id"], {"mode": "0600"})
    inside = api.good("GET", "/folders/%s/children" % api.find(ws, "in/")["id"])["entries"]
    assert [e["name"] for e in inside] == ["f", "other", "sub"], inside
    assert api.find(ws, "in/other")["versionId"] == other["versionId"]
    # A shared folder is not moved out of the one that it is in either; what is in it can be moved about.
    grant("add", "one-file/in/sub/", "one-file-editor", "editor")
    sub, x = api.find(ws, "in/sub/"), api.find(ws, "in/sub/x")
    made = editor.good("POST", "/folders", {"parentFolderId": sub["id"], "name": "deep"})
    editor.bad("403 access_denied", "PATCH", "/folders/" + sub["id"], {"name": "gone"})
    assert editor.good("PATCH", "/files/" + x["id"], {"parentFolderId": made["id"], "name": "y"})["path"] == "sub/deep/y"


def above():
    ws = workspace("above")
    for key in ("hidden/shared/f", "hidden/alone", "hidden/g"):
        put("above", key, key.encode())
    reader = user("above-reader")
    grant("add", "above/hidden/shared/", "above-reader", "viewer")
    grant("add", "above/hidden/g", "above-reader", "viewer")
    shared = api.find(ws, "hidden/shared/")
    assert api.find(ws, "hidden/g")["path"] == "hidden/g"
    for path, shown, parent in (("shared/", "shared", None), ("shared", "shared", None), ("shared/f", "shared/f", shared["id"]),
                                ("g", "g", None)):
        node = reader.find(ws, path)
        assert node["path"] == shown and node["parentFolderId"] == parent, node
        same = reader.good("GET", "/%ss/%s" % (node["kind"], node["id"]))
        assert same["path"] == shown and same["parentFolderId"] == parent, same
    entries = {e["path"]: e["parentFolderId"] for e in reader.good("GET", "/tree", workspaceId=ws)["entries"]}
    assert entries == {"shared": None, "shared/f": shared["id"], "g": None}, entries
    # What is there and what is not are answered alike, also above what was shared.
    for path in ("hidden/alone", "hidden/shared/f", "hidden/g", "hidden", "hidden/", "g/", "", "/", "shared/f/"):
        there, not_there = (reader.bad("404 not_found", "GET", "/lookup", workspaceId=ws, path=p) for p in (path, "blone"))
        assert there["message"].replace('"%s"' % path, '"blone"') == not_there["message"], (there, not_there)
    # Of two with one name: the file, or what was made first and has it.
    put("above", "other/shared/only", b"o")
    put("above", "other/shared/f", b"o")
    grant("add", "above/other/shared/", "above-reader", "viewer")
    assert reader.find(ws, "shared")["id"] == shared["id"] and reader.find(ws, "shared/f")["parentFolderId"] == shared["id"]
    assert reader.find(ws, "shared/only")["id"] == api.find(ws, "other/shared/only")["id"]
    grant("add", "above/other/shared/only", "above-reader", "viewer")
    assert reader.find(ws, "only") is None and reader.find(ws, "shared/only")["path"] == "shared/only"
    put("above", "third/shared", b"file")
    grant("add", "above/third/shared", "above-reader", "viewer")
    assert reader.find(ws, "shared")["kind"] == "file" and reader.find(ws, "shared/")["id"] == shared["id"]
    assert s3.request("GET", "/above--at-1/")[0] in (200, 404)


def again():
    ws = workspace("again")
    put("again", "f", b"one")
    put("again", "sub/x", b"x")
    editor = user("again-editor")
    grant("add", "again/sub/", "again-editor", "editor")
    sub = api.find(ws, "sub/")
    session = upload(editor, b"mine", parentFolderId=sub["id"], name="new")
    done = editor.good(*complete(session, deviceId=None))
    assert done["contentHash"] == "sha256:" + hashlib.sha256(b"mine").hexdigest() and done["name"] == "new"
    put("again", "sub/new", b"of another")
    repeated = editor.good(*complete(session))
    assert repeated == done, repeated
    grant("remove", "again/sub/", "again-editor")
    api.good("PATCH", "/files/" + done["fileId"], {"name": "renamed"})
    repeated = editor.good(*complete(session))
    assert repeated["versionId"] == done["versionId"] and repeated["name"] == "", repeated


def marked():
    ws = workspace("marked")

    def versioning(status):
        body = "<VersioningConfiguration><Status>%s</Status></VersioningConfiguration>" % status
        assert s3.request("PUT", "/marked", {"versioning": ""}, body.encode())[0] == 200

    def delete(key):
        assert s3.request("DELETE", "/marked/" + key)[0] == 204

    def content(key):
        status, _, body = s3.request("GET", "/marked/" + key)
        return body if status == 200 else status
    versioning("Suspended")
    put("marked", "d/f", b"old")
    put("marked", "d/f", b"hidden")
    f, d = api.find(ws, "d/f"), api.find(ws, "d/")
    # The null marker takes the place of the null version, which is history.
    delete("d/f")
    back = api.good("POST", "/files/%s:undelete" % f["id"], {})
    assert back["id"] == f["id"] and content("d/f") == b"hidden", back
    changes = api.good("GET", "/changes", workspaceId=ws, cursor="begin")["changes"]
    assert changes[-1]["eventType"] == "FILE_RESTORED", changes[-1]
    delete("d/f")
    assert api.good("POST", "/folders/%s:undelete" % d["id"], {})["id"] == d["id"] and content("d/f") == b"hidden"
    delete("d/f")
    assert api.good("POST", "/files/%s:undelete" % f["id"], {"name": "g"})["path"] == "d/g" and content("d/g") == b"hidden"
    # Deleted more than once.
    versioning("Enabled")
    put("marked", "e/f", b"there")
    f, e = api.find(ws, "e/f"), api.find(ws, "e/")
    for node in ("/files/" + f["id"], "/folders/" + e["id"]):
        for _ in range(3):
            delete("e/f")
        api.good("POST", node + ":undelete", {})
        assert content("e/f") == b"there" and s3.request("GET", "/marked", {"versions": "", "prefix": "e/"})[2].count(b"<DeleteMarker>") == 0
    # A marker that hid nothing.
    put("marked", "n/x", b"x")
    n = api.find(ws, "n/")
    delete("n/nothing")
    delete("n/x")
    api.good("POST", "/folders/%s:undelete" % n["id"], {})
    assert content("n/x") == b"x" and content("n/nothing") == 404


def at_once():
    ws = workspace("at-once")
    top = {"workspaceId": ws, "parentFolderId": "root"}
    a, b = (api.good("POST", "/folders", dict(top, name=n)) for n in "ab")
    session = upload(api, b"once", name="f", **top)
    answers, lock, gate = {}, threading.Lock(), threading.Barrier(48)

    def storm(what, method, path, body, headers):
        def run():
            mine = Api()
            gate.wait(60)
            reply = mine.call(method, path, body, headers)
            with lock:
                answers.setdefault(what, []).append(reply)
        return run
    # One key: one folder, one answer. Two moves that cross: one of them. One session: one version.
    together([storm(*("make", "POST", "/folders", dict(top, name="c"), {"Idempotency-Key": "at-once"}) if i % 4 == 0 else
              ("a", "PATCH", "/folders/" + a["id"], {"parentFolderId": b["id"]}, None) if i % 4 == 1 else
              ("b", "PATCH", "/folders/" + b["id"], {"parentFolderId": a["id"]}, None) if i % 4 == 2 else
              ("end", "POST", "/files:complete-upload", {"uploadSessionId": session}, None)) for i in range(48)])
    made = [reply for status, reply in answers["make"] if status == 201]
    assert made and all(reply == made[0] for reply in made), made
    for status, reply in answers["make"]:
        assert status == 201 or reply["error"]["code"] == "idempotency_running", reply
    assert len({reply["versionId"] for status, reply in answers["end"] if status == 201}) == 1, answers["end"]
    assert all(status == 201 for status, reply in answers["end"]), answers["end"]
    moved = [any(status == 200 for status, _ in answers[n]) for n in "ab"]
    assert moved[0] != moved[1], answers
    for status, reply in answers["b" if moved[0] else "a"]:
        assert status == 409 and reply["error"]["code"] == "would_cycle", reply
    paths = sorted(e["path"] for e in api.good("GET", "/tree", workspaceId=ws)["entries"])
    assert paths == sorted(["c", "f"] + (["b", "b/a"] if moved[0] else ["a", "a/b"])), paths
    events = [e["eventType"] for e in api.good("GET", "/changes", workspaceId=ws, cursor="begin")["changes"]]
    assert events.count("FOLDER_CREATED") == 3 and events.count("FOLDER_MOVED") == 1 and events.count("FILE_CREATED") == 1, events


def ends():
    ws = workspace("ends")
    put("ends", "f", b"one")
    put("ends", "d/x", b"x")
    f, d, top = api.find(ws, "f"), api.find(ws, "d/"), {"workspaceId": ws, "parentFolderId": "root"}
    for number in ("0", "1", "9223372036854775807"):
        assert api.good("GET", "/files/%s/manifest" % f["id"], **{"from": number})["next"] is None
    api.bad("400 invalid_request", "GET", "/files/%s/manifest" % f["id"], limit="0")
    # A condition that is misspelt is none that is left out.
    api.bad("400 invalid_request", "DELETE", "/folders/" + d["id"], basesequence="1")
    api.bad("400 invalid_request", "DELETE", "/files/" + f["id"], baseVersion=f["versionId"])
    api.bad("400 invalid_request", "POST", "/files:commit-batch", {"workspaceId": ws, "operations": [
        {"op": "delete", "id": d["id"], "baseSequence": 0}]})
    assert api.good("DELETE", "/folders/" + d["id"], baseSequence="0")["kept"] == 1
    for size in (-1, 1.5, 1e300, 2 ** 63, 2 ** 64, "7", None, True, [], {}):
        status, reply = api.call("POST", "/files:start-upload", dict(top, name="n", sizeBytes=size))
        assert status == 400, (size, status, reply)
    assert api.call("POST", "/files:start-upload", dict(top, name="n", sizeBytes=5 << 40))[0] in (200, 507)
    assert api.call("POST", "/files:start-upload", dict(top, name="n", sizeBytes=2 ** 63 - 1))[0] == 413
    for name in ("", ".", "..", "a/b", "a\0b", "a\nb", "x" * 256, "\u20ac" * 86, 7, None):
        status, reply = api.call("POST", "/folders", dict(top, name=name))
        assert status == 400, (name, status, reply)
    for name in ("x" * 255, "\u20ac" * 85, "\u202eevil", "\U0001f600" * 63, "con", " ", "%00", "\\", "name--at-5"):
        made = api.good("POST", "/folders", dict(top, name=name))
        assert made["name"] == name and api.find(ws, name + "/")["id"] == made["id"], made
    for body in (b"", b"{", b"[]", b"null", b"7", b'"x"', b"\0", b"\xff\xfe", b'{"name":"a","name":"b"}', b'{"name":"\\ud800"}',
                 b"[" * 40 + b"]" * 40, b"[" * 100000, b'{"' + b"a" * 100000 + b'":1}', b'{"name":1e999}'):
        status, reply = raw("POST", "/v1/folders", body)
        assert status == 400 and json.loads(reply)["error"]["code"], (body[:40], status, reply)
    folder = "root"
    for level in range(127):
        folder = api.good("POST", "/folders", dict(top, parentFolderId=folder, name="%d" % level))["id"]
    api.bad("413 too_large", "PATCH", "/folders/" + d["id"], {"parentFolderId": api.good("POST", "/folders", dict(top, parentFolderId=folder, name="last"))["id"]})


globals()[sys.argv[1]]()
