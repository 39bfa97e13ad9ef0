#ifndef CODEC_SIGV2_H
#define CODEC_SIGV2_H

#include <stdint.h>

#include "buf.h"
#include "sigv4.h"

/*
 * AWS Signature Version 2, as old tools and boto3's default presigned URLs use it.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html
 * In a presigned URL, query parameters named x-amz-*, content-type and content-md5 stand for headers of that name (boto3
 * writes them so): they are signed as such, and whoever answers the request must heed them as such.
 * A request is parsed by sigv4_parse() (kinds SIGV2_HEADER, SIGV2_PRESIGNED) and its time checked by sigv4_time().
 * Any thread.
 */

/*
 * Does the signature hold? `bucket` is the bucket's name where it came in the Host header (virtual-host style), else
 * NULL. The path "/bucket" may have been signed with a slash behind it. `scratch` then holds the string to sign. ERR_AUTH: no. ERR_NOMEM, ERR_TOOBIG of the buffer.
 */
int sigv2_verify(const struct sigv4_request *r, const struct sigv4_auth *auth, const char *secret,
    const char *bucket, struct buf *scratch);

/* Appends the value of an Authorization header ("AWS KEY:signature"); `r` must hold a date or x-amz-date header. */
int sigv2_sign(const struct sigv4_request *r, const char *key_id, const char *secret, const char *bucket,
    struct buf *scratch, struct buf *authorization);

/* Appends the query string of r->uri with AWSAccessKeyId, Expires (seconds since 1970) and Signature. */
int sigv2_presign(const struct sigv4_request *r, const char *key_id, const char *secret, const char *bucket,
    int64_t expires, struct buf *scratch, struct buf *query);

#endif
