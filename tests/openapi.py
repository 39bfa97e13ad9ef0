"""Real replies against the API's own description: a session over all calls, each request and reply checked against /v1/openapi.json.

Environment: FSD_PORT, FSD_TOKEN (an administrator's), OTHER_TOKEN and OTHER_NAME (of a user without rights), WORKSPACE (an empty one's name).
As a module: Schema checks a value against the part of JSON Schema that the document uses; Checked is an Api whose every call is checked.
"""

import hashlib
import json
import os
import re
import struct
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from api import Api

KEYWORDS = {"type", "properties", "required", "additionalProperties", "items", "enum", "const", "pattern", "minimum", "maximum",
            "minLength", "maxLength", "minItems", "maxItems", "oneOf", "$ref", "description", "format", "default"}
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None), "number": (int, float)}


class Schema:
    def __init__(self, document):
        self.document = document

    def resolve(self, schema):
        while "$ref" in schema:
            node = self.document
            for part in schema["$ref"].lstrip("#/").split("/"):
                node = node[part]
            schema = node
        return schema

    def errors(self, value, schema, at="$"):
        """What is wrong with a value, as a list of texts."""
        schema = self.resolve(schema)
        unknown = set(schema) - KEYWORDS
        assert not unknown, "%s: the checker does not know %s" % (at, unknown)
        if "oneOf" in schema:
            tries = [self.errors(value, s, at) for s in schema["oneOf"]]
            if sum(not t for t in tries) == 1:
                return []
            return ["%s: fits %d of %d forms: %s" % (at, sum(not t for t in tries), len(tries), min(tries, key=len))]
        types = schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        if types and not any(isinstance(value, TYPES[t]) and (t in ("boolean",) or not isinstance(value, bool)) for t in types):
            return ["%s: %.60r is no %s" % (at, value, " or ".join(types))]
        wrong = []
        if "enum" in schema and value not in schema["enum"]:
            wrong.append("%s: %.60r is none of %s" % (at, value, schema["enum"]))
        if "const" in schema and value != schema["const"]:
            wrong.append("%s: %.60r is not %r" % (at, value, schema["const"]))
        if isinstance(value, str):
            if "pattern" in schema and not re.search(schema["pattern"], value):
                wrong.append("%s: %.60r does not fit %s" % (at, value, schema["pattern"]))
            if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
                wrong.append("%s: %d characters" % (at, len(value)))
        if isinstance(value, int) and not isinstance(value, bool):
            if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
                wrong.append("%s: %d is out of range" % (at, value))
        if isinstance(value, list):
            if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
                wrong.append("%s: %d items" % (at, len(value)))
            for i, item in enumerate(value):
                wrong += self.errors(item, schema.get("items", {}), "%s[%d]" % (at, i))
        if isinstance(value, dict):
            properties = schema.get("properties", {})
            wrong += ["%s: no %s" % (at, k) for k in schema.get("required", []) if k not in value]
            for k, v in value.items():
                if k in properties:
                    wrong += self.errors(v, properties[k], "%s.%s" % (at, k))
                elif schema.get("additionalProperties", True) is False:
                    wrong.append("%s: unexpected %s" % (at, k))
        return wrong


def fetch_document():
    api = Api("none")
    status, document = api.call("GET", "/openapi.json")
    assert status == 200, document
    return document


