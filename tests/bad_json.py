"""Bad input to the JSON API: bad_json.py GROUP, or without one a list of the groups.

Each call of /v1/openapi.json is tried with what its description forbids: every case gets a stable code, and nothing changes. Who has
no access is told the same as for things that do not exist, byte for byte.

Environment: FSD_PORT; tokens ANN (owns things), VIC (may read them), EVE (knows their ids), REVOKED, EXPIRED.
"""

import copy
import json
import os
import re
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from openapi import Checked, Schema, fetch_document

GROUPS = {}
FAILED = []
BIG = 2 ** 63
NO_ID = "1"


def group(function):
    GROUPS[function.__name__] = function
    return function


class Scene:
    """What Ann has: a workspace with folders and files, one of each kind in the trash, an open upload, a device, a URL; and a second workspace."""

    def __init__(self):
        self.document = fetch_document()
        self.schema = Schema(self.document)
        self.ann, self.vic, self.eve = (Checked(self.document, os.environ[n]) for n in ("ANN", "VIC", "EVE"))
        ann = self.ann
        tag = "bad-json-%d" % os.getpid()
        self.ws = ann.good("POST", "/workspaces", {"name": tag})["workspaceId"]
        self.ws2 = ann.good("POST", "/workspaces", {"name": tag + "-2"})["workspaceId"]
        self.folder = self.make("root", "folder")
        self.below = self.make(self.folder, "below")
        done = ann.upload(self.ws, self.folder, "file", b"content")
        self.file, self.version = done["fileId"], done["versionId"]
        other = ann.upload(self.ws, self.folder, "other", b"other content")
        self.file2, self.version2 = other["fileId"], other["versionId"]
        self.gone = ann.upload(self.ws, self.folder, "gone", b"gone")["fileId"]
        ann.good("DELETE", "/files/" + self.gone)
        self.gone_folder = self.make("root", "gone folder")
        ann.good("DELETE", "/folders/" + self.gone_folder)
        start = ann.good("POST", "/files:start-upload", {"parentFolderId": self.folder, "name": "begun", "sizeBytes": 5})
        self.upload, self.target = start["uploadSessionId"], start["uploadTargets"][0]["url"]
        self.device = ann.good("POST", "/devices", {"name": "device"})["deviceId"]
        self.cursor = ann.good("GET", "/changes", workspaceId=self.ws, cursor="now")["nextCursor"]
        self.chunk = ann.good("GET", "/files/%s/manifest" % self.file)["chunks"][0]
        self.owner = ann.good("GET", "/workspaces/" + self.ws)["ownerId"]
        given = ann.good("POST", "/workspaces/%s:share" % self.ws, {"principalName": "vic", "role": "viewer"})
        self.vics = given["grant"]["principalId"]
        ann.good("POST", "/folders/%s:share" % self.folder, {"principalName": "vic", "role": "viewer"})
        ann.good("POST", "/files/%s:share" % self.file, {"principalName": "vic", "role": "viewer"})
        self.calls = self.valid_calls()
        self.operations = {o["operationId"]: (m.upper(), p, o) for p, ms in self.document["paths"].items() for m, o in ms.items()}

    def make(self, parent, name):
        return self.ann.good("POST", "/folders", {"workspaceId": self.ws, "parentFolderId": parent, "name": name})["id"]

    def valid_calls(self):
        """operationId: (path parameters, query, body) of a call that would do something."""
        s = self
        file, folder, ws = {"id": s.file}, {"id": s.folder}, {"id": s.ws}
        chunks = [{"hash": s.chunk["hash"], "length": s.chunk["length"]}]
        return {
            "GetOpenApi": ({}, {}, None),
            "ListWorkspaces": ({}, {"limit": 5}, None),
            "CreateWorkspace": ({}, {}, {"name": "bad-json-new", "displayName": "New", "quotaBytes": 5, "historyMs": 5, "versioning": "on"}),
            "GetWorkspace": (ws, {"minSequence": 1}, None),
            "ChangeWorkspace": (ws, {}, {"displayName": "Other", "historyMs": 7, "versioning": "on"}),
            "DeleteWorkspace": ({"id": s.ws2}, {}, None),
            "ShareWorkspace": (ws, {}, {"principalName": "vic", "role": "editor"}),
            "ListWorkspaceGrants": (ws, {"limit": 5}, None),
            "RevokeWorkspace": (dict(ws, principal=s.vics), {}, None),
            "ShareFolder": (folder, {}, {"principalId": s.vics, "role": "editor"}),
            "ListFolderGrants": (folder, {"limit": 5}, None),
            "RevokeFolder": (dict(folder, principal=s.vics), {}, None),
            "ShareFile": (file, {}, {"principalId": s.vics, "role": "editor"}),
            "ListFileGrants": (file, {"limit": 5}, None),
            "RevokeFile": (dict(file, principal=s.vics), {}, None),
            "Lookup": ({}, {"workspaceId": s.ws, "path": "folder/file"}, None),
            "GetTree": ({}, {"workspaceId": s.ws, "limit": 5, "folderId": s.folder}, None),
            "MakeFolder": ({}, {}, {"workspaceId": s.ws, "parentFolderId": "root", "name": "new"}),
            "GetFolder": (folder, {}, None),
            "ListChildren": (folder, {"limit": 5}, None),
            "ChangeFolder": (folder, {}, {"name": "renamed", "parentFolderId": s.below, "workspaceId": s.ws}),
            "DeleteFolder": (folder, {"baseSequence": 1, "recursive": "true"}, None),
            "GetFile": (file, {}, None),
            "ChangeFile": (file, {}, {"name": "renamed", "parentFolderId": "root", "workspaceId": s.ws, "mtime": "2026-11-22T13:52:15Z", "mode": "0600",
                                      "baseVersionId": s.version}),
            "DeleteFile": (file, {"baseVersionId": s.version}, None),
            "ListFileVersions": (file, {"limit": 5}, None),
            "RestoreVersion": (file, {}, {"versionId": s.version, "baseVersionId": s.version2}),
            "UndeleteFile": ({"id": s.gone}, {}, {"name": "back", "parentFolderId": "root", "workspaceId": s.ws}),
            "UndeleteFolder": ({"id": s.gone_folder}, {}, {"name": "back", "parentFolderId": "root", "workspaceId": s.ws}),
            "ListTrash": ({}, {"workspaceId": s.ws, "limit": 5}, None),
            "StartUpload": ({}, {}, {"workspaceId": s.ws, "parentFolderId": "root", "name": "up", "sizeBytes": s.chunk["length"], "contentType": "text/plain",
                                     "sha256": s.chunk["hash"], "chunks": chunks, "baseVersionId": s.version, "onConflict": "fail",
                                     "mtime": "2026-11-22T13:52:15Z", "mode": "0600"}),
            "CompleteUpload": ({}, {}, {"uploadSessionId": s.upload, "parts": [{"partNumber": 1, "etag": "x"}], "clientObservedBaseVersion": s.version,
                                        "name": "up", "parentFolderId": s.folder, "onConflict": "fail"}),
            "ShowUpload": ({"id": s.upload}, {"from": 1}, None),
            "AbortUpload": ({"id": s.upload}, {}, None),
            "PutPart": ({"id": s.upload, "number": "1"}, {}, None),
            "CommitBatch": ({}, {}, {"workspaceId": s.ws, "atomic": True, "stagingIds": [],
                                     "operations": [{"op": "folder", "parentFolderId": "root", "name": "batched"}]}),
            "StageChunks": ({}, {"workspaceId": s.ws}, None),
            "Download": (file, {"version": s.version}, None),
            "GetContent": ({"id": s.version}, {}, None),
            "GetManifest": (file, {"version": s.version, "from": 0, "limit": 5}, None),
            "GetChunk": ({"hash": s.chunk["hash"]}, {"fileId": s.file, "version": s.version}, None),
            "GetChanges": ({}, {"cursor": s.cursor, "limit": 5, "wait": 0}, None),
            "GetEvents": ({}, {}, None),
            "MakeDevice": ({}, {}, {"name": "another"}),
            "ListDevices": ({}, {}, None),
            "DeleteDevice": ({"id": s.device}, {}, None),
            "AckDevice": ({"id": s.device}, {}, {"cursor": s.cursor}),
        }

    def state(self):
        """All that a call could have changed."""
        ann = self.ann
        return [ann.good("GET", "/workspaces"), ann.good("GET", "/devices"), ann.good("GET", "/trash", workspaceId=self.ws),
                ann.good("GET", "/uploads/" + self.upload)["status"], ann.good("GET", "/workspaces/%s/grants" % self.ws),
                [ann.good("GET", "/changes", workspaceId=w, cursor="now")["changes"] for w in (self.ws, self.ws2)]]


