"""The change feed over the JSON API, a test a function: changes_json.py FSCTL STORE TEST."""

import json
import os
import random
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from parallel import client, together  # noqa: E402
from sync import ApiError, Sync  # noqa: E402

PORT = int(os.environ["FSD_PORT"])
FSCTL, STORE, TEST = sys.argv[1:4]
ADMIN = Sync("127.0.0.1", PORT, os.environ["FSD_TOKEN"])


def fsctl(*argv):
    out = subprocess.run([FSCTL, "--data", STORE, "--json", *argv], stdout=subprocess.PIPE, check=True).stdout
    return json.loads(out) if out else None


def workspace(name):
    assert client().request("PUT", "/" + name)[0] == 200
    return fsctl("workspace", "show", name)["workspaceId"]


def user(name):
    fsctl("user", "create", name)
    return Sync("127.0.0.1", PORT, fsctl("token", "create", name)["token"])


def refused(status, code, call):
    try:
        call()
    except ApiError as e:
        assert (e.status, e.code) == (status, code), (e.status, e.code, status, code)
        return e.error
    raise AssertionError("not refused: %d %s" % (status, code))


def many():
    name, ws, writers, readers, seconds = "json-many", workspace("json-many"), 16, 16, 6
    done, feeds = threading.Event(), [None] * readers

    def writer(number):
        s3, sync, rng, mine = client(), Sync("127.0.0.1", PORT, ADMIN.token), random.Random(number), []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            roll, key = rng.random(), "d%d/w%02d/k%d" % (rng.randrange(3), number, rng.randrange(8))
            if roll < 0.5:
                assert s3.request("PUT", "/%s/%s" % (name, key), body=b"%d" % rng.randrange(1 << 30))[0] == 200
            elif roll < 0.7:
                assert s3.request("DELETE", "/%s/%s" % (name, key))[0] == 204
            elif roll < 0.85:
                got = sync.call("POST", "/v1/folders", {"workspaceId": ws, "parentFolderId": "root", "name": "f%d-%d" % (number, len(mine))})
                mine.append(got["id"])
            elif len(mine) > 1:
                a, b = rng.sample(mine, 2)
                sync.try_call("PATCH", "/v1/folders/" + a, {"parentFolderId": b})

    def reader(number):
        sync, rng, cursor, feed, more = Sync("127.0.0.1", PORT, ADMIN.token), random.Random(number), None, [], True
        if number % 4 == 3:
            time.sleep(seconds / 2)
        while True:
            last = done.is_set()
            page = sync.call("GET", "/v1/changes", cursor=cursor or "begin", workspaceId=None if cursor else ws,
                             limit=rng.choice((1, 7, 100, 1000)), wait=rng.choice((None, 1)) if not last else None)
            for change in page["changes"]:
                # Events of folders' markers are left out, and nothing else.
                assert change["sequence"] > (feed[-1]["sequence"] if feed else 0)
                feed.append(change)
            assert page["hasMore"] or not page["changes"] or page["changes"][-1]["endsCommit"]
            cursor, more = page["nextCursor"], page["hasMore"]
            if last and not more:
                break
        feeds[number] = feed

    def write():
        try:
            together([lambda n=n: writer(n) for n in range(writers)], 200)
        finally:
            done.set()
    together([write] + [lambda n=n: reader(n) for n in range(readers)], 300)
    first = [(c["sequence"], c["eventType"], c["id"], c["name"], c["versionId"], c["endsCommit"]) for c in feeds[0]]
    for number, feed in enumerate(feeds):
        assert [(c["sequence"], c["eventType"], c["id"], c["name"], c["versionId"], c["endsCommit"]) for c in feed] == first, \
            "reader %d saw another feed" % number
    nodes = {}
    for c in feeds[0]:
        if c["eventType"] in ("FILE_DELETED", "FOLDER_DELETED"):
            nodes.pop(c["id"], None)
        else:
            nodes[c["id"]] = (c["kind"], c["parentFolderId"], c["name"])
    entries, _, _ = ADMIN.tree(ws)
    listed = {e["id"]: (e["kind"], e["parentFolderId"], e["name"]) for e in entries if e["parentFolderId"]}
    assert nodes == listed, sorted(set(nodes.items()) ^ set(listed.items()))[:6]
    print("# %d events, %d readers" % (len(first), readers))


