#include <string.h>

#include "daemon.h"
#include "err.h"
#include "s3.h"
#include "xml.h"

/*
 * GET /bucket?versioning. A bucket that never had versioning has no Status.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html
 */
int
s3_get_versioning(struct request *req)
{
	struct buf *b = s3_xml(req);

	xml_begin_root(b, "VersioningConfiguration");
	if (req->workspace.versioning != VERSIONING_NEVER)
		xml_elem(b, "Status", req->workspace.versioning == VERSIONING_ENABLED ? "Enabled" : "Suspended");
	xml_end(b, "VersioningConfiguration");
	return buf_finish(b);
}

static int
malformed(struct request *req, const char *why)
{
	return request_fail(req, ERR_INVALID, "MalformedXML", "%s", why);
}

/* Versions need no second factor to be deleted here: whoever asks for that must hear that they don't get it. */
static int
judge_mfa(struct request *req, const char *text)
{
	if (!*text || !strcmp(text, "Disabled"))
		return 0;
	if (!strcmp(text, "Enabled"))
		return request_fail(req, ERR_UNSUPPORTED, "NotImplemented", "MFA delete is not supported.");
	return malformed(req, "<MfaDelete> must be Enabled or Disabled.");
}

static int
judge_status(struct request *req, const char *text, int *versioning)
{
	if (*versioning != VERSIONING_NEVER)
		return malformed(req, "There is more than one <Status>.");
	if (!strcmp(text, "Enabled"))
		*versioning = VERSIONING_ENABLED;
	else if (!strcmp(text, "Suspended"))
		*versioning = VERSIONING_SUSPENDED;
	else
		return malformed(req, "<Status> must be Enabled or Suspended.");
	return 0;
}

static int
read_configuration(struct request *req, int *versioning)
{
	const struct buf *body = &req->http->body;
	char error[XML_ERROR];
	struct xml *root = NULL;
	int rc = 0;

	*versioning = VERSIONING_NEVER;
	if (body->len == 0)
		return request_fail(req, ERR_INVALID, "MissingRequestBodyError", NULL);
	if (xml_parse(body->data, body->len, error, &root) != 0)
		return malformed(req, error);
	if (strcmp(xml_name(root), "VersioningConfiguration"))
		rc = malformed(req, "The body must be <VersioningConfiguration>.");
	for (const struct xml *e = xml_child(root, NULL); rc == 0 && e; e = xml_next(e, NULL)) {
		if (!strcmp(xml_name(e), "Status"))
			rc = judge_status(req, xml_text(e), versioning);
		else if (!strcmp(xml_name(e), "MfaDelete") || !strcmp(xml_name(e), "MFADelete"))
			rc = judge_mfa(req, xml_text(e));
		else
			rc = malformed(req, "<VersioningConfiguration> holds <Status> and <MfaDelete> alone.");
	}
	if (rc == 0 && *versioning == VERSIONING_NEVER)
		rc = request_fail(req, ERR_INVALID, "IllegalVersioningConfigurationException", NULL);
	xml_free(root);
	return rc;
}

/*
 * PUT /bucket?versioning. Once set it can be suspended, but never be as if it had not been.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html
 */
int
s3_put_versioning(struct request *req)
{
	struct workspace_set set = WORKSPACE_SET_NONE;
	int rc;

	if ((rc = s3_check_body(req, false)) != 0 || (rc = read_configuration(req, &set.versioning)) != 0 ||
	    (rc = workspace_set(req->daemon->store, req->workspace.id, &set, request_actor(req))) != 0)
		return rc;
	req->http->reply.status = 200;
	return 0;
}