def fill(path, params):
    return re.sub(r"\{([a-z]+)\}", lambda m: params[m.group(1)], path)[len("/v1"):]


def send(api, method, path, query, body, token=True, raw=None):
    """(status, reply without its request id as text, error code)."""
    import urllib.parse
    target = "/v1" + path + ("?" + urllib.parse.urlencode(query) if query else "")
    headers = {"Authorization": "Bearer " + (api.token if token is True else token)} if token else {}
    if body is not None or raw is not None:
        raw = json.dumps(body).encode() if raw is None else raw
        headers["Content-Type"] = "application/json"
    api.connection.request(method, target, body=raw, headers=headers)
    reply = api.connection.getresponse()
    data = reply.read()
    text = re.sub(rb'"requestId":"[0-9A-F]{16}"', b'"requestId":""', data).decode("utf-8", "replace")
    if reply.status < 400:
        return reply.status, text, None
    assert data.startswith(b"{"), (method, target, reply.status, reply.getheaders(), data)
    document = json.loads(data)
    wrong = api.schema.errors(document, {"$ref": "#/components/schemas/Error"})
    assert not wrong, (method, target, wrong, document)
    return reply.status, text, document["error"]["code"]


def want(what, got, *allowed):
    """One case: "STATUS code" must be one of those allowed."""
    have = "%d %s" % (got[0], got[2])
    if have not in allowed:
        FAILED.append("%s: wanted %s, got %s: %.300s" % (what, " or ".join(allowed), have, got[1]))


