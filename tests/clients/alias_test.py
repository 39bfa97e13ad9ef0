"""Buckets as they were, with boto3: alias_test.py TEST-NAME. The bucket's workspace has a history.

Environment: FSD_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, BUCKET.
"""

import os
import sys
import time

import boto3
from botocore.client import Config
from botocore.exceptions import ClientError

BUCKET = os.environ["BUCKET"]


def client():
    return boto3.client("s3", endpoint_url=os.environ["FSD_URL"], region_name="us-east-1",
                        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1},
                                      signature_version="s3v4"))


def same(found, wanted):
    if found != wanted:
        raise AssertionError("found %.300r, wanted %.300r" % (found, wanted))


def refused(call, **arguments):
    try:
        call(**arguments)
    except ClientError as e:
        return e.response["ResponseMetadata"]["HTTPStatusCode"], e.response["Error"]["Code"]
    raise AssertionError("not refused")


def fill(s3):
    """a/1, a/2, b: sequences 1 (folder a/), 2, 3, 4; then a/1 anew (5), b gone (6), a/ gone (7, 8 and 9)."""
    for key in ("a/1", "a/2", "b"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=("first " + key).encode(), Metadata={"turn": "1"})
    s3.put_object(Bucket=BUCKET, Key="a/1", Body=b"second", Metadata={"turn": "2"})
    s3.delete_object(Bucket=BUCKET, Key="b")
    s3.delete_object(Bucket=BUCKET, Key="a/1")
    s3.delete_object(Bucket=BUCKET, Key="a/2")


def at(sequence):
    return "%s--at-%s" % (BUCKET, sequence)


def keys(s3, bucket, **more):
    found = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, **more):
        found += [p["Prefix"] for p in page.get("CommonPrefixes", [])] + [o["Key"] for o in page.get("Contents", [])]
    return found


def reads(s3):
    fill(s3)
    same(keys(s3, BUCKET), [])
    for sequence, wanted in ((0, []), (1, []), (2, ["a/1"]), (3, ["a/1", "a/2"]), (4, ["a/1", "a/2", "b"]),
                             (5, ["a/1", "a/2", "b"]), (6, ["a/1", "a/2"]), (7, ["a/2"]), (8, []), (9, [])):
        same(keys(s3, at(sequence)), wanted)
        same(keys(s3, at(sequence), PaginationConfig={"PageSize": 1}), wanted)
        same([o["Key"] for o in s3.list_objects(Bucket=at(sequence)).get("Contents", [])], wanted)
    same(keys(s3, at(4), Delimiter="/"), ["a/", "b"])
    same(keys(s3, at(4), Prefix="a/"), ["a/1", "a/2"])
    same(keys(s3, at(4), Prefix="b"), ["b"])
    for sequence, wanted in ((4, b"first a/1"), (5, b"second")):
        reply = s3.get_object(Bucket=at(sequence), Key="a/1")
        same(reply["Body"].read(), wanted)
        same(reply["Metadata"], {"turn": "1" if sequence == 4 else "2"})
        head = s3.head_object(Bucket=at(sequence), Key="a/1")
        same(head["ContentLength"], len(wanted))
        listed = s3.list_objects_v2(Bucket=at(sequence), Prefix="a/1")["Contents"][0]
        same((listed["ETag"], listed["Size"], listed["LastModified"].replace(microsecond=0)),
             (head["ETag"], len(wanted), head["LastModified"]))
    same(s3.get_object(Bucket=at(4), Key="a/1", Range="bytes=6-8")["Body"].read(), b"a/1")
    same(refused(s3.get_object, Bucket=at(4), Key="a/1", IfMatch='"0"')[0], 412)
    etag = s3.head_object(Bucket=at(4), Key="a/1")["ETag"]
    same(refused(s3.get_object, Bucket=at(4), Key="a/1", IfNoneMatch=etag)[0], 304)
    same(refused(s3.get_object, Bucket=at(3), Key="b"), (404, "NoSuchKey"))
    same(refused(s3.get_object, Bucket=at(6), Key="b"), (404, "NoSuchKey"))
    s3.head_bucket(Bucket=at(4))
    s3.get_bucket_location(Bucket=at(4))
    s3.get_bucket_versioning(Bucket=at(4))


