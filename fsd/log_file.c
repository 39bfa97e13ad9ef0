#include <fcntl.h>

#include "err.h"
#include "fio.h"
#include "log.h"
#include "log_file.h"

#define FLAGS (O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW)

void
log_file_open(int dirfd, int *fd)
{
	uint64_t size = 0;
	int rc;

	if ((rc = fio_open(dirfd, LOG_FILE, FLAGS, 0600, fd)) == 0 && (rc = fio_size(*fd, LOG_FILE, &size)) == 0 &&
	    size > LOG_FILE_MOST) {
		fio_close(fd);
		if ((rc = fio_rename(dirfd, LOG_FILE, LOG_FILE_OLD)) == 0)
			rc = fio_open(dirfd, LOG_FILE, FLAGS, 0600, fd);
	}
	if (rc) {
		fio_close(fd);
		log_warn("%s can't be written (%s): what this daemon logs is lost", LOG_FILE, err_text(rc));
		return;
	}
	log_copy(*fd, LOG_FILE_MOST);
}

void
log_file_close(int *fd)
{
	log_copy(-1, 0);
	fio_close(fd);
}
