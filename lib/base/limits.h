/*
 * This file hides the C library's of the same name from <limits.h> too, so it passes it on. Outside the guard,
 * since gcc's own limits.h comes back here on its way to the C library's.
 */
#include_next <limits.h>

#ifndef BASE_FS_LIMITS_H
#define BASE_FS_LIMITS_H

/*
 * Everything a client controls has a limit; they stand together here with their reason. Those that an
 * administrator may change are settings of fsd.yaml with these as defaults.
 */

/* Names */
#define LIMIT_KEY 1024			/* bytes of an S3 key (AWS) */
#define LIMIT_KEY_STORED 65536		/* a folder move can make keys longer than what S3 writes accept */
#define LIMIT_HISTORY_MS (100ll * 366 * 86400 * 1000)	/* 100 years: times in microseconds stay far from their end */
#define LIMIT_DEPTH 128			/* folders above an entry: bounds every walk */
#define LIMIT_BUCKET_NAME 63		/* AWS */
#define LIMIT_USER_NAME 64

/* HTTP */
#define LIMIT_TARGET 16384		/* bytes of the request target: a 1,024-byte key escaped is 3,072 */
#define LIMIT_HEADERS 100		/* header lines a request */
#define LIMIT_HEADER_BYTES 24576	/* all of them together; fits the connection's memory */
#define LIMIT_METADATA 2048		/* bytes of x-amz-meta-* names and values (AWS) */
#define LIMIT_XML_BODY (2u << 20)	/* 1,000 keys of 1,024 bytes escaped; 10,000 parts */
#define LIMIT_JSON_BODY (4u << 20)
#define LIMIT_CONNECTIONS 16384	/* 10,000 clients that wait, and the others */

/* Objects */
#define LIMIT_PUT (5ull << 30)		/* one PUT or part (AWS) */
#define LIMIT_OBJECT (5ull << 40)	/* a whole object (AWS) */
#define LIMIT_PARTS 10000		/* AWS */
#define LIMIT_PART_MIN (5u << 20)	/* every part but the last (AWS) */
#define LIMIT_UPLOADS 10000		/* open in one workspace: the quota counts their bytes, but not their rows and lists of chunks */
#define LIMIT_UPLOADS_EACH (LIMIT_UPLOADS / 2)	/* of them of one user that does not own the workspace: others have room beside */
#define LIMIT_DELETE_KEYS 1000		/* one DeleteObjects (AWS) */
#define LIMIT_LIST_KEYS 1000		/* one page (AWS) */
#define LIMIT_CHANGES 1000		/* one page of the feed */

/* Chunks and segments */
#define BLOCK_SIZE 65536u		/* what is compressed and checked alone */
#define CHUNK_MIN (256u << 10)
#define CHUNK_AVG (1u << 20)
#define CHUNK_MAX (4u << 20)
#define LEAF_CHUNKS 1024u		/* chunks of one manifest leaf */
#define SEGMENT_SIZE (256u << 20)
#define SEGMENT_EXTEND (16u << 20)
#define STREAM_SEGMENTS 4
#define SMALL_OBJECT (256u << 10)	/* up to here a PUT goes to the shared segment that the committer flushes */

/* Memory */
#define POOL_BYTES (128u << 20)		/* buffers of all uploads together */
#define POOL_SMALL_SHARE 4		/* one in so many is for contents up to SMALL_OBJECT: large uploads can't hold them up */
#define BODY_FREE 8192			/* what a connection may collect without asking: small calls never wait */

/* Time */
#define SKEW_MAX_US (15ll * 60 * 1000000)	/* AWS: RequestTimeTooSkewed */
#define PRESIGN_MAX_S (7 * 86400)		/* AWS */

#endif
