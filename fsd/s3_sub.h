#ifndef FSD_S3_SUB_H
#define FSD_S3_SUB_H

#include "request.h"

/*
 * Sub-resources (?acl, ?tagging, ?policy …) that this store has none of. Reads answer as AWS does for a bucket or an object where
 * nothing was configured, since clients ask as a matter of course. So does a DELETE of what AWS has one of at most for a bucket or
 * an object, to who might configure it: tools that tidy up send one, and what is not there is gone. Other writes are NotImplemented. A write that names one of
 * another level, or one that has a route for another method, is one of these too, and not a write of the object or bucket itself. PUT
 * ?acl with a canned ACL that says what is so (private, bucket-owner-full-control) succeeds, and changes nothing: tools set it as a matter
 * of course, too.
 *
 * A write that names a sub-resource, or what picks a version, an upload or a part, in other case, or picks one where there is none, is
 * InvalidArgument: it is meant otherwise than as a write of the object or bucket itself.
 */

/* What a request for one of them is; NULL if none is named in the query, and for a HEAD. Cheap where the query is empty. */
const struct route *s3_sub_route(const struct request *req);

#endif