def bodies(scene):
    for name, (method, path, operation) in scene.operations.items():
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            params, query, body = scene.calls[name]
            yield name, method, fill(path, params), query, body, scene.schema.resolve(content["application/json"]["schema"])


# ---- bodies

@group
def malformed(scene):
    for name, method, path, query, body, _ in bodies(scene):
        text = json.dumps(body).encode()
        for raw in (b"{", text[:-1], text + b"}", text + b" " + text, b"[]", b"null", b'"x"', b"5", b"[" * 1000, b'{"a": "\xff"}', text.replace(b'"', b"'"),
                    b"{" + text[1:-1] + b", " + text[1:-1] + b"}", b'{"clientMutationId": "a\\u0000b"}', b"\xef\xbb\xbf" + text):
            want("%s with %.60r" % (name, raw), send(scene.ann, method, path, query, None, raw=raw), "400 invalid_request")


@group
def unknown_fields(scene):
    for name, method, path, query, body, _ in bodies(scene):
        got = send(scene.ann, method, path, query, dict(body, nmae="x"))
        want(name + " with a field nmae", got, "400 invalid_request")
        if "nmae" not in got[1]:
            FAILED.append("%s: does not say which field: %s" % (name, got[1]))


def wrong_values(scene, schema):
    """Values that a field's schema forbids."""
    schema = scene.schema.resolve(schema)
    forms = [scene.schema.resolve(s) for s in schema.get("oneOf", [schema])]
    types = set()
    for f in forms:
        types |= {f["type"]} if isinstance(f["type"], str) else set(f["type"])
    every = {"string": "text", "integer": 5, "boolean": True, "array": [], "object": {}, "number": 1.5}
    for kind, value in every.items():
        if kind not in types:
            yield value
    if "null" not in types and not any("pattern" in f for f in forms):
        yield None
    for f in forms:
        if f.get("type") == "integer":
            yield from (BIG, -BIG - 1, 10 ** 30, f["minimum"] - 1)
            if f.get("maximum", BIG) < BIG - 1:
                yield f["maximum"] + 1
        if "enum" in f:
            yield from ("", "admin", f["enum"][0].upper())
        if "pattern" in f:
            yield from ("", "nonsense", "file_", "ws_!", "x" * 5000)


