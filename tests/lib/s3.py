"""A small S3 client for tests: one keep-alive connection, Signature V4 in the header, standard library only."""

import hashlib
import hmac
import http.client
import time
import urllib.parse


class S3:
    def __init__(self, host, port, key_id, secret, timeout=60):
        self.host, self.port, self.key_id, self.secret = host, port, key_id, secret
        self.timeout = timeout
        self.connection = None

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def _sign(self, method, path, query, headers):
        now = time.gmtime()
        date, day = time.strftime("%Y%m%dT%H%M%SZ", now), time.strftime("%Y%m%d", now)
        headers["host"] = "%s:%d" % (self.host, self.port)
        headers["x-amz-date"] = date
        headers.setdefault("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
        names = sorted(headers)
        canonical = "\n".join(
            [method, path, query]
            + ["%s:%s" % (n, headers[n].strip()) for n in names]
            + ["", ";".join(names), headers["x-amz-content-sha256"]])
        scope = day + "/us-east-1/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + self.secret).encode()
        for part in (day, "us-east-1", "s3", "aws4_request", text):
            last, key = key, hmac.new(key, part.encode(), hashlib.sha256).digest()
        headers["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
            self.key_id, scope, ";".join(names), key.hex())

    def request(self, method, path, params=None, body=None, headers=None):
        """path is raw text ("/bucket/a key"); returns (status, headers, body). Raises OSError or HTTPException."""
        raw = path if isinstance(path, bytes) else path.encode()
        quoted = urllib.parse.quote(raw, safe="/-._~")
        pairs = sorted((urllib.parse.quote(k, safe="-._~"), urllib.parse.quote(v, safe="-._~"))
                       for k, v in (params or {}).items())
        query = "&".join("%s=%s" % p for p in pairs)
        head = {k.lower(): v for k, v in (headers or {}).items()}
        self._sign(method, quoted, query, head)
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        try:
            self.connection.request(method, quoted + ("?" + query if query else ""), body=body, headers=head)
            reply = self.connection.getresponse()
            data = reply.read()
        except Exception:
            self.close()
            raise
        return reply.status, dict((k.lower(), v) for k, v in reply.getheaders()), data
