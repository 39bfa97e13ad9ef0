#ifndef FSD_S3_H
#define FSD_S3_H

#include "request.h"

/*
 * The operations of S3, one file a family. Handlers read as "find it, may he, answer" and know neither SQL nor the HTTP library.
 * The table of them is in s3_routes.c. Each is 0 or an error code (see struct route).
 */

/* s3_service.c */
int s3_list_buckets(struct request *req);

/* s3_bucket.c */
int s3_create_bucket(struct request *req);
int s3_head_bucket(struct request *req);
int s3_delete_bucket(struct request *req);
int s3_get_location(struct request *req);
int s3_post_object(struct request *req);	/* a browser's form; its signature is in the body */

/* s3_versioning.c */
int s3_get_versioning(struct request *req);
int s3_put_versioning(struct request *req);

/* s3_list.c */
int s3_list_objects_v1(struct request *req);
int s3_list_objects_v2(struct request *req);
int s3_list_versions(struct request *req);

/* s3_get.c */
int s3_get_object(struct request *req);
int s3_head_object(struct request *req);

/* s3_attributes.c */
int s3_get_attributes(struct request *req);

/* s3_put.c: streamed */
int s3_put_start(struct request *req);
int s3_put_write(struct request *req, const void *bytes, size_t len, size_t *used);
int s3_put_finish(struct request *req);
void s3_put_release(struct request *req);

/* s3_copy.c */
int s3_copy_object(struct request *req);

/* s3_delete.c */
int s3_delete_object(struct request *req);
void s3_delete_release(struct request *req);
int s3_delete_objects(struct request *req);

/* s3_multipart.c */
int s3_create_upload(struct request *req);
int s3_part_start(struct request *req);		/* streamed; write and release are s3_put_write and s3_put_release */
int s3_part_finish(struct request *req);
int s3_part_copy(struct request *req);
int s3_list_parts(struct request *req);
int s3_list_uploads(struct request *req);
int s3_complete_upload(struct request *req);
int s3_abort_upload(struct request *req);

/* ---- shared by them: s3_util.c ---- */

/* Version ids as S3 clients see them: "null", or 32 characters made of the id. */
#define S3_VERSION_TEXT 40
void s3_version_text(const struct object_info *info, char text[S3_VERSION_TEXT]);
/* ?versionId= into a version for object_find(): 0 if absent. ERR_INVALID (NoSuchVersion is the caller's). */
int s3_version_param(const struct request *req, int64_t *version);
int s3_version_parse(const char *text, int64_t *version);	/* "null": VERSION_NULL; ERR_INVALID */
/* x-amz-version-id of what was just written: AWS names none where that is the "null" version. */
void s3_version_made(struct http_reply *reply, const struct object_info *info);
/* x-amz-version-id of what was read, where the bucket has or had versioning. */
void s3_version_header(struct http_reply *reply, const struct object_info *info);
/* The headers of a delete marker, in a 404 or 405. */
void s3_marker_headers(struct http_reply *reply, const struct object_info *info);
/* Writes of whole objects make versions and take no id, nor a part's number: refuses ?versionId= and ?partNumber=. InvalidArgument. */
int s3_refuse_params(struct request *req);

/*
 * What a read is of: fills req->found by key, ?versionId= and, in a bucket as it was, sequence. InvalidArgument, NoSuchKey,
 * NoSuchVersion, MethodNotAllowed (a delete marker), with the headers that AWS answers beside them.
 */
int s3_find_object(struct request *req);

/*
 * Walks the x-amz-* headers: those sent, and in presigned URLs those in the query that were not sent, too. False at the end. Names of
 * headers end at their colon's place, which http.h does not promise to be a NUL: they are copied.
 */
struct s3_walk {
	size_t at;			/* 0 to begin with */
	char name[256];			/* in small letters; what meta.h can hold, cut if too_long */
	bool too_long;
	struct slice value;		/* a NUL follows */
};
bool s3_walk_next(const struct request *req, struct s3_walk *w);
/* Content headers and x-amz-meta-* of the request into meta.h's form; InvalidArgument, MetadataTooLarge. */
int s3_collect_headers(struct request *req, struct buf *headers);
/*
 * Only looks for x-amz-* headers that ask for what is not built (s3_collect_headers() does, too): NotImplemented, InvalidStorageClass;
 * for those of a copy where nothing is copied: InvalidRequest. A copy's source is a header, never in a presigned URL: what comes with one is a PUT's body.
 */