@group
def wrong_types(scene):
    for name, method, path, query, body, schema in bodies(scene):
        for field, kind in schema["properties"].items():
            for value in wrong_values(scene, kind):
                changed = dict(body)
                if field in ("principalId", "principalName"):
                    changed.pop("principalId", None), changed.pop("principalName", None)
                if field == "fileId":
                    changed.pop("parentFolderId", None), changed.pop("name", None)
                changed[field] = value
                if not body or value != body.get(field):
                    want("%s with %s: %.60r" % (name, field, value), send(scene.ann, method, path, query, changed), "400 invalid_request",
                         "400 invalid_name", *(["413 too_large"] if isinstance(value, int) and value > 10000 else []),
                         *(["400 cursor_invalid"] if field == "cursor" else []))
        for field in schema.get("required", []):
            want("%s without %s" % (name, field), send(scene.ann, method, path, query, {k: v for k, v in body.items() if k != field}), "400 invalid_request",
                 "400 invalid_name")


@group
def elements(scene):
    """What stands in lists."""
    good = {"hash": scene.chunk["hash"], "length": 7}
    start = scene.calls["StartUpload"][2]
    for chunk in (5, "x", None, [], {}, {"hash": good["hash"]}, {"length": 7}, dict(good, hash="zz" * 32), dict(good, hash="ab"), dict(good, length=0),
                  dict(good, length=-1), dict(good, length=BIG), dict(good, length="7"), dict(good, more=1), dict(good, hash=None)):
        want("chunks: [%r]" % (chunk,), send(scene.ann, "POST", "/files:start-upload", {}, dict(start, chunks=[chunk])), "400 invalid_request")
    want("chunks of another length", send(scene.ann, "POST", "/files:start-upload", {}, dict(start, sizeBytes=8)), "400 invalid_request")
    want("too many chunks", send(scene.ann, "POST", "/files:start-upload", {}, dict(start, chunks=[good] * 10001)), "413 too_large")
    complete = scene.calls["CompleteUpload"][2]
    part = {"partNumber": 1, "etag": "x"}
    for p in (5, None, {}, {"partNumber": 1}, {"etag": "x"}, dict(part, partNumber=0), dict(part, partNumber=10001), dict(part, partNumber="1"), dict(part, etag=1),
              dict(part, etag="x" * 500), dict(part, more=1)):
        want("parts: [%r]" % (p,), send(scene.ann, "POST", "/files:complete-upload", {}, dict(complete, parts=[p])), "400 invalid_request")
    if "CommitBatch" not in scene.operations:
        return
    batch = scene.calls["CommitBatch"][2]
    folder = batch["operations"][0]
    for op in (5, None, [], {}, {"op": "nonsense"}, {"op": 5}, dict(folder, more=1), dict(folder, name=5), dict(folder, parentFolderId=5), dict(folder, parentOp=0),
               {"op": "folder", "name": "x"}, {"op": "folder", "parentOp": 0, "name": "x"}, {"op": "folder", "parentOp": -1, "name": "x"},
               {"op": "move"}, {"op": "delete"}, {"op": "version", "fileId": scene.file}, {"op": "create", "parentFolderId": "root", "name": "x"},
               {"op": "create", "parentFolderId": "root", "name": "x", "sizeBytes": 1, "chunks": []},
               {"op": "create", "parentFolderId": "root", "name": "x", "sizeBytes": 7, "chunks": [5]},
               {"op": "create", "parentFolderId": "root", "name": "a/b", "sizeBytes": 0, "chunks": []}):
        got = send(scene.ann, "POST", "/files:commit-batch", {}, dict(batch, operations=[op]))
        # What stands in the way of an operation of an atomic batch is a conflict of the batch.
        want("operations: [%r]" % (op,), got, "400 invalid_request", "400 invalid_name", "409 invalid_request", "409 invalid_name")
    want("too many operations", send(scene.ann, "POST", "/files:commit-batch", {}, dict(batch, operations=[folder] * 1001)), "413 too_large", "400 invalid_request")


@group
def names(scene):
    for name, method, path, query, body, schema in bodies(scene):
        if schema["properties"].get("name", {}).get("$ref") != "#/components/schemas/Name":
            continue
        for bad in ("", ".", "..", "a/b", "/", "tab\there", "\x7f", "\x01", "ä" * 128, "x" * 256):
            want("%s of %.30r" % (name, bad), send(scene.ann, method, path, query, dict(body, name=bad)), "400 invalid_name")
        want("%s of a NUL" % name, send(scene.ann, method, path, query, dict(body, name="a\0b")), "400 invalid_request")
    for bad in ("", "ab", "Capital", "with_underscore", "1.2.3.4", "a--at-5", "v1", "x" * 64, "-x", "xn--x"):
        want("a workspace %r" % bad, send(scene.ann, "POST", "/workspaces", {}, {"name": bad}), "400 invalid_name")
    for bad in ("", "x" * 256):
        want("a displayName of %d" % len(bad), send(scene.ann, "PATCH", "/workspaces/" + scene.ws, {}, {"displayName": bad}), "400 invalid_request")


