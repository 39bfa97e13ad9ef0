/*
 * Runs one fuzz target over kept inputs, for builds without libFuzzer. Arguments are folders and files; each is one
 * line of TAP. A finding ends the program (a sanitizer's report, an assertion), as it does under the fuzzer.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static char current[4096];

/* Hands the file over in memory of exactly its size, so that a read past the end is seen. Returns 0 or -1. */
static int
run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *bytes = NULL;
	size_t len;
	int rc = -1;

	if (!f || fstat(fileno(f), &st) || st.st_size > 64 << 20)
		goto out;
	len = (size_t)st.st_size;
	if (!(bytes = malloc(len ? len : 1)) || fread(bytes, 1, len, f) != len)
		goto out;
	snprintf(current, sizeof(current), "%s", path);
	LLVMFuzzerTestOneInput(bytes, len);
	rc = 0;
out:
	if (rc)
		fprintf(stderr, "# cannot read %s\n", path);
	free(bytes);
	if (f)
		fclose(f);
	return rc;
}

/* All files of a folder. Returns how many, or -1. */
static int
run_folder(const char *path)
{
	DIR *dir = opendir(path);
	char name[4096];
	struct dirent *e;
	int count = 0;

	if (!dir)
		return -1;
	while (count >= 0 && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		count = run_file(name) ? -1 : count + 1;
	}
	closedir(dir);
	return count;
}

static void
say_which(void)
{
	if (current[0])
		fprintf(stderr, "# stopped at %s\n", current);
}

int
main(int argc, char **argv)
{
	int failed = 0;

	atexit(say_which);
	for (int i = 1; i < argc; i++) {
		struct stat st;
		int count = -1;

		if (!stat(argv[i], &st))
			count = S_ISDIR(st.st_mode) ? run_folder(argv[i]) : run_file(argv[i]) + 1;
		if (count <= 0)		/* an empty corpus proves nothing */
			failed++;
		printf("%s %d - %s: %d inputs\n", count > 0 ? "ok" : "not ok", i, argv[i], count > 0 ? count : 0);
		fflush(stdout);
	}
	printf("1..%d\n", argc - 1);
	current[0] = '\0';
	return failed ? 1 : 0;
}
