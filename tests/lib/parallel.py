"""What tests with many clients at once share: a client from the environment, and threads whose exceptions count.

Environment: FSD_PORT, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, FSD_TOKEN.
"""

import http.client
import json
import os
import re
import threading

from s3 import S3


def client(timeout=60):
    return S3("127.0.0.1", int(os.environ["FSD_PORT"]), os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], timeout)


def code(body):
    found = re.search(rb"<Code>([^<]*)</Code>", body)
    return found.group(1).decode() if found else None


class Admin:
    """The administrative calls over TCP with the token; one keep-alive connection."""

    def __init__(self, timeout=90):
        self.connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["FSD_PORT"]), timeout=timeout)

    def call(self, method, path, body=None):
        self.connection.request(method, "/v1/admin" + path, body=None if body is None else json.dumps(body),
                                headers={"Authorization": "Bearer " + os.environ["FSD_TOKEN"], "Content-Type": "application/json"})
        reply = self.connection.getresponse()
        data = reply.read()
        return reply.status, json.loads(data) if data else None

    def good(self, method, path, body=None):
        status, reply = self.call(method, path, body)
        if status not in (200, 201, 202, 204):
            raise AssertionError("%s %s: %d %s" % (method, path, status, reply))
        return reply


def together(functions, limit=300):
    """Runs each in a thread of its own; raises the first exception of any, or that they did not end in time."""
    failures = []

    def guarded(function):
        try:
            function()
        except BaseException as e:    # a thread's SystemExit counts too
            failures.append(e)
    threads = [threading.Thread(target=guarded, args=(f,), daemon=True) for f in functions]
    for t in threads:
        t.start()
    for t in threads:
        t.join(limit)
        if t.is_alive():
            raise AssertionError("not done after %d s; failures so far: %r" % (limit, failures))
    if failures:
        raise failures[0]