# ---- queries and paths

@group
def queries(scene):
    for name, (method, path, operation) in scene.operations.items():
        params, query, body = scene.calls[name]
        for p in operation.get("parameters", []):
            p = scene.schema.resolve(p)
            if p["in"] != "query" or p["name"] == "ticket" or name == "GetOpenApi":
                continue
            kind = scene.schema.resolve(p["schema"])
            bad = []
            if kind["type"] == "integer":
                bad = ["x", "-1", "1.5", "5x", str(BIG * 2), "0x10"] + ([str(kind["maximum"] + 1)] if kind.get("maximum", BIG) < BIG - 1 else [])
            elif "pattern" in kind or p["name"] in ("version", "at", "page"):
                bad = ["nonsense", "file_", "ws_!"]
            elif "enum" in kind:
                bad = ["x", "TRUE"]
            for value in bad:
                got = send(scene.ann, method, fill(path, params), dict(query, **{p["name"]: value}), body)
                want("%s?%s=%s" % (name, p["name"], value), got, "400 invalid_request")
            if p.get("required"):
                got = send(scene.ann, method, fill(path, params), {k: v for k, v in query.items() if k != p["name"]}, body)
                want("%s without %s" % (name, p["name"]), got, "400 invalid_request")
        got = send(scene.ann, method, fill(path, params), dict(query, versoin="x"), body)
        want("%s?versoin=x" % name, got, "400 invalid_request")
        if "versoin" not in got[1]:
            FAILED.append("%s: doesn't name the parameter: %s" % (name, got[1]))


def prefix_of(scene, p):
    return re.match(r"\^([a-z]+)_", scene.schema.resolve(p["schema"]).get("pattern", "")).group(1)


def with_path_ids(scene):
    """Calls whose path names something by an id, with what each id begins with."""
    for name, (method, path, operation) in scene.operations.items():
        ids = [p for p in map(scene.schema.resolve, operation.get("parameters", [])) if p["in"] == "path" and "_" in scene.schema.resolve(p["schema"]).get("pattern", "")]
        if ids and name not in ("PutPart", "GetContent"):
            yield name, method, path, {p["name"]: prefix_of(scene, p) for p in ids}


@group
def ids(scene):
    """Ids that are none, of another kind, or of nothing: 404 for all."""
    for name, method, path, prefixes in with_path_ids(scene):
        params, query, body = scene.calls[name]
        seen = set()
        for bad in ("nonsense", "%s_" % prefixes["id"], "%s_%s" % (prefixes["id"], NO_ID), "%s_zzzzzzzzzzzz" % prefixes["id"], "ver_1", "x" * 300,
                    scene.file if prefixes["id"] != "file" else scene.folder, scene.ws if prefixes["id"] != "ws" else scene.file):
            got = send(scene.ann, method, fill(path, dict(params, id=bad)), query, body)
            want("%s of %.30s" % (name, bad), got, "404 not_found")
            if bad in ("%s_%s" % (prefixes["id"], NO_ID), "%s_zzzzzzzzzzzz" % prefixes["id"]):
                seen.add(got[1])
        if len(seen) > 1:
            FAILED.append("%s: not the same for all: %s" % (name, sorted(seen)))
    want("no such path", send(scene.ann, "GET", "/nonsense", {}, None), "404 not_found")
    want("no such method", send(scene.ann, "PUT", "/workspaces", {}, None), "405 method_not_allowed")


# ---- who may not