def large(s3):
    body = os.urandom(9 << 20)
    first = s3.create_multipart_upload(Bucket=BUCKET, Key="big")["UploadId"]
    parts = [{"PartNumber": i + 1, "ETag": s3.upload_part(Bucket=BUCKET, Key="big", UploadId=first, PartNumber=i + 1,
                                                          Body=b)["ETag"]} for i, b in
             enumerate((body[:5 << 20], body[5 << 20:]))]
    s3.complete_multipart_upload(Bucket=BUCKET, Key="big", UploadId=first, MultipartUpload={"Parts": parts})
    s3.put_object(Bucket=BUCKET, Key="big", Body=b"small")
    same(s3.get_object(Bucket=at(1), Key="big")["Body"].read() == body, True)
    same(s3.get_object(Bucket=at(1), Key="big", Range="bytes=5000000-6000000")["Body"].read() == body[5000000:6000001],
         True)
    same(s3.get_object(Bucket=at(1), Key="big", PartNumber=2)["Body"].read() == body[5 << 20:], True)
    second = s3.create_multipart_upload(Bucket=BUCKET, Key="copy")["UploadId"]
    part = s3.upload_part_copy(Bucket=BUCKET, Key="copy", UploadId=second, PartNumber=1,
                               CopySource=at(1) + "/big", CopySourceRange="bytes=0-5999999")
    s3.complete_multipart_upload(Bucket=BUCKET, Key="copy", UploadId=second, MultipartUpload={
        "Parts": [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]})
    same(s3.get_object(Bucket=BUCKET, Key="copy")["Body"].read() == body[:6000000], True)


def restore(s3):
    """What was is brought back by copying it from there."""
    fill(s3)
    for key in keys(s3, at(4)):
        s3.copy_object(Bucket=BUCKET, Key=key, CopySource={"Bucket": at(4), "Key": key})
    same(keys(s3, BUCKET), ["a/1", "a/2", "b"])
    same(s3.get_object(Bucket=BUCKET, Key="a/1")["Body"].read(), b"first a/1")
    same(s3.get_object(Bucket=BUCKET, Key="a/1")["Metadata"], {"turn": "1"})
    same(refused(s3.copy_object, Bucket=BUCKET, Key="x", CopySource=at(3) + "/b"), (404, "NoSuchKey"))
    same(refused(s3.copy_object, Bucket=BUCKET, Key="x", CopySource=at(4000) + "/b"), (404, "NoSuchBucket"))


def times(s3):
    fill(s3)
    time.sleep(1.1)
    stamp = time.strftime("%Y%m%dt%H%M%Sz", time.gmtime())
    time.sleep(1.1)
    s3.put_object(Bucket=BUCKET, Key="later", Body=b"x")
    same(keys(s3, at(stamp)), [])
    later = s3.head_object(Bucket=BUCKET, Key="later")["LastModified"]
    time.sleep(1.1)
    s3.delete_object(Bucket=BUCKET, Key="later")
    same(keys(s3, at(time.strftime("%Y%m%dt%H%M%Sz", time.gmtime(later.timestamp() + 1)))), ["later"])
    same(keys(s3, at("20200101t000000z")), [])
    same(refused(s3.list_objects_v2, Bucket=at("20990101t000000z")), (404, "NoSuchBucket"))


def refusals(s3):
    fill(s3)
    name = at(4)
    for moment in ("", "x", "-1", "4x", "4000", "99999999999999999999", "20261322t000000z"):
        if moment:
            same(refused(s3.list_objects_v2, Bucket=at(moment)), (404, "NoSuchBucket"))
            same(refused(s3.head_bucket, Bucket=at(moment))[0], 404)
    same(refused(s3.list_objects_v2, Bucket="nobody--at-4"), (404, "NoSuchBucket"))
    for call, arguments in (
            (s3.put_object, {"Key": "k", "Body": b"x"}), (s3.delete_object, {"Key": "a/1"}),
            (s3.delete_objects, {"Delete": {"Objects": [{"Key": "a/1"}]}}), (s3.create_bucket, {}),
            (s3.delete_bucket, {}), (s3.create_multipart_upload, {"Key": "k"}), (s3.list_multipart_uploads, {}),
            (s3.list_object_versions, {}), (s3.get_bucket_acl, {}), (s3.get_object_tagging, {"Key": "a/1"}),
            (s3.copy_object, {"Key": "k", "CopySource": name + "/a/1"}), (s3.get_bucket_policy, {}),
            (s3.upload_part, {"Key": "k", "UploadId": "x", "PartNumber": 1, "Body": b"x"}),
            (s3.put_bucket_versioning, {"VersioningConfiguration": {"Status": "Enabled"}})):
        same(refused(call, Bucket=name, **arguments), (405, "MethodNotAllowed"))
    same([b["Name"] for b in s3.list_buckets()["Buckets"] if "--at-" in b["Name"]], [])
    same(refused(s3.create_bucket, Bucket="other--at-4")[0], 405)
    same(refused(s3.create_bucket, Bucket="other--at-x"), (400, "InvalidBucketName"))


if __name__ == "__main__":
    globals()[sys.argv[1]](client())
