"""16 writers against a quota: what is accepted never passes it, what is refused leaves nothing.

The bucket and its quota are made by the caller: quota.py BUCKET BYTES
"""

import os
import random
import re
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from parallel import Admin, client, code, together  # noqa: E402

WRITERS, ROUNDS = 16, 25
bucket, quota = sys.argv[1], int(sys.argv[2])
there, refused, lock = {}, set(), threading.Lock()


def parts(s3, key, size):
    """The same by multipart."""
    status, _, body = s3.request("POST", "/%s/%s" % (bucket, key), {"uploads": ""})
    assert status == 200, (status, body)
    up = re.search(rb"<UploadId>([^<]*)", body).group(1).decode()
    status, headers, body = s3.request("PUT", "/%s/%s" % (bucket, key), {"uploadId": up, "partNumber": "1"}, os.urandom(size))
    if status == 200:
        xml = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part></CompleteMultipartUpload>" % headers["etag"]
        status, headers, body = s3.request("POST", "/%s/%s" % (bucket, key), {"uploadId": up}, xml.encode())
        if status == 200 and b"<Error>" in body:
            status = 403
    if status != 200:
        s3.request("DELETE", "/%s/%s" % (bucket, key), {"uploadId": up})
    return status, headers, body


def writer(number):
    s3, rng = client(), random.Random(number)
    for i in range(ROUNDS):
        # Overwrites of the writer's own keys are among them: the old bytes are free then.
        key = "w%02d/k%d" % (number, rng.randrange(ROUNDS // 2))
        size = rng.choice((1000, 30000, 100000, 400000))
        put = parts if rng.random() < 0.2 else lambda s3, key, size: s3.request("PUT", "/%s/%s" % (bucket, key), body=os.urandom(size))
        status, _, body = put(s3, key, size)
        with lock:
            if status == 200:
                there[key] = size
            elif status == 403 and code(body) == "QuotaExceeded":
                refused.add(key)
            else:
                raise AssertionError("%d %s" % (status, body))


def used():
    return Admin().good("GET", "/workspaces/" + bucket)


def watch(stop, seen):
    admin = Admin()
    while not stop.is_set():
        seen.append(admin.good("GET", "/workspaces/" + bucket)["bytes"])
        stop.wait(0.01)


def listing(s3):
    sizes, token = {}, None
    while True:
        params = {"list-type": "2"}
        if token:
            params["continuation-token"] = token
        status, _, body = s3.request("GET", "/" + bucket, params)
        assert status == 200, body
        sizes.update((k.decode(), int(n)) for k, n in re.findall(rb"<Key>([^<]*)</Key>.*?<Size>(\d+)</Size>", body, re.S))
        token = re.search(rb"<NextContinuationToken>([^<]*)", body)
        if not token:
            return sizes
        token = token.group(1).decode()


def main():
    stop, seen = threading.Event(), []
    watcher = threading.Thread(target=watch, args=(stop, seen), daemon=True)
    watcher.start()
    together([lambda n=n: writer(n) for n in range(WRITERS)])
    stop.set()
    watcher.join(10)
    found = listing(client())
    print("# quota %d: %d accepted of %d bytes, %d keys were refused once, at most %d bytes were seen in %d looks" %
          (quota, len(found), sum(found.values()), len(refused), max(seen), len(seen)))
    assert found == there, "listed and accepted differ: %r" % sorted(set(found.items()) ^ set(there.items()))
    assert sum(found.values()) == used()["bytes"], (sum(found.values()), used())
    assert max(seen) <= quota and sum(found.values()) <= quota
    assert refused, "nothing was refused: the test tests nothing"
    assert sum(found.values()) > quota * 0.8, "much less than the quota was let in"
    s3 = client()
    for key in refused - set(there):
        assert s3.request("HEAD", "/%s/%s" % (bucket, key))[0] == 404, key
    # Room again: what is deleted can be used again, to the byte.
    for key in sorted(there)[:2]:
        assert s3.request("DELETE", "/%s/%s" % (bucket, key))[0] == 204
    left = quota - used()["bytes"]
    status, _, body = s3.request("PUT", "/%s/exact" % bucket, body=os.urandom(left + 1))
    assert (status, code(body)) == (403, "QuotaExceeded"), (status, body)
    assert s3.request("PUT", "/%s/exact" % bucket, body=os.urandom(left))[0] == 200
    status, _, body = s3.request("PUT", "/%s/one" % bucket, body=b"x")
    assert (status, code(body)) == (403, "QuotaExceeded"), (status, body)
    assert s3.request("PUT", "/%s/none" % bucket, body=b"")[0] == 200


main()