@group
def strangers(scene):
    """Eve has the right ids and no rights: she learns what she would of ids that are none."""
    for name, method, path, prefixes in with_path_ids(scene):
        params, query, body = scene.calls[name]
        query = {k: v for k, v in query.items() if k not in ("version", "fileId", "minSequence")}
        real = send(scene.eve, method, fill(path, params), query, body)
        none = send(scene.eve, method, fill(path, dict(params, id="%s_%s" % (prefixes["id"], NO_ID))), query, body)
        want(name, real, "404 not_found", *(["400 cursor_invalid"] if name == "AckDevice" else []))
        if real != none:
            FAILED.append("%s: %s, but of nothing %s" % (name, real, none))
    pairs = [("workspaceId", scene.ws, "ws_1"), ("parentFolderId", scene.folder, "fld_1"), ("fileId", scene.file, "file_1"), ("folderId", scene.folder, "fld_1"),
             ("uploadSessionId", scene.upload, "upl_1")]
    for name, method, path, query, body, schema in bodies(scene):
        if "{" in scene.operations[name][1]:
            continue
        for field, real, none in pairs:
            if field not in schema["properties"]:
                continue
            base = dict(body)
            if field == "fileId":
                base.pop("parentFolderId", None), base.pop("name", None)
            if field == "parentFolderId":
                base.pop("workspaceId", None)
            got, other = (send(scene.eve, method, path, query, dict(base, **{field: v})) for v in (real, none))
            want("%s with %s" % (name, field), got, "404 not_found")
            if got[1].replace(real, none) != other[1]:
                FAILED.append("%s with %s: %s, but of nothing %s" % (name, field, got, other))
    for name, (method, path, operation) in scene.operations.items():
        params, query, body = scene.calls[name]
        for field, real, none in pairs:
            if body is None and field in query and not params:
                got, other = (send(scene.eve, method, fill(path, params), dict(query, **{field: v}), body) for v in (real, none))
                want("%s?%s" % (name, field), got, "404 not_found")
                if got != other:
                    FAILED.append("%s?%s: %s, but of nothing %s" % (name, field, got, other))
    for mine in (scene.cursor,):
        want("Ann's cursor", send(scene.eve, "GET", "/changes", {"cursor": mine}, None), "400 cursor_invalid")
        want("Ann's cursor acknowledged", send(scene.eve, "POST", "/devices/%s:ack" % scene.device, {}, {"cursor": mine}), "404 not_found", "400 cursor_invalid")
    got = scene.eve.bytes("GET", "/v1/files/%s" % scene.file, headers={"Authorization": "Bearer " + scene.eve.token, "X-Device-Id": scene.device})
    assert got[0] == 404, got


@group
def viewers(scene):
    """Vic may read everything and change nothing."""
    for name, (method, path, operation) in scene.operations.items():
        params, query, body = scene.calls[name]
        if method == "GET" or "Device" in name or name in ("PutPart", "CompleteUpload", "ShowUpload", "AbortUpload", "StageChunks", "DeleteWorkspace") or \
           name.startswith("Revoke"):
            continue
        got = send(scene.vic, method, fill(path, params), query, body)
        want(name, got, "409 access_denied" if name == "CommitBatch" else "403 access_denied")
    for path in ("/workspaces/" + scene.ws, "/folders/" + scene.folder, "/files/" + scene.file):
        want("another's grant", send(scene.vic, "DELETE", path + "/grants/" + scene.owner, {}, None), "403 access_denied")
        want("more for oneself", send(scene.vic, "POST", path + ":share", {}, {"principalName": "vic", "role": "owner"}), "403 access_denied")
    want("quota", send(scene.ann, "PATCH", "/workspaces/" + scene.ws, {}, {"quotaBytes": 5}), "403 access_denied")


@group
def tokens(scene):
    for name, (method, path, operation) in scene.operations.items():
        params, query, body = scene.calls[name]
        if operation.get("security") == []:
            continue
        for what in ("nonsense", os.environ["REVOKED"], os.environ["EXPIRED"], scene.ann.token[:-1], scene.ann.token + "x", None):
            got = send(scene.ann, method, fill(path, params), query, body, token=what)
            want("%s with the token %.12s" % (name, what), got, "401 unauthenticated")
    for name, path in (("PutPart", scene.target[scene.target.index("/v1") + 3:].split("?")[0]), ("GetContent", "/content/" + scene.version)):
        method = scene.operations[name][0]
        for query in ({}, {"ticket": ""}, {"ticket": "nonsense"}, {"ticket": "tkt_" + "0" * 80}):
            want("%s with %s" % (name, query), send(scene.ann, method, path, query, None, raw=b"bytes" if method == "PUT" else None), "403 ticket_invalid")


