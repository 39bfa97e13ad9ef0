"""The JSON API from Python's standard library: one connection a thread, retries with the same key after lost replies."""

import hashlib
import http.client
import json
import random
import time
import urllib.parse
import uuid


class ApiError(Exception):
    """A refusal: status, code and the whole error object."""

    def __init__(self, status, error):
        super().__init__("%d %s: %s" % (status, error.get("code"), error.get("message")))
        self.status, self.code, self.error = status, error.get("code"), error


class Sync:
    """tries: how often a call is sent before ConnectionError; each change carries its own Idempotency-Key."""

    def __init__(self, host, port, token, device=None, tries=1, timeout=150, rng=None):
        self.host, self.port, self.token, self.device = host, port, token, device
        self.tries, self.timeout, self.rng = tries, timeout, rng or random.Random()
        self.connection = None

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def send(self, method, target, body, headers):
        """One try: status, headers, bytes."""
        if not self.connection:
            self.connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        try:
            self.connection.request(method, target, body, headers)
            reply = self.connection.getresponse()
            return reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def raw(self, method, target, body=None, headers=None, key=None, authorize=True):
        """Status, headers, bytes; sent again after a lost reply and where the server asks for it (503, 429)."""
        headers = dict(headers or {})
        if authorize:
            headers["Authorization"] = "Bearer " + self.token
            if self.device:
                headers["X-Device-Id"] = self.device
        if key is None and method != "GET" and authorize:
            key = uuid.UUID(int=self.rng.getrandbits(128)).hex
        if key:
            headers["Idempotency-Key"] = key
        if target.startswith("http"):
            parts = urllib.parse.urlsplit(target)
            target = parts.path + ("?" + parts.query if parts.query else "")
        for i in range(self.tries):
            pause = min(0.05 * 2 ** i, 2)
            try:
                status, got, data = self.send(method, target, body, headers)
                if status not in (429, 503) and not (status == 409 and b'"idempotency_running"' in data):
                    return status, got, data
                pause = float(got.get("retry-after", pause))
            except (OSError, http.client.HTTPException) as e:
                if i + 1 == self.tries:
                    raise ConnectionError(str(e)) from e
            if i + 1 < self.tries:
                time.sleep(pause * (0.5 + self.rng.random()))
        return status, got, data

    def try_call(self, method, path, /, body=None, key=None, **query):
        """Status and document, whatever the status."""
        query = {k: v for k, v in query.items() if v is not None}
        target = path + ("?" + urllib.parse.urlencode(query) if query else "")
        data = None if body is None else json.dumps(body).encode()
        status, _, got = self.raw(method, target, data, {"Content-Type": "application/json"} if data else {}, key)
        return status, json.loads(got) if got else None

    def call(self, method, path, /, body=None, key=None, **query):
        """The document of a success; ApiError for anything else."""
        status, doc = self.try_call(method, path, body, key, **query)
        if status >= 400:
            raise ApiError(status, (doc or {}).get("error", {}))
        return doc

    # ---- what takes several calls

    def upload(self, data, complete=None, **start):
        """Starts, sends every part that is missing, completes. Answers the completion."""
        session = self.call("POST", "/v1/files:start-upload", dict(start, sizeBytes=len(data)))
        self.send_parts(session, data, start.get("chunks"))
        return self.call("POST", "/v1/files:complete-upload", dict(complete or {}, uploadSessionId=session["uploadSessionId"]))

    def send_parts(self, session, data, chunks=None):
        targets, ends = session["uploadTargets"], [0]
        for c in chunks or []:
            ends.append(ends[-1] + c["length"])
        while targets:
            for target in targets:
                n = target["partNumber"]
                size = session["partSizeBytes"]
                part = data[ends[n - 1]:ends[n]] if chunks is not None else data[(n - 1) * size:n * size]
                status, _, got = self.raw("PUT", target["url"], part, authorize=False)
                if status != 200:
                    raise ApiError(status, json.loads(got)["error"])
            targets = self.call("GET", "/v1/uploads/" + session["uploadSessionId"])["uploadTargets"]

    def download(self, file_id, version="current"):
        """The bytes and what is said of them; the hash is compared where it is known."""
        info = self.call("GET", "/v1/files/%s/download" % file_id, version=version)
        status, _, data = self.raw("GET", info["downloadUrl"], authorize=False)
        if status != 200:
            raise ApiError(status, json.loads(data)["error"])
        if info["contentHash"] and info["contentHash"] != "sha256:" + hashlib.sha256(data).hexdigest():
            raise ValueError("%s: the bytes are not those of %s" % (file_id, info["contentHash"]))
        return data, info

    def tree(self, workspace, at=None):
        """Every entry of the tree, and the cursor that goes on from there."""
        entries, page = [], None
        while True:
            doc = self.call("GET", "/v1/tree", workspaceId=workspace, at=at if page is None else None, page=page)
            entries += doc["entries"]
            page = doc["nextPage"]
            if not page:
                return entries, doc["nextCursor"], doc["sequence"]

    def changes(self, cursor, workspace=None, wait=None):
        """All that is there behind a cursor, and the next cursor."""
        events = []
        while True:
            doc = self.call("GET", "/v1/changes", cursor=cursor, workspaceId=workspace, wait=wait)
            events += doc["changes"]
            cursor, workspace, wait = doc["nextCursor"], None, None
            if not doc["hasMore"]:
                return events, cursor
