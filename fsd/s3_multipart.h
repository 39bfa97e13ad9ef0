#ifndef FSD_S3_MULTIPART_H
#define FSD_S3_MULTIPART_H

#include "s3.h"

/* Shared by s3_multipart.c, s3_part.c and s3_complete.c. */

/* ?uploadId=; NoSuchUpload if it is none of ours. */
int s3_upload_param(struct request *req, int64_t *id);

#endif