class Checked(Api):
    """An Api that looks every call up in the document."""

    def __init__(self, document, token=None):
        super().__init__(token)
        self.document, self.schema = document, Schema(document)
        self.seen = document.setdefault("x-seen", set())
        self.templates = []
        for path, operations in document["paths"].items():
            pattern = re.sub(r"\\{[a-z]+\\}", "[^/]+", re.escape(path))
            self.templates.append((path.count("{"), re.compile(pattern + "$"), path, operations))
        self.templates.sort(key=lambda t: (t[0], -len(t[2])))

    def operation(self, method, path):
        for _, pattern, template, operations in self.templates:
            if pattern.match("/v1" + path) and method.lower() in operations:
                return operations[method.lower()]
        raise AssertionError("%s /v1%s is not in the document" % (method, path))

    def call(self, method, path, /, body=None, headers=None, **query):
        status, reply = super().call(method, path, body, headers, **query)
        self.check(method, path, status, reply, body)
        return status, reply

    def check(self, method, path, status, reply, body=None):
        operation = self.operation(method, path)
        name = operation["operationId"]
        if status < 400:
            self.seen.add(name)
            assert str(status) in operation["responses"], "%s: %d is not described" % (name, status)
            if body is not None:
                self.fits(name + " request", body, operation["requestBody"]["content"]["application/json"]["schema"])
        response = operation["responses"].get(str(status)) or operation["responses"]["default"]
        content = self.schema.resolve(response).get("content")
        if content is None:
            assert reply is None, "%s: a reply to %d: %r" % (name, status, reply)
        else:
            self.fits("%s %d" % (name, status), reply, content["application/json"]["schema"])

    def fits(self, what, value, schema):
        wrong = self.schema.errors(value, schema)
        assert not wrong, "%s:\n\t%s\n\t%s" % (what, "\n\t".join(wrong), json.dumps(value)[:2000])

    def bytes(self, method, url, body=None, headers=None):
        """A URL that the server gave: (status, bytes), not checked."""
        parts = urllib.parse.urlsplit(url)
        self.connection.request(method, parts.path + ("?" + parts.query if parts.query else ""), body=body, headers=headers or {})
        reply = self.connection.getresponse()
        return reply.status, reply.read()

    def saw(self, name):
        self.seen.add(name)

    def upload(self, workspace, parent, name, data, **more):
        start = self.good("POST", "/files:start-upload", dict(workspaceId=workspace, parentFolderId=parent, name=name, sizeBytes=len(data), **more))
        for target in start["uploadTargets"]:
            size = start["partSizeBytes"]
            n = target["partNumber"] - 1
            status, reply = self.bytes("PUT", target["url"], data[n * size:(n + 1) * size])
            assert status == 200, reply
            self.check("PUT", urllib.parse.urlsplit(target["url"]).path[3:], status, json.loads(reply))
        return self.good("POST", "/files:complete-upload", {"uploadSessionId": start["uploadSessionId"]})


# ---- the session

def workspaces(api, other):
    first = api.good("GET", "/workspaces", limit=1)
    assert first["next"], first
    second = api.good("GET", "/workspaces", after=first["next"])
    ours = {w["name"]: w for w in first["workspaces"] + second["workspaces"]}
    ws = ours[os.environ["WORKSPACE"]]["workspaceId"]
    api.bad("404 not_found", "GET", "/workspaces/ws_0")
    other.bad("404 not_found", "GET", "/workspaces/" + ws)
    other.bad("403 access_denied", "POST", "/workspaces", {"name": "not-mine"})
    made = api.good("POST", "/workspaces", {"name": "made-here", "displayName": "Größe", "historyMs": 1000}, {"Idempotency-Key": "make"})
    assert api.good("POST", "/workspaces", {"name": "made-here", "displayName": "Größe", "historyMs": 1000}, {"Idempotency-Key": "make"}) == made
    api.bad("409 already_exists", "POST", "/workspaces", {"name": "made-here"})
    api.bad("400 invalid_name", "POST", "/workspaces", {"name": "Not A Bucket"})
    path = "/workspaces/" + made["workspaceId"]
    changed = api.good("PATCH", path, {"displayName": "New", "quotaBytes": 1000, "historyMs": 5, "versioning": "on"})
    assert changed == api.good("GET", path, minSequence=0)
    assert (changed["displayName"], changed["quotaBytes"], changed["historyMs"], changed["versioning"]) == ("New", 1000, 5, "on")
    assert changed["chunking"] == {"algorithm": "fastcdc", "rule": "fsd-fastcdc-2", "min": 262144, "avg": 1048576, "max": 4194304}
    api.bad("409 conflict", "PATCH", path, {"versioning": "off"})
    folder = api.good("POST", "/folders", {"workspaceId": made["workspaceId"], "parentFolderId": "root", "name": "in the way"})
    api.bad("409 not_empty", "DELETE", path)
    api.good("PATCH", path, {"versioning": "suspended"})
    assert folder["id"] and ws != made["workspaceId"]
    empty = api.good("POST", "/workspaces", {"name": "to-be-deleted"})
    path = "/workspaces/" + empty["workspaceId"]
    gone = api.good("DELETE", path, headers={"Idempotency-Key": "gone"})
    assert api.good("DELETE", path, headers={"Idempotency-Key": "gone"}) == gone
    api.bad("404 not_found", "DELETE", path)
    return ws


