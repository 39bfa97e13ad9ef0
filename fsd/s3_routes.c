#include "limits.h"
#include "perm.h"
#include "route.h"
#include "s3.h"

#define SMALL_XML 65536

#define SERVICE LEVEL_SERVICE
#define BUCKET LEVEL_BUCKET
#define OBJECT LEVEL_OBJECT

/* Every operation of S3 that is built. Sub-resources that are not: s3_sub.c. */
const struct route s3_routes[] = {
	/* The ones that have to be fast come first, as far as what is more specific lets them. */
	{ "PUT", OBJECT, .param = "uploadId", .header = "x-amz-copy-source", .name = "UploadPartCopy",
	    .action = ACTION_WRITE, .run = s3_part_copy },
	{ "PUT", OBJECT, .param = "uploadId", .name = "UploadPart", .action = ACTION_WRITE, .start = s3_part_start,
	    .write = s3_put_write, .run = s3_part_finish, .release = s3_put_release },
	{ "PUT", OBJECT, .header = "x-amz-copy-source", .name = "CopyObject", .action = ACTION_WRITE,
	    .run = s3_copy_object },
	{ "PUT", OBJECT, .name = "PutObject", .action = ACTION_WRITE, .at_once = SMALL_OBJECT,
	    .start = s3_put_start, .write = s3_put_write, .run = s3_put_finish, .release = s3_put_release },
	{ "GET", OBJECT, .param = "uploadId", .name = "ListParts", .action = ACTION_WRITE, .run = s3_list_parts },
	{ "GET", OBJECT, .param = "attributes", .name = "GetObjectAttributes", .past = true, .action = ACTION_READ,
	    .run = s3_get_attributes },
	{ "GET", OBJECT, .name = "GetObject", .past = true, .action = ACTION_READ, .run = s3_get_object },
	{ "HEAD", OBJECT, .name = "HeadObject", .past = true, .action = ACTION_READ, .run = s3_head_object },
	{ "DELETE", OBJECT, .param = "uploadId", .name = "AbortMultipartUpload", .action = ACTION_WRITE,
	    .run = s3_abort_upload },
	{ "DELETE", OBJECT, .name = "DeleteObject", .action = ACTION_WRITE, .at_once = UINT64_MAX,
	    .run = s3_delete_object, .release = s3_delete_release },
	{ "POST", OBJECT, .param = "uploads", .name = "CreateMultipartUpload", .action = ACTION_WRITE,
	    .run = s3_create_upload },
	{ "POST", OBJECT, .param = "uploadId", .name = "CompleteMultipartUpload", .action = ACTION_WRITE,
	    .body_max = LIMIT_XML_BODY, .run = s3_complete_upload },

	{ "GET", BUCKET, .param = "list-type", .name = "ListObjectsV2", .past = true, .action = ACTION_LIST,
	    .run = s3_list_objects_v2 },
	{ "GET", BUCKET, .param = "versions", .name = "ListObjectVersions", .action = ACTION_LIST,
	    .run = s3_list_versions },
	{ "GET", BUCKET, .param = "uploads", .name = "ListMultipartUploads", .action = ACTION_LIST,
	    .run = s3_list_uploads },
	{ "GET", BUCKET, .param = "location", .name = "GetBucketLocation", .past = true, .action = ACTION_SEEN_,
	    .run = s3_get_location },
	{ "GET", BUCKET, .param = "versioning", .name = "GetBucketVersioning", .past = true, .action = ACTION_LIST,
	    .run = s3_get_versioning },
	{ "GET", BUCKET, .name = "ListObjects", .past = true, .action = ACTION_LIST, .run = s3_list_objects_v1 },
	{ "HEAD", BUCKET, .name = "HeadBucket", .past = true, .action = ACTION_SEEN_, .run = s3_head_bucket },
	{ "PUT", BUCKET, .param = "versioning", .name = "PutBucketVersioning", .action = ACTION_MANAGE,
	    .body_max = SMALL_XML, .run = s3_put_versioning },
	{ "PUT", BUCKET, .name = "CreateBucket", .action = ACTION_CREATE_, .body_max = SMALL_XML,
	    .run = s3_create_bucket },
	{ "DELETE", BUCKET, .name = "DeleteBucket", .action = ACTION_MANAGE, .run = s3_delete_bucket },
	{ "POST", BUCKET, .param = "delete", .name = "DeleteObjects", .action = ACTION_NONE_,
	    .body_max = LIMIT_XML_BODY, .run = s3_delete_objects },
	{ "POST", BUCKET, .name = "PostObject", .action = ACTION_PUBLIC_, .start = s3_post_object },

	{ "GET", SERVICE, .name = "ListBuckets", .action = ACTION_NONE_, .run = s3_list_buckets },
	{ .name = NULL },
};
