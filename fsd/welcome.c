#include "route.h"

/* Nothing of the store is shown here: whoever opens the address sees what it is and how to get in, and no more. */
static const char page[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<title>fsd</title>\n"
    "<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:42rem;margin:4rem auto;padding:0 1rem}"
    "pre{background:#f4f4f4;padding:.8rem;overflow-x:auto}</style>\n"
    "</head>\n"
    "<body>\n"
    "<h1>fsd</h1>\n"
    "<p>This is a file store that speaks the S3 protocol. It has no pages for browsers; S3 tools reach it at this\n"
    "address with an access key from its administrator:</p>\n"
    "<pre>aws --endpoint-url THIS-ADDRESS s3 ls\n"
    "rclone lsd :s3: --s3-provider Other --s3-endpoint THIS-ADDRESS --s3-env-auth</pre>\n"
    "<p><code>fsctl help</code> on the server lists what the administrator can do.</p>\n"
    "</body>\n"
    "</html>\n";

int
welcome_page(struct request *req)
{
	struct http_reply *reply = &req->http->reply;

	reply->status = 200;
	http_reply_header(reply, "Content-Type", "text/html; charset=utf-8");
	http_reply_header(reply, "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
	http_reply_header(reply, "X-Content-Type-Options", "nosniff");
	buf_add(&reply->body, page, sizeof(page) - 1);
	return 0;
}