int s3_refuse_headers(struct request *req);
/* For reads: a customer's key (SSE-C) is none of an object that is not encrypted: InvalidRequest, as at AWS. */
int s3_refuse_keys(struct request *req);
/* If-Match, If-None-Match, If-(Un)Modified-Since of a read (RFC 9110, 13): 0, ERR_UNMODIFIED, ERR_PRECONDITION. */
int s3_read_conditions(const struct request *req, const struct object_info *info);
/* The same as x-amz-copy-source-if-*: ERR_PRECONDITION. */
int s3_copy_conditions(const struct request *req, const struct object_info *info);
/* If-Match, If-None-Match: * of a write. NotImplemented for other forms, and for those that stand in the query. */
int s3_write_expectation(struct request *req, struct expectation *expect);
/* Content-Type, ETag, Last-Modified, metadata, version id, checksums when asked for (x-amz-checksum-mode). */
void s3_object_headers(struct request *req, const struct object_info *info);
/* What the client wants checked: Content-MD5, x-amz-checksum-*, x-amz-sdk-checksum-algorithm, trailers announced. */
struct s3_checks {
	bool md5;
	uint8_t md5_value[16];
	bool checksum;			/* of this kind is wanted (computed) */
	enum digest_kind kind;
	bool value_given;		/* in a header; else in a trailer, or only wanted */
	uint8_t value[DIGEST_MAX];
	bool in_trailer;		/* one is announced; with value_given, too, it may be left out */
};
int s3_collect_checks(struct request *req, struct s3_checks *checks);
/*
 * When all of an aws-chunked body came: takes the value that was announced for its trailer. InvalidRequest, MalformedTrailerError;
 * BadDigest where the header has another one.
 */
int s3_read_trailer(struct request *req, struct s3_checks *checks);
/* Compares a buffered body with what the client says of it; `must`: it has to say something. BadDigest, InvalidRequest. */
int s3_check_body(struct request *req, bool must);

/* s3_checksum.c: the names of checksums. "CRC32" … "SHA256" in any case; ERR_INVALID for others (MD5 is none of them). */
int s3_checksum_kind(const char *name, enum digest_kind *kind);
/* <ChecksumCRC32>base64</ChecksumCRC32>, with "-parts" behind a composite one; nothing for CHECKSUM_NONE. */
void s3_checksum_element(struct buf *b, const struct checksum *checksum);
/* x-amz-checksum-crc32: base64, and x-amz-checksum-type. */
void s3_checksum_header(struct http_reply *reply, const struct checksum *checksum);
/* Base64 (with "-N" behind it allowed) into a checksum of that kind. ERR_INVALID. */
int s3_checksum_parse(const char *text, enum digest_kind kind, struct checksum *checksum);
/* The one x-amz-checksum-* header with a value to compare; CHECKSUM_NONE without any. InvalidRequest, also for digests that are not known. */
int s3_checksum_given(struct request *req, struct checksum *checksum);
/* x-amz-checksum-type; CHECKSUM_NONE where it is not given. InvalidRequest. */
int s3_checksum_type_param(struct request *req, enum checksum_type *type);
const char *s3_checksum_header_name(enum digest_kind kind);	/* "x-amz-checksum-crc32" */
const char *s3_checksum_type_name(enum checksum_type type);	/* "COMPOSITE", else "FULL_OBJECT" */

/* x-amz-copy-source: bucket, key, version, permission to read it. ERR_INVALID, ERR_NOTFOUND, ERR_DENIED. Fills `info`. */
int s3_copy_source(struct request *req, struct object_info *info);
/* Starts an XML reply of status 200 in req->http->reply.body. */
struct buf *s3_xml(struct request *req);
/* The number that the client sent as `name`, at most `most`; *value stays where `text` is NULL or empty. InvalidArgument. */
int s3_number(struct request *req, const char *name, const char *text, uint64_t most, uint64_t *value);
/* Whether encoding-type can be done: InvalidArgument for all but url. */
int s3_check_encoding(struct request *req);
/* Adds a key or prefix, URL-encoded if the request asked for encoding-type=url. */
void s3_xml_key(struct request *req, struct buf *b, const char *element, struct slice key);

#endif
