"""Uses each kind of URL that is a pass by itself, and prints what must not be logged of it, a line each: logged.py BUCKET"""

import base64
import hashlib
import hmac
import os
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from api import Api  # noqa: E402
from parallel import client  # noqa: E402

bucket, api, s3 = sys.argv[1], Api(), client()


def send(method, target, body=None):
    api.connection.request(method, target, body=body)
    reply = api.connection.getresponse()
    data = reply.read()
    assert reply.status == 200, (target, reply.status, data)


def presigned_v4(path):
    now = time.gmtime()
    day, names = time.strftime("%Y%m%d", now), "host"
    scope = day + "/us-east-1/s3/aws4_request"
    query = urllib.parse.urlencode(sorted({
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": s3.key_id + "/" + scope, "X-Amz-Expires": "60",
        "X-Amz-Date": time.strftime("%Y%m%dT%H%M%SZ", now), "X-Amz-SignedHeaders": names}.items()))
    canonical = "\n".join(["GET", path, query, "host:127.0.0.1:%d" % s3.port, "", names, "UNSIGNED-PAYLOAD"])
    text = "\n".join(["AWS4-HMAC-SHA256", time.strftime("%Y%m%dT%H%M%SZ", now), scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + s3.secret).encode()
    for part in (day, "us-east-1", "s3", "aws4_request", text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return "%s?%s&X-Amz-Signature=%s" % (path, query, key.hex()), key.hex()


def presigned_v2(path):
    expires = str(int(time.time()) + 60)
    text = "GET\n\n\n%s\n%s" % (expires, path)
    signature = urllib.parse.quote(base64.b64encode(hmac.new(s3.secret.encode(), text.encode(), hashlib.sha1).digest()), safe="")
    return "%s?AWSAccessKeyId=%s&Expires=%s&Signature=%s" % (path, s3.key_id, expires, signature), signature


def ticket_of(url):
    return url[url.index("/", 8):], url[url.index("ticket=") + 7:]


workspace = next(w["workspaceId"] for w in api.good("GET", "/workspaces")["workspaces"] if w["name"] == bucket)
session = api.good("POST", "/files:start-upload", {"workspaceId": workspace, "parentFolderId": "root", "name": "pass", "sizeBytes": 4})
part, ticket = ticket_of(session["uploadTargets"][0]["url"])
send("PUT", part, b"pass")
print(ticket)
done = api.good("POST", "/files:complete-upload", {"uploadSessionId": session["uploadSessionId"]})
content, ticket = ticket_of(api.good("GET", "/files/%s/download" % done["fileId"])["downloadUrl"])
send("GET", content)
print(ticket)
for target, signature in (presigned_v4("/%s/pass" % bucket), presigned_v2("/%s/pass" % bucket)):
    send("GET", target)
    print(signature)
