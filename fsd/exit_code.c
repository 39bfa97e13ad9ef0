#include "err.h"
#include "exit_code.h"

enum exit_code
exit_code_of(int rc)
{
	switch (rc) {
	case 0:
		return EXIT_OK;
	case ERR_USAGE:
	case ERR_INVALID:
	case ERR_VERSION:
	case ERR_UNSUPPORTED:
		return EXIT_USAGE;
	case ERR_CORRUPT:
	case ERR_DIGEST:
		return EXIT_INTEGRITY;
	case ERR_NOTFOUND:
		return EXIT_NOT_FOUND;
	case ERR_LOCKED:
		return EXIT_LOCKED;
	case ERR_AUTH:
	case ERR_DENIED:
		return EXIT_NOT_AUTHORISED;
	case ERR_SPACE:
	case ERR_QUOTA:
		return EXIT_NO_SPACE;
	case ERR_BUSY:
	case ERR_AGAIN:
	case ERR_NOMEM:
	case ERR_TIMEOUT:
		return EXIT_TEMPORARY;
	default:
		return EXIT_FAILED;
	}
}
