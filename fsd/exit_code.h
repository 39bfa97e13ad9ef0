#ifndef FSD_EXIT_CODE_H
#define FSD_EXIT_CODE_H

/* What fsd ends with; the list is fsctl's too and stands on both man pages. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,		/* command line, configuration, a store of another version */
	EXIT_INTEGRITY = 4,
	EXIT_NOT_FOUND = 10,
	EXIT_LOCKED = 11,
	EXIT_NOT_AUTHORISED = 12,	/* also: the key file is missing, wrong, or readable by others */
	EXIT_NO_SPACE = 13,
	EXIT_TEMPORARY = 75,
	EXIT_SIGNAL = 128,	/* and the signal's number */
};

/* For a code of err.h. */
enum exit_code exit_code_of(int rc);

#endif