def tree(api, ws):
    root = api.good("GET", "/lookup", workspaceId=ws, path="")
    docs = api.good("POST", "/folders", {"workspaceId": ws, "parentFolderId": "root", "name": "docs"})
    assert docs["parentFolderId"] == root["id"]
    again = api.bad("409 already_exists", "POST", "/folders", {"workspaceId": ws, "parentFolderId": "root", "name": "docs"})
    assert again["existingId"] == docs["id"]
    sub = api.good("POST", "/folders", {"parentFolderId": docs["id"], "name": "sub"})
    api.bad("409 would_cycle", "PATCH", "/folders/" + docs["id"], {"parentFolderId": sub["id"]})
    done = api.upload(ws, docs["id"], "a.txt", b"first", contentType="text/plain", mtime="2026-11-22T13:52:15.123456Z", mode="0644")
    file = "/files/" + done["fileId"]
    node = api.good("GET", file, minSequence=done["sequence"])
    assert node == api.good("GET", "/lookup", workspaceId=ws, path="docs/a.txt")
    api.upload(ws, docs["id"], "A.TXT", b"other")
    assert len([e for e in api.good("GET", "/folders/" + docs["id"] + "/children", limit=10)["entries"] if "nameCollides" in e]) == 2
    api.good("GET", "/folders/" + docs["id"])
    api.good("PATCH", file, {"name": "b.txt", "mode": "0600"})
    api.good("PATCH", "/folders/" + sub["id"], {"name": "sub 2"})
    api.good("GET", "/tree", workspaceId=ws, limit=1)
    api.good("GET", "/tree", workspaceId=ws)
    return docs, file


def history(api, ws, docs, file):
    versions = api.good("GET", file + "/versions", limit=1)
    first = versions["versions"][0]["versionId"]
    second = api.upload(ws, docs["id"], "b.txt", b"second", baseVersionId=first)
    stale = api.good("POST", "/files:start-upload", {"fileId": second["fileId"], "sizeBytes": 0, "baseVersionId": first})
    conflict = api.bad("409 version_conflict", "POST", "/files:complete-upload", {"uploadSessionId": stale["uploadSessionId"]})
    assert conflict["currentVersionId"] == second["versionId"]
    api.good("GET", "/uploads/" + stale["uploadSessionId"])
    api.good("DELETE", "/uploads/" + stale["uploadSessionId"])
    api.good("GET", file + "/versions")
    api.good("POST", file + ":restore", {"versionId": first})
    api.good("DELETE", file)
    assert api.good("GET", "/trash", workspaceId=ws)["entries"][0]["kind"] == "file"
    api.good("POST", file + ":undelete", {})
    api.good("DELETE", "/folders/" + docs["id"])
    assert api.good("GET", "/trash", workspaceId=ws, limit=1)["entries"][0]["kind"] == "folder"
    api.good("POST", "/folders/" + docs["id"] + ":undelete", {"name": "docs 2"})


def downloads(api, file):
    down = api.good("GET", file + "/download", version="current")
    status, data = api.bytes("GET", down["downloadUrl"])
    assert (status, data) == (200, b"first"), (status, data)
    status, data = api.bytes("GET", down["downloadUrl"], headers={"Range": "bytes=1-2"})
    assert (status, data) == (206, b"ir"), (status, data)
    api.saw("GetContent")
    manifest = api.good("GET", file + "/manifest")
    chunk = manifest["chunks"][0]
    status, data = api.bytes("GET", "/v1/chunks/%s?fileId=%s" % (chunk["hash"], manifest["fileId"]), headers={"Authorization": "Bearer " + api.token})
    assert hashlib.sha256(data).hexdigest() == chunk["hash"], (status, data)
    api.saw("GetChunk")