def forged():
    ws, kim = workspace("json-forged"), user("forger")
    fsctl("grant", "add", "json-forged", "forger", "viewer")
    cursor = ADMIN.call("GET", "/v1/changes", cursor="now", workspaceId=ws)["nextCursor"]
    head, raw = cursor[:4], bytes.fromhex(cursor[4:])
    for i in range(len(raw) * 8):
        bad = bytearray(raw)
        bad[i // 8] ^= 1 << i % 8
        refused(400, "cursor_invalid", lambda: ADMIN.call("GET", "/v1/changes", cursor=head + bad.hex()))
    for bad in ("", "cur_", "cur", cursor[:-2], cursor + "00", cursor.upper(), "7", "tkt_" + cursor[4:]):
        refused(400, "cursor_invalid", lambda: ADMIN.call("GET", "/v1/changes", cursor=bad))
    refused(400, "cursor_invalid", lambda: kim.call("GET", "/v1/changes", cursor=cursor))
    other = workspace("json-forged-2")
    refused(400, "cursor_invalid", lambda: ADMIN.call("GET", "/v1/changes", cursor=cursor, workspaceId=other))
    # A cursor keeps its scope.
    root = ADMIN.call("GET", "/v1/workspaces/" + ws)["rootFolderId"]
    a, b = (ADMIN.call("POST", "/v1/folders", {"workspaceId": ws, "parentFolderId": "root", "name": n})["id"] for n in "ab")
    inside = ADMIN.call("GET", "/v1/changes", cursor="now", workspaceId=ws, folderId=a)["nextCursor"]
    assert ADMIN.call("GET", "/v1/changes", cursor=inside, folderId=a)["changes"] == []
    assert len(ADMIN.call("GET", "/v1/changes", cursor=cursor, folderId=root)["changes"]) == 2
    for known, folder in ((cursor, a), (inside, b), (inside, root)):
        refused(400, "cursor_invalid", lambda: ADMIN.call("GET", "/v1/changes", cursor=known, folderId=folder))
    cursor = ADMIN.call("GET", "/v1/changes", cursor="now", workspaceId=ws)["nextCursor"]
    refused(400, "invalid_request", lambda: ADMIN.call("GET", "/v1/changes", cursor=cursor, limit=0))
    refused(400, "invalid_request", lambda: ADMIN.call("GET", "/v1/changes", cursor=cursor, wait=121))
    refused(400, "invalid_request", lambda: ADMIN.call("GET", "/v1/changes", cursor=cursor, wiat=1))
    refused(404, "not_found", lambda: kim.call("GET", "/v1/changes", cursor="begin", workspaceId=other))
    assert ADMIN.call("GET", "/v1/changes", cursor=cursor)["changes"] == []


def expired():
    """Before and after the log was cut (the cursors are kept in the file CUT)."""
    if not os.path.exists(os.environ["CUT"]):
        ws, s3 = workspace("json-expired"), client()
        for i in range(4):
            s3.request("PUT", "/json-expired/k%d" % i, body=b"x")
        cursors = [ADMIN.call("GET", "/v1/changes", cursor="begin", workspaceId=ws, limit=n)["nextCursor"] for n in (1, 2, 3)]
        with open(os.environ["CUT"], "w") as f:
            json.dump([ws, cursors], f)
        return
    with open(os.environ["CUT"]) as f:
        ws, cursors = json.load(f)
    for cursor, with_ws in ((cursors[0], None), ("begin", ws)):
        error = refused(410, "cursor_expired", lambda: ADMIN.call("GET", "/v1/changes", cursor=cursor, workspaceId=with_ws))
        assert error["listing"] == "/v1/tree?workspaceId=" + ws and error["hint"], error
    assert [c["name"] for c in ADMIN.call("GET", "/v1/changes", cursor=cursors[1])["changes"]] == ["k2", "k3"]
    entries, cursor, _ = ADMIN.tree(ws)
    assert [e["name"] for e in entries if e["kind"] == "file"] == ["k0", "k1", "k2", "k3"]
    assert ADMIN.call("GET", "/v1/changes", cursor=cursor)["changes"] == []


def wait():
    ws, s3 = workspace("json-wait"), client()
    cursor = ADMIN.call("GET", "/v1/changes", cursor="now", workspaceId=ws)["nextCursor"]
    late = []
    for i in range(10):
        told = []

        def ask():
            page = Sync("127.0.0.1", PORT, ADMIN.token).call("GET", "/v1/changes", cursor=cursor, wait=30)
            told.append((time.monotonic(), page))
        thread = threading.Thread(target=ask)
        thread.start()
        time.sleep(0.2)
        assert s3.request("PUT", "/json-wait/k%d" % i, body=b"x")[0] == 200
        at = time.monotonic()
        thread.join(90)
        assert [c["name"] for c in told[0][1]["changes"]] == ["k%d" % i]
        cursor = told[0][1]["nextCursor"]
        late.append(told[0][0] - at)
    assert sorted(late)[5] < 5, late    # and not after those 30 s
    began = time.monotonic()
    page = ADMIN.call("GET", "/v1/changes", cursor=cursor, wait=1)
    assert page["changes"] == [] and not page["hasMore"] and 0.9 < time.monotonic() - began < 20
    print("# woken after %.1f ms (median)" % (sorted(late)[5] * 1000))


def ended():
    """A wait ends without a page when the token does."""
    ws = workspace("json-ended")
    fsctl("user", "create", "short")
    fsctl("grant", "add", "json-ended", "short", "viewer")
    short = Sync("127.0.0.1", PORT, fsctl("token", "create", "short", "--expires", "8s")["token"])
    cursor = short.call("GET", "/v1/changes", cursor="now", workspaceId=ws)["nextCursor"]

    def later():
        time.sleep(8.5)
        assert client().request("PUT", "/json-ended/k", body=b"x")[0] == 200
    thread = threading.Thread(target=later)
    thread.start()
    refused(401, "unauthenticated", lambda: short.call("GET", "/v1/changes", cursor=cursor, wait=60))
    thread.join(60)


def deleted():
    ws, s3 = workspace("json-deleted"), client()
    cursor = ADMIN.call("GET", "/v1/changes", cursor="now", workspaceId=ws)["nextCursor"]
    thread = threading.Timer(0.5, lambda: s3.request("DELETE", "/json-deleted"))
    thread.start()
    began = time.monotonic()
    refused(404, "not_found", lambda: Sync("127.0.0.1", PORT, ADMIN.token).call("GET", "/v1/changes", cursor=cursor, wait=60))
    assert time.monotonic() - began < 40
    thread.join(60)


def lost():
    ws, kim, s3 = workspace("json-lost"), user("loser"), client()
    s3.request("PUT", "/json-lost/top/shared/f", body=b"x")
    s3.request("PUT", "/json-lost/top/other", body=b"x")
    refused(404, "not_found", lambda: kim.call("GET", "/v1/changes", cursor="begin", workspaceId=ws))
    fsctl("grant", "add", "json-lost/top/shared/", "loser", "viewer")
    page = kim.call("GET", "/v1/changes", cursor="begin", workspaceId=ws)
    text = json.dumps(page["changes"])
    assert "top" not in text and "other" not in text, text
    assert [(c["eventType"], c["path"], c["parentFolderId"] is None) for c in page["changes"]] == [
        ("FOLDER_CREATED", "shared", True), ("FILE_CREATED", "shared/f", False), ("ACCESS_GAINED", "shared", True)]
    fsctl("grant", "remove", "json-lost/top/shared/", "loser")
    s3.request("PUT", "/json-lost/top/shared/later", body=b"x")
    page = kim.call("GET", "/v1/changes", cursor=page["nextCursor"])
    assert [(c["eventType"], c["name"]) for c in page["changes"]] == [("ACCESS_LOST", "shared")]
    refused(404, "not_found", lambda: kim.call("GET", "/v1/changes", cursor=page["nextCursor"]))


def gained():
    """What comes into view is told with all that a device needs, also a file that is shared by itself."""
    ws, kim, s3 = workspace("json-gained"), user("gainer"), client()
    for key in ("shared", "granted", "first"):
        s3.request("PUT", "/json-gained/top/" + key, body=key.encode())
    fsctl("grant", "add", "json-gained/top/first", "gainer", "viewer")
    cursor = kim.call("GET", "/v1/changes", cursor="now", workspaceId=ws)["nextCursor"]
    nodes = [ADMIN.call("GET", "/v1/lookup", workspaceId=ws, path="top/" + key) for key in ("shared", "granted")]
    ADMIN.call("POST", "/v1/files/%s:share" % nodes[0]["id"], {"principalName": "gainer", "role": "viewer"})
    fsctl("grant", "add", "json-gained/top/granted", "gainer", "viewer")
    told = ("versionId", "sizeBytes", "contentHash")
    seen = kim.call("GET", "/v1/changes", cursor=cursor)["changes"]
    assert [(c["eventType"], c["path"], [c[k] for k in told]) for c in seen] == [
        ("ACCESS_GAINED", n["name"], [n[k] for k in told]) for n in nodes], seen
    # What is told later of the same share is what it was then.
    s3.request("PUT", "/json-gained/top/shared", body=b"other")
    assert kim.call("GET", "/v1/changes", cursor=cursor)["changes"][:2] == seen
    fsctl("grant", "remove", "json-gained/top/granted", "gainer")
    lost = kim.call("GET", "/v1/changes", cursor=cursor)["changes"][-1]
    assert (lost["eventType"], [lost[k] for k in told]) == ("ACCESS_LOST", [None] * 3), lost


def devices():
    ws, kim = workspace("json-devices"), user("owner-of-devices")
    mine = ADMIN.call("POST", "/v1/devices", {"name": "laptop"})["deviceId"]
    theirs = kim.call("POST", "/v1/devices", {"name": "phone"})["deviceId"]
    for bad in ("", "a/b", "x" * 65, "a\nb"):
        refused(400, "invalid_name", lambda: ADMIN.call("POST", "/v1/devices", {"name": bad}))
    refused(400, "invalid_request", lambda: ADMIN.call("POST", "/v1/devices", {"name": "x", "colour": "red"}))
    assert [d["name"] for d in kim.call("GET", "/v1/devices")["devices"]] == ["phone"]
    page = ADMIN.call("GET", "/v1/changes", cursor="begin", workspaceId=ws, deviceId=mine)
    refused(400, "invalid_request", lambda: ADMIN.call("GET", "/v1/changes", cursor="begin", workspaceId=ws, deviceId=theirs))
    cursor = page["nextCursor"]
    ack = ADMIN.call("POST", "/v1/devices/%s:ack" % mine, {"cursor": cursor})
    assert ack["workspaceId"] == ws
    refused(404, "not_found", lambda: ADMIN.call("POST", "/v1/devices/%s:ack" % theirs, {"cursor": cursor}))
    refused(400, "cursor_invalid", lambda: kim.call("POST", "/v1/devices/%s:ack" % theirs, {"cursor": cursor}))
    refused(400, "cursor_invalid", lambda: ADMIN.call("POST", "/v1/devices/%s:ack" % mine, {"cursor": "begin"}))
    ADMIN.device = mine
    made = ADMIN.call("POST", "/v1/folders", {"workspaceId": ws, "parentFolderId": "root", "name": "by laptop"})
    page = ADMIN.call("GET", "/v1/changes", cursor=cursor)
    assert [(c["id"], c["deviceId"]) for c in page["changes"]] == [(made["id"], mine)]
    ADMIN.device = theirs
    refused(400, "invalid_request", lambda: ADMIN.call("POST", "/v1/folders", {"workspaceId": ws, "parentFolderId": "root", "name": "no"}))
    ADMIN.device = None
    assert ADMIN.call("DELETE", "/v1/devices/" + mine) is None
    refused(404, "not_found", lambda: ADMIN.call("DELETE", "/v1/devices/" + mine))


class Stream:
    """Events of GET /v1/events as they come: (seconds, name, data, id)."""

    def __init__(self, token, last=None):
        self.socket = socket.create_connection(("127.0.0.1", PORT), timeout=90)
        self.socket.sendall(("GET /v1/events HTTP/1.0\r\nAuthorization: Bearer %s\r\n%s\r\n" % (
            token, "Last-Event-ID: %s\r\n" % last if last else "")).encode())
        self.file = self.socket.makefile("r", newline="\n")
        assert " 200 " in self.file.readline()
        while self.file.readline().strip():
            pass

    def next(self):
        """The next event, None at the end; comments and retry are passed over."""
        fields = {}
        for line in self.file:
            line = line.rstrip("\n")
            if not line:
                if "event" in fields:
                    return fields["event"], json.loads(fields["data"]), fields.get("id")
                fields = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
        return None


def stream():
    ws, kim = workspace("json-stream"), user("listener")
    token = fsctl("token", "list", "listener")
    mine, theirs = Stream(ADMIN.token), Stream(kim.token)
    while True:    # the heads of all workspaces come first
        name, data, _ = mine.next()
        assert name == "head"
        if data["workspaceId"] == ws:
            break
    file = os.path.join(os.path.dirname(STORE.rstrip("/")), "up")
    with open(file, "w") as f:
        f.write("x")
    subprocess.run(["aws", "--endpoint-url", "http://127.0.0.1:%d" % PORT, "s3", "cp", "--quiet", file, "s3://json-stream/up"], check=True)
    name, data, last = mine.next()
    assert (name, data) == ("head", {"workspaceId": ws, "sequence": 1}), data
    fsctl("grant", "add", "json-stream", "listener", "viewer")
    name, data, _ = theirs.next()
    assert (name, data) == ("workspaces", {"workspaces": [ws]}), data
    name, data, last = theirs.next()
    assert (name, data) == ("head", {"workspaceId": ws, "sequence": 2}), data
    # Who says what it heard last is told what is newer, and that only.
    client().request("PUT", "/json-stream/missed", body=b"x")
    again = Stream(kim.token, last)
    assert again.next()[1]["sequence"] == 3
    tokens = token["tokens"] if isinstance(token, dict) else token
    fsctl("token", "delete", "listener", tokens[0]["tokenId"])
    while theirs.next():
        pass
    while again.next():
        pass
    refused(401, "unauthenticated", lambda: kim.call("GET", "/v1/changes", cursor="begin", workspaceId=ws))


def crowd():
    """A stream that is not for all of its user's workspaces says so."""
    fsctl("user", "create", "crowd", "--may-create-buckets")
    who = Sync("127.0.0.1", PORT, fsctl("token", "create", "crowd")["token"])
    made = [who.call("POST", "/v1/workspaces", {"name": "crowd-%d" % i})["workspaceId"] for i in range(1001)]
    stream = Stream(who.token)
    name, data, _ = stream.next()
    assert name == "workspaces" and data["more"] and data["workspaces"] == made[:1000], (name, len(data["workspaces"]))
    who.call("DELETE", "/v1/workspaces/" + made[1000])
    stream = Stream(who.token)
    heads = [stream.next() for _ in range(1000)]
    assert all(name == "head" for name, _, _ in heads) and {d["workspaceId"] for _, d, _ in heads} == set(made[:1000])
    who.call("DELETE", "/v1/workspaces/" + made[0])
    name, data, _ = stream.next()
    assert name == "workspaces" and data == {"workspaces": made[1:1000]}, (name, data)


globals()[TEST]()
