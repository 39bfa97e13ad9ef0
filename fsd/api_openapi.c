#include "api.h"
#include "api_calls.h"

/*
 * The document that describes /v1 (OpenAPI 3.1), which is a file of its own and becomes part of the program. tests/openapi.py compares it with
 * the routes and with real replies.
 */
__asm__(".section .rodata\n"
	".global api_openapi_json, api_openapi_json_end\n"
	"api_openapi_json:\n"
	".incbin \"fsd/openapi.json\"\n"
	"api_openapi_json_end:\n"
	".previous\n");
extern const char api_openapi_json[], api_openapi_json_end[];

/* GET /v1/openapi.json */
int
api_openapi(struct request *req)
{
	struct http_reply *reply = &req->http->reply;

	reply->status = 200;
	http_reply_header(reply, "Content-Type", "application/json");
	http_reply_header(reply, "Cache-Control", "public, max-age=300");
	buf_add(&reply->body, api_openapi_json, (size_t)(api_openapi_json_end - api_openapi_json));
	return buf_finish(&reply->body);
}
