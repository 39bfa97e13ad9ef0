"""Bucket versioning with boto3, as the bats file calls it: boto3_versions.py TEST-NAME. Environment as in boto3_test.py."""

import os
import sys

import boto3

from boto3_test import MIB, bucket, client, refused, same
from botocore.exceptions import ClientError


def versioned(s3, name, status="Enabled"):
    bucket(s3, name)
    switch(s3, name, status)
    return name


def switch(s3, name, status):
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": status})
    same(s3.get_bucket_versioning(Bucket=name)["Status"], status)


def put(s3, b, key, text):
    """The id of the version made, None where AWS names none."""
    return s3.put_object(Bucket=b, Key=key, Body=text.encode()).get("VersionId")


def get(s3, b, key, version=None):
    got = s3.get_object(Bucket=b, Key=key, **({"VersionId": version} if version else {}))
    return got["Body"].read().decode(), got.get("VersionId")


def stack(s3, b, key=""):
    """Every version as the listing shows it: (key, id, latest), a marker with a "-" before its key."""
    found = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=b, Prefix=key, PaginationConfig={"PageSize": 3}):
        found += [(v["Key"], v["VersionId"], v["IsLatest"]) for v in page.get("Versions", [])]
        found += [("-" + v["Key"], v["VersionId"], v["IsLatest"]) for v in page.get("DeleteMarkers", [])]
    return found


def wreck(s3, b):
    """Every version goes, page by page with the markers of each, as clients empty a bucket; then the bucket."""
    marker = {}
    while True:
        page = s3.list_object_versions(Bucket=b, MaxKeys=2, **marker)
        objects = [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in page.get("Versions", []) + page.get("DeleteMarkers", [])]
        if objects:
            same(s3.delete_objects(Bucket=b, Delete={"Objects": objects}).get("Errors", []), [])
        if not page["IsTruncated"]:
            break
        marker = {"KeyMarker": page["NextKeyMarker"]}
        if page.get("NextVersionIdMarker"):
            marker["VersionIdMarker"] = page["NextVersionIdMarker"]
    s3.delete_bucket(Bucket=b)


def status_of(call, **arguments):
    """(HTTP status, code, headers) of what the call is refused with."""
    try:
        call(**arguments)
    except ClientError as e:
        meta = e.response["ResponseMetadata"]
        return meta["HTTPStatusCode"], e.response["Error"]["Code"], meta["HTTPHeaders"]
    raise AssertionError("not refused")


def test_states():
    """never, enabled, suspended, enabled: which version is called "null", and what its name does."""
    s3 = client()
    b = bucket(s3, "states-test")
    same("Status" in s3.get_bucket_versioning(Bucket=b), False)
    same(put(s3, b, "k", "plain"), None)
    same(get(s3, b, "k"), ("plain", None))
    same(stack(s3, b), [("k", "null", True)])
    switch(s3, b, "Enabled")
    same(get(s3, b, "k"), ("plain", "null"))
    one = put(s3, b, "k", "one")
    same(get(s3, b, "k", "null"), ("plain", "null"))
    same(get(s3, b, "k"), ("one", one))
    switch(s3, b, "Suspended")
    same(put(s3, b, "k", "between"), None)
    same(get(s3, b, "k"), ("between", "null"))
    same(get(s3, b, "k", "null"), ("between", "null"))
    same(get(s3, b, "k", one), ("one", one))
    same(stack(s3, b), [("k", "null", True), ("k", one, False)])
    marker = s3.delete_object(Bucket=b, Key="k")
    same((marker["DeleteMarker"], marker["VersionId"]), (True, "null"))
    same(stack(s3, b), [("k", one, False), ("-k", "null", True)])
    switch(s3, b, "Enabled")
    two = put(s3, b, "k", "two")
    same(stack(s3, b), [("k", two, True), ("k", one, False), ("-k", "null", False)])
    gone = s3.delete_object(Bucket=b, Key="k", VersionId="null")
    same((gone["DeleteMarker"], gone["VersionId"]), (True, "null"))
    same(refused(s3.get_object, Bucket=b, Key="k", VersionId="null"), "NoSuchVersion")
    same(stack(s3, b), [("k", two, True), ("k", one, False)])
    wreck(s3, b)


