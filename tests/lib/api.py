"""The JSON API by one user's token: api = Api(token); status, reply = api.call("GET", "/lookup", workspaceId=ws, path="a/b")."""

import http.client
import json
import os
import urllib.parse


class Api:
    def __init__(self, token=None, timeout=60):
        self.token = token or os.environ["FSD_TOKEN"]
        self.connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["FSD_PORT"]), timeout=timeout)

    def call(self, method, path, /, body=None, headers=None, **query):
        """(status, reply). `query` becomes the query string; a value None leaves its key out."""
        query = {k: v for k, v in query.items() if v is not None}
        target = "/v1" + path + ("?" + urllib.parse.urlencode(query) if query else "")
        all_headers = {"Authorization": "Bearer " + self.token, **(headers or {})}
        if body is not None:
            body = json.dumps(body)
            all_headers["Content-Type"] = "application/json"
        self.connection.request(method, target, body=body, headers=all_headers)
        reply = self.connection.getresponse()
        data = reply.read()
        self.headers = {k.lower(): v for k, v in reply.getheaders()}
        return reply.status, json.loads(data) if data else None

    def good(self, method, path, /, body=None, headers=None, **query):
        status, reply = self.call(method, path, body, headers, **query)
        if status not in (200, 201, 202, 204):
            raise AssertionError("%s %s: %d %s" % (method, path, status, reply))
        return reply

    def bad(self, wanted, method, path, /, body=None, headers=None, **query):
        """The error object of a call that must fail with "STATUS code"."""
        status, reply = self.call(method, path, body, headers, **query)
        got = "%d %s" % (status, reply.get("error", {}).get("code") if reply else None)
        assert got == wanted, "%s %s: wanted %s, got %s: %s" % (method, path, wanted, got, reply)
        return reply["error"]

    def find(self, workspace, path):
        """The node at a path, or None."""
        status, reply = self.call("GET", "/lookup", workspaceId=workspace, path=path)
        assert status in (200, 404), reply
        return reply if status == 200 else None