def sharing(api, other, ws, docs, file):
    name = os.environ["OTHER_NAME"]
    for path in ("/folders/" + docs["id"], file, "/workspaces/" + ws):
        other.bad("404 not_found", "GET", path + "/grants")
        given = api.good("POST", path + ":share", {"principalName": name, "role": "viewer"})
        user = given["grant"]["principalId"]
        assert [g["principalName"] for g in api.good("GET", path + "/grants")["grants"]] == [name]
        mine = other.good("GET", path + "/grants")["grants"]
        assert [g["role"] for g in mine] == ["viewer"], mine
        assert given["grant"] == api.good("POST", path + ":share", {"principalId": user, "role": "viewer"})["grant"]
        shown = other.good("GET", "/workspaces")["workspaces"]
        assert [w["workspaceId"] for w in shown] == [ws] and (shown[0]["role"] or shown[0]["shared"]), shown
        assert other.good("GET", "/workspaces/" + ws) == shown[0]
        other.bad("403 access_denied", "POST", path + ":share", {"principalName": name, "role": "owner"})
        url = other.good("GET", file + "/download")["downloadUrl"]
        assert other.bytes("GET", url)[0] == 200
        api.good("DELETE", path + "/grants/" + user)
        assert other.bytes("GET", url)[0] == 404, "a URL that was given before outlives the grant"
        api.bad("404 not_found", "DELETE", path + "/grants/" + user)
        other.bad("404 not_found", "GET", path)
        assert other.good("GET", "/workspaces")["workspaces"] == []
    owner = api.good("GET", "/workspaces/" + ws)["ownerId"]
    api.bad("409 conflict", "DELETE", "/workspaces/" + ws + "/grants/" + owner)


def changes(api, ws):
    cursor = "begin"
    seen, more = [], True
    while more:
        page = api.good("GET", "/changes", workspaceId=ws, cursor=cursor, limit=7)
        seen, cursor, more = seen + page["changes"], page["nextCursor"], page["hasMore"]
    assert {"FILE_CREATED", "FOLDER_CREATED", "FILE_MOVED", "SHARE_GRANTED"} <= {c["eventType"] for c in seen}
    api.good("GET", "/changes", cursor=cursor)
    api.bad("400 cursor_invalid", "GET", "/changes", cursor=cursor[:-1] + ("0" if cursor[-1] != "0" else "1"))
    device = api.good("POST", "/devices", {"name": "laptop"})["deviceId"]
    api.good("GET", "/devices")
    api.good("POST", "/devices/" + device + ":ack", {"cursor": cursor})
    api.good("GET", "/devices")
    api.good("DELETE", "/devices/" + device)


def events(api):
    """The first hint of the stream that does not end."""
    stream = Api(api.token)
    stream.connection.request("GET", "/v1/events", headers={"Authorization": "Bearer " + api.token})
    reply = stream.connection.getresponse()
    assert reply.status == 200 and reply.getheader("Content-Type").startswith("text/event-stream"), reply.getheaders()
    while not reply.readline().startswith((b"event:", b"retry:", b":")):
        pass
    stream.connection.close()
    api.saw("GetEvents")


def batch(api, ws):
    data = b"staged"
    status, reply = api.bytes("POST", "/v1/chunks?workspaceId=" + ws, struct.pack("<I", len(data)) + data, {"Authorization": "Bearer " + api.token})
    staged = json.loads(reply)
    api.check("POST", "/chunks", status, staged)
    assert status == 200, staged
    operations = [{"op": "folder", "parentFolderId": "root", "name": "batch"},
                  {"op": "create", "parentOp": 0, "name": "f", "chunks": staged["chunks"], "sizeBytes": len(data)},
                  {"op": "create", "parentOp": 0, "name": "f", "chunks": staged["chunks"], "sizeBytes": len(data)}]
    done = api.good("POST", "/files:commit-batch", {"workspaceId": ws, "atomic": False, "stagingIds": [staged["stagingId"]], "operations": operations})
    assert [r["status"] for r in done["results"]][:2] == ["ok", "ok"], done


def main():
    document = fetch_document()
    api, other = Checked(document), Checked(document, os.environ["OTHER_TOKEN"])
    names = {o["operationId"] for p in document["paths"].values() for o in p.values()}
    other.bad("401 unauthenticated", "GET", "/workspaces", headers={"Authorization": "Bearer nonsense"})
    ws = workspaces(api, other)
    docs, file = tree(api, ws)
    history(api, ws, docs, file)
    downloads(api, file)
    sharing(api, other, ws, docs, file)
    if "GetChanges" in names:
        changes(api, ws)
    if "CommitBatch" in names:
        batch(api, ws)
    events(api)
    api.saw("GetOpenApi")
    unseen = names - document["x-seen"]
    assert not unseen, "calls that the session leaves out: %s" % sorted(unseen)


if __name__ == "__main__":
    main()