# ---- things of others, and of the wrong kind

@group
def mismatches(scene):
    ann = scene.ann
    file = "/files/" + scene.file
    for code, method, path, query, body in (
            (("409 version_conflict", "400 invalid_request"), "PATCH", file, {}, {"name": "x", "baseVersionId": scene.version2}),
            (("409 version_conflict", "400 invalid_request"), "DELETE", file, {"baseVersionId": scene.version2}, None),
            (("404 not_found", "400 invalid_request"), "POST", file + ":restore", {}, {"versionId": scene.version2}),
            (("400 invalid_request",), "POST", "/files:start-upload", {}, {"fileId": scene.file, "sizeBytes": 1, "baseVersionId": scene.version2}),
            (("404 not_found",), "GET", file + "/download", {"version": scene.version2}, None),
            (("404 not_found",), "GET", file + "/manifest", {"version": scene.version2}, None),
            (("404 not_found",), "GET", "/chunks/" + scene.chunk["hash"], {"fileId": scene.file2}, None),
            (("404 not_found",), "GET", "/chunks/" + "0" * 64, {"fileId": scene.file}, None),
            (("400 invalid_request",), "PATCH", file, {}, {"parentFolderId": ann.good("GET", "/workspaces/" + scene.ws2)["rootFolderId"]}),
            (("409 would_cycle",), "PATCH", "/folders/" + scene.folder, {}, {"parentFolderId": scene.below}),
            (("409 already_exists",), "PATCH", file, {}, {"name": "other"}),
            (("400 cursor_invalid",), "GET", "/changes", {"cursor": scene.cursor, "workspaceId": scene.ws2}, None),
            (("409 conflict",), "DELETE", "/workspaces/%s/grants/%s" % (scene.ws, scene.owner), {}, None),
            (("409 conflict",), "POST", "/workspaces/%s:share" % scene.ws, {}, {"principalName": "ann", "role": "viewer"}),
            (("404 not_found",), "POST", "/workspaces/%s:share" % scene.ws, {}, {"principalId": "user_1", "role": "viewer"}),
            (("400 invalid_request",), "POST", "/workspaces/%s:share" % scene.ws, {}, {"principalId": scene.vics, "principalName": "vic", "role": "viewer"}),
            (("400 invalid_request",), "POST", "/workspaces/%s:share" % scene.ws, {}, {"role": "viewer"}),
            (("404 not_found",), "DELETE", "/files/%s/grants/%s" % (scene.file2, scene.vics), {}, None)):
        want("%s %s %s %s" % (method, path, query, body), send(ann, method, path, query, body), *code)
    for device in (scene.device, "dev_1", "nonsense"):
        got = send(scene.vic, "POST", "/workspaces/%s:share" % scene.ws, {}, {"principalName": "vic", "role": "viewer", "deviceId": device})
        want("another's device", got, "400 invalid_request", "403 access_denied")


@group
def guesses(scene):
    """Names of users: thirty misses, then none until later, not even of names that are there."""
    path = "/workspaces/%s:share" % scene.ws
    codes = [send(scene.ann, "POST", path, {}, {"principalName": "guess-%d" % i, "role": "viewer"})[2] for i in range(40)]
    assert codes[:25] == ["not_found"] * 25 and codes[-1] == "rate_limited", codes
    want("a name that is there", send(scene.ann, "POST", path, {}, {"principalName": "vic", "role": "viewer"}), "429 rate_limited")
    status, _ = scene.ann.call("POST", path, {"principalName": "vic", "role": "viewer"})
    assert status == 429 and 0 < int(scene.ann.headers["retry-after"]) <= 121, scene.ann.headers


def main():
    if len(sys.argv) < 2:
        print("\n".join(GROUPS))
        return
    scene = Scene()
    missing = set(scene.operations) - set(scene.calls)
    assert not missing, "calls without an example here: %s" % sorted(missing)
    before = copy.deepcopy(scene.state())
    GROUPS[sys.argv[1]](scene)
    after = scene.state()
    assert not FAILED, "%d cases:\n%s" % (len(FAILED), "\n".join(FAILED[:60]))
    assert before == after, "something changed:\n%s\n%s" % (before, after)


if __name__ == "__main__":
    main()