def test_markers():
    s3 = client()
    b = versioned(s3, "markers-test")
    one, two = put(s3, b, "d/k", "one"), put(s3, b, "d/k", "two")
    first = s3.delete_object(Bucket=b, Key="d/k")
    same(first["DeleteMarker"], True)
    for call in (s3.get_object, s3.head_object):
        status, _, headers = status_of(call, Bucket=b, Key="d/k")
        same((status, headers["x-amz-delete-marker"], headers["x-amz-version-id"]), (404, "true", first["VersionId"]))
        status, _, headers = status_of(call, Bucket=b, Key="d/k", VersionId=first["VersionId"])
        same((status, headers["x-amz-delete-marker"], headers["x-amz-version-id"], headers["allow"]),
             (405, "true", first["VersionId"], "DELETE"))
    same(refused(s3.get_object, Bucket=b, Key="d/k", VersionId=first["VersionId"]), "MethodNotAllowed")
    same("Contents" in s3.list_objects_v2(Bucket=b), False)
    same(refused(s3.delete_bucket, Bucket=b), "BucketNotEmpty")
    second = s3.delete_object(Bucket=b, Key="d/k")
    same(second["VersionId"] != first["VersionId"], True)
    same(s3.delete_object(Bucket=b, Key="d/k", VersionId=first["VersionId"])["DeleteMarker"], True)
    same(refused(s3.get_object, Bucket=b, Key="d/k"), "NoSuchKey")
    s3.delete_object(Bucket=b, Key="d/k", VersionId=second["VersionId"])
    same(get(s3, b, "d/k"), ("two", two))
    gone = s3.delete_object(Bucket=b, Key="d/k", VersionId=two)
    same(("DeleteMarker" in gone, gone["VersionId"]), (False, two))
    same(get(s3, b, "d/k"), ("one", one))
    # One that is not there any more is no error, and nothing happens.
    same(s3.delete_object(Bucket=b, Key="d/k", VersionId=two)["VersionId"], two)
    s3.delete_object(Bucket=b, Key="d/k", VersionId=one)
    same(stack(s3, b), [])
    # A marker on what never was.
    marker = s3.delete_object(Bucket=b, Key="never")
    same(stack(s3, b), [("-never", marker["VersionId"], True)])
    wreck(s3, b)


def test_copies():
    s3 = client()
    b = versioned(s3, "copies-test")
    one = s3.put_object(Bucket=b, Key="k", Body=b"one", Metadata={"a": "1"}, ContentType="text/x")["VersionId"]
    two = put(s3, b, "k", "two")
    # A version is restored by copying it onto its own key.
    done = s3.copy_object(Bucket=b, Key="k", CopySource={"Bucket": b, "Key": "k", "VersionId": one})
    same((done["CopySourceVersionId"], done["VersionId"] in (one, two)), (one, False))
    head = s3.head_object(Bucket=b, Key="k")
    same((head["Metadata"], head["ContentType"], head["VersionId"]), ({"a": "1"}, "text/x", done["VersionId"]))
    same(get(s3, b, "k"), ("one", done["VersionId"]))
    same(len(stack(s3, b, "k")), 3)
    same(refused(s3.copy_object, Bucket=b, Key="k", CopySource={"Bucket": b, "Key": "k"}), "InvalidRequest")
    marker = s3.delete_object(Bucket=b, Key="k")["VersionId"]
    same(refused(s3.copy_object, Bucket=b, Key="c", CopySource={"Bucket": b, "Key": "k"}), "NoSuchKey")
    same(refused(s3.copy_object, Bucket=b, Key="c", CopySource={"Bucket": b, "Key": "k", "VersionId": marker}), "InvalidRequest")
    s3.copy_object(Bucket=b, Key="k", CopySource={"Bucket": b, "Key": "k", "VersionId": two})
    same(get(s3, b, "k")[0], "two")
    plain = bucket(s3, "copies-plain")
    done = s3.copy_object(Bucket=plain, Key="k", CopySource={"Bucket": b, "Key": "k", "VersionId": one})
    same(("VersionId" in done, done["CopySourceVersionId"], get(s3, plain, "k")), (False, one, ("one", None)))
    s3.delete_object(Bucket=plain, Key="k")
    s3.delete_bucket(Bucket=plain)
    # While versioning is suspended the copy is "null", also where that was its source.
    switch(s3, b, "Suspended")
    put(s3, b, "k", "nothing")
    done = s3.copy_object(Bucket=b, Key="k", CopySource={"Bucket": b, "Key": "k", "VersionId": "null"}, Metadata={"b": "2"},
                          MetadataDirective="REPLACE")
    same((get(s3, b, "k", "null")[0], done["CopySourceVersionId"], "VersionId" in done), ("nothing", "null", False))
    same(s3.head_object(Bucket=b, Key="k")["Metadata"], {"b": "2"})
    same(len([v for v in stack(s3, b, "k") if v[1] == "null"]), 1)
    wreck(s3, b)


def test_multipart():
    s3 = client()
    b = versioned(s3, "multipart-versions")
    old = put(s3, b, "m", "old")
    body = os.urandom(5 * MIB)
    up = s3.create_multipart_upload(Bucket=b, Key="m")["UploadId"]
    part = s3.upload_part(Bucket=b, Key="m", UploadId=up, PartNumber=1, Body=body)
    copied = s3.upload_part_copy(Bucket=b, Key="m", UploadId=up, PartNumber=2, CopySource={"Bucket": b, "Key": "m", "VersionId": old})
    same(copied["CopySourceVersionId"], old)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}, {"PartNumber": 2, "ETag": copied["CopyPartResult"]["ETag"]}]}
    done = s3.complete_multipart_upload(Bucket=b, Key="m", UploadId=up, MultipartUpload=parts)
    again = s3.complete_multipart_upload(Bucket=b, Key="m", UploadId=up, MultipartUpload=parts)
    same(again["VersionId"], done["VersionId"])
    same(s3.get_object(Bucket=b, Key="m", VersionId=done["VersionId"])["Body"].read(), body + b"old")
    same(s3.head_object(Bucket=b, Key="m", VersionId=done["VersionId"], PartNumber=2)["ContentLength"], 3)
    same(stack(s3, b), [("m", done["VersionId"], True), ("m", old, False)])
    same(get(s3, b, "m", old), ("old", old))
    wreck(s3, b)


def test_listing():
    s3 = client()
    b = versioned(s3, "listing-versions")
    made = {}
    for key in ("a", "d/b", "d/c", "e f+g"):
        made[key] = [put(s3, b, key, "x" * i) for i in range(4)][::-1]
    gone = s3.delete_object(Bucket=b, Key="d/c")["VersionId"]
    want = [(k, v, i == 0) for k in ("a", "d/b") for i, v in enumerate(made[k])] + [("-d/c", gone, True)]
    want += [("d/c", v, False) for v in made["d/c"]] + [("e f+g", v, i == 0) for i, v in enumerate(made["e f+g"])]
    for size in (1, 2, 3, 5, 1000):
        found = []
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=b, PaginationConfig={"PageSize": size}):
            versions = [(v["Key"], v["VersionId"], v["IsLatest"]) for v in page.get("Versions", [])]
            found += versions + [("-" + v["Key"], v["VersionId"], v["IsLatest"]) for v in page.get("DeleteMarkers", [])]
            same(len(versions) + len(page.get("DeleteMarkers", [])) <= size, True)
        same(sorted(found), sorted(want))
    page = s3.list_object_versions(Bucket=b, Delimiter="/", MaxKeys=5)
    same(([v["Key"] for v in page["Versions"]], [p["Prefix"] for p in page["CommonPrefixes"]], page["IsTruncated"],
          page["NextKeyMarker"], "NextVersionIdMarker" in page), (["a"] * 4, ["d/"], True, "d/", False))
    page = s3.list_object_versions(Bucket=b, Delimiter="/", KeyMarker="d/")
    same(([v["Key"] for v in page["Versions"]], "CommonPrefixes" in page), (["e f+g"] * 4, False))
    page = s3.list_object_versions(Bucket=b, Prefix="d/", KeyMarker="d/b", VersionIdMarker=made["d/b"][1], MaxKeys=3)
    same(([v["VersionId"] for v in page["Versions"]], [v["VersionId"] for v in page["DeleteMarkers"]]), (made["d/b"][2:], [gone]))
    # A key alone as marker: all of its versions are behind.
    page = s3.list_object_versions(Bucket=b, KeyMarker="d/c")
    same([v["Key"] for v in page["Versions"]], ["e f+g"] * 4)
    page = s3.list_object_versions(Bucket=b, Prefix="e", EncodingType="url")
    same((page["Versions"][0]["Key"], page["EncodingType"]), ("e%20f%2Bg", "url"))
    same(s3.list_object_versions(Bucket=b, MaxKeys=0)["IsTruncated"], False)
    same(refused(s3.list_object_versions, Bucket=b, VersionIdMarker=gone), "InvalidArgument")
    same(refused(s3.list_object_versions, Bucket=b, KeyMarker="a", VersionIdMarker="nonsense"), "InvalidArgument")
    wreck(s3, b)


def test_delete_objects():
    s3 = client()
    b = versioned(s3, "deletes-versions")
    one, two, other = put(s3, b, "k", "one"), put(s3, b, "k", "two"), put(s3, b, "l", "l")

    def delete(*objects):
        reply = s3.delete_objects(Bucket=b, Delete={"Objects": list(objects)})
        return reply.get("Deleted", []), [(e["Key"], e["Code"]) for e in reply.get("Errors", [])]
    # Twice the same is once; the same key with a version and without are two.
    deleted, errors = delete({"Key": "k"}, {"Key": "k"}, {"Key": "k", "VersionId": one}, {"Key": "k", "VersionId": one}, {"Key": "none"})
    same((len(deleted), errors), (3, []))
    same([(d["Key"], d.get("VersionId"), d.get("DeleteMarker")) for d in deleted], [("k", None, True), ("k", one, None), ("none", None, True)])
    marker = deleted[0]["DeleteMarkerVersionId"]
    same(sorted(stack(s3, b)), sorted([("-k", marker, True), ("k", two, False), ("l", other, True),
                                       ("-none", deleted[2]["DeleteMarkerVersionId"], True)]))
    deleted, errors = delete({"Key": "k", "VersionId": marker}, {"Key": "l", "VersionId": two})
    same(deleted[0], {"Key": "k", "VersionId": marker, "DeleteMarker": True, "DeleteMarkerVersionId": marker})
    same((deleted[1], errors), ({"Key": "l", "VersionId": two}, []))
    same((get(s3, b, "k")[0], get(s3, b, "l")[0]), ("two", "l"))
    same(delete({"Key": "k", "VersionId": "nonsense"}), ([], [("k", "NoSuchVersion")]))
    wreck(s3, b)


def main():
    print("# boto3 %s" % boto3.__version__)
    globals()["test_" + sys.argv[1]]()


if __name__ == "__main__":
    main()
