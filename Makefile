# fsd and fsctl. `make help` lists what can be typed.
#
# VARIANT names a build: release (default), asan, tsan, fuzz, clang (release flags, the other compiler), or a
# planted bug of the crash tests (bug-noflush, bug-normal, bug-early), or bugs: those of the model test, one chosen by FSD_BUG. Each has a folder of its own below
# build/; release is build/ itself.

VARIANT	?= release
PREFIX	?= /usr/local
DESTDIR	?=
DATA	?= ./data
LISTEN	?= 127.0.0.1:9000
VERSION	:= 0.1.0

ifeq ($(origin CC),default)
CC	:= $(if $(filter fuzz clang,$(VARIANT)),clang,gcc)
endif

B	:= $(if $(filter release,$(VARIANT)),build,build/$(VARIANT))

PKGS	:= libmicrohttpd sqlite3 libcrypto libzstd yaml-0.1 jansson expat libcurl
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LIBS_LIB := $(shell pkg-config --libs sqlite3 libcrypto libzstd yaml-0.1 jansson expat 2>/dev/null) -lisal -lunistring -lpthread -lm
LIBS_FSD := $(shell pkg-config --libs libmicrohttpd 2>/dev/null)
LIBS_CTL := $(shell pkg-config --libs libcurl 2>/dev/null)

WARN	:= -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	   -Wcast-qual -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wno-missing-field-initializers
OPT_release := -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
OPT_asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
OPT_tsan := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
OPT_fuzz := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
OPT_clang := $(OPT_release)
OPT_bug-noflush := -O2 -g -DBUG_NO_SEGMENT_FLUSH
OPT_bug-normal := -O2 -g -DBUG_SYNC_NORMAL
OPT_bug-early := -O2 -g -DBUG_EARLY_ACK
OPT_bugs := -O2 -g -DPLANTED_BUGS
OPT	:= $(OPT_$(VARIANT))
ifeq ($(OPT),)
$(error unknown VARIANT "$(VARIANT)")
endif

CFLAGS	:= -std=gnu17 $(OPT) $(WARN) -D_GNU_SOURCE -DFSD_VERSION='"$(VERSION)"' $(PKG_CFLAGS) $(EXTRA_CFLAGS)
LDFLAGS	:= $(OPT) $(EXTRA_LDFLAGS)

# A layer sees the headers of its own folder and of the layers below it, and no others.
base_SEES  := base
codec_SEES := base codec
db_SEES    := base db
blob_SEES  := base codec blob
table_SEES := base codec db table
core_SEES  := base codec db blob table core
jobs_SEES  := base codec db blob table core jobs
LAYERS	:= base codec db blob table core jobs

# fsd includes no header of a table itself (tests/lint.sh); those of core show rows in their interface.
FSD_INC	:= $(addprefix -Ilib/,base codec db blob table core jobs) -Ifsd
CTL_INC	:= $(addprefix -Ilib/,base codec) -Ifsctl
TEST_INC := $(addprefix -Ilib/,$(LAYERS)) -Ifsd -Ifsctl -Itests/unit

LIB_SRC	:= $(foreach l,$(LAYERS),$(wildcard lib/$(l)/*.c))
LIB_OBJ	:= $(LIB_SRC:%.c=$(B)/obj/%.o)
FSD_OBJ	:= $(patsubst %.c,$(B)/obj/%.o,$(wildcard fsd/*.c))
CTL_OBJ	:= $(patsubst %.c,$(B)/obj/%.o,$(wildcard fsctl/*.c))
UNIT	:= $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
FUZZ	:= $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAY	:= $(patsubst tests/fuzz/%.c,$(B)/replay/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCH	:= $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/*.c))

TEST_OBJ := $(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/unit/*.c tests/fuzz/*.c tests/bench/*.c))

.PHONY: all programs lib unit fuzz replay tests bench-programs objects run check check-all bench install clean help
all: programs		## build fsd and fsctl (the default)
programs: $(B)/fsd $(B)/fsctl
lib: $(B)/libfs.a	## build the library alone
unit: $(UNIT)		## build the unit tests
replay: $(REPLAY)
tests: unit replay
bench-programs: $(BENCH)
objects: $(LIB_OBJ) $(FSD_OBJ) $(CTL_OBJ) $(TEST_OBJ)
ifeq ($(VARIANT),fuzz)
fuzz: $(FUZZ)		## build the libFuzzer targets (clang)
else
fuzz:
	@$(MAKE) --no-print-directory VARIANT=fuzz CC=clang fuzz
endif

# The package list may just have been installed: what asks pkg-config runs in a make of its own.
run:			## install what is missing, build, create ./data if there is none, start fsd (DATA= LISTEN=)
	@tests/deps.sh build run
	@$(MAKE) -q programs 2>/dev/null || $(MAKE) --no-print-directory programs
	@DATA='$(DATA)' LISTEN='$(LISTEN)' BUILD='$(B)' exec fsd/run.sh

check:			## install what the tests need and run them (ONLY="unit bats/00_smoke" picks some)
	@tests/deps.sh build test
	@MAKE='$(MAKE)' exec tests/run $(ONLY)

check-all:		## check, and TSan, clang-tidy and FUZZ_SECONDS=60 of fuzzing a target
	@tests/deps.sh build test all
	@MAKE='$(MAKE)' exec tests/run --all $(ONLY)

bench:			## measure; prints a table and writes build/bench.json (ROWS= OBJECTS=)
	@tests/deps.sh build bench
	@$(MAKE) --no-print-directory programs bench-programs
	@exec tests/bench/run.sh

BIN	:= $(DESTDIR)$(PREFIX)/bin
SHARE	:= $(DESTDIR)$(PREFIX)/share
UNITS	:= $(DESTDIR)$(PREFIX)/lib/systemd/system
install: programs	## install programs, man pages, policies and the systemd unit (DESTDIR= PREFIX=)
	install -d $(BIN) $(UNITS) $(SHARE)/fsd/policies
	install -m 755 $(B)/fsd $(B)/fsctl $(BIN)
	for p in $(wildcard man/*.[1578]); do install -D -m 644 $$p $(SHARE)/man/man$${p##*.}/$${p##*/} || exit 1; done
	for p in $(wildcard policies/*.yaml); do install -m 644 $$p $(SHARE)/fsd/policies || exit 1; done
	sed 's,@bindir@,$(PREFIX)/bin,' fsd/fsd.service > $(UNITS)/fsd.service
	chmod 644 $(UNITS)/fsd.service

clean:			## remove build/
	rm -rf build

help:			## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | expand -t 12
	@echo 'VARIANT=release|asan|tsan|fuzz|clang picks a build, CC=gcc|clang the compiler.'

$(B)/libfs.a: $(LIB_OBJ)
	@rm -f $@
	ar rcs $@ $^
$(B)/fsd: $(FSD_OBJ) $(B)/libfs.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_FSD) $(LIBS_LIB)
$(B)/fsctl: $(CTL_OBJ) $(B)/libfs.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_CTL) $(LIBS_LIB)

define layer_rule
$(B)/obj/lib/$(1)/%.o: lib/$(1)/%.c
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(addprefix -Ilib/,$$($(1)_SEES)) -MMD -MP -c -o $$@ $$<
endef
$(foreach l,$(LAYERS),$(eval $(call layer_rule,$(l))))
$(B)/obj/fsd/%.o: fsd/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(FSD_INC) -MMD -MP -c -o $@ $<
$(B)/obj/fsd/api_openapi.o: fsd/openapi.json
$(B)/obj/fsctl/%.o: fsctl/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CTL_INC) -MMD -MP -c -o $@ $<

$(B)/obj/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(TEST_INC) -MMD -MP -c -o $@ $<

# A unit test or fuzz target is one program linked with the library; those named *_fsd_* get fsd's objects but its main.
$(B)/tests/test_fsd_%: tests/unit/test_fsd_%.c $(FSD_OBJ) $(B)/libfs.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(TEST_INC) -MMD -MP -MT $@ -MF $@.d $(LDFLAGS) -o $@ $< $(filter-out %/main.o,$(FSD_OBJ)) $(B)/libfs.a $(LIBS_FSD) $(LIBS_LIB)
$(B)/tests/%: tests/unit/%.c $(B)/libfs.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(TEST_INC) -MMD -MP -MT $@ -MF $@.d $(LDFLAGS) -o $@ $< $(B)/libfs.a $(LIBS_LIB)
$(B)/fuzz/fuzz_fsd_%: tests/fuzz/fuzz_fsd_%.c $(FSD_OBJ) $(B)/libfs.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(TEST_INC) -MMD -MP -MT $@ -MF $@.d $(LDFLAGS) -fsanitize=fuzzer -o $@ $< $(filter-out %/main.o,$(FSD_OBJ)) $(B)/libfs.a $(LIBS_FSD) $(LIBS_LIB)
$(B)/fuzz/%: tests/fuzz/%.c $(B)/libfs.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(TEST_INC) -MMD -MP -MT $@ -MF $@.d $(LDFLAGS) -fsanitize=fuzzer -o $@ $< $(B)/libfs.a $(LIBS_LIB)
$(B)/replay/fuzz_fsd_%: tests/fuzz/fuzz_fsd_%.c tests/fuzz/replay.c $(FSD_OBJ) $(B)/libfs.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(TEST_INC) -MMD -MP -MT $@ -MF $@.d $(LDFLAGS) -o $@ $< tests/fuzz/replay.c $(filter-out %/main.o,$(FSD_OBJ)) $(B)/libfs.a $(LIBS_FSD) $(LIBS_LIB)
$(B)/replay/%: tests/fuzz/%.c tests/fuzz/replay.c $(B)/libfs.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(TEST_INC) -MMD -MP -MT $@ -MF $@.d $(LDFLAGS) -o $@ $< tests/fuzz/replay.c $(B)/libfs.a $(LIBS_LIB)
$(B)/bench/%: tests/bench/%.c $(B)/libfs.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(TEST_INC) -MMD -MP -MT $@ -MF $@.d $(LDFLAGS) -o $@ $< $(B)/libfs.a $(LIBS_LIB)

-include $(LIB_OBJ:.o=.d) $(FSD_OBJ:.o=.d) $(CTL_OBJ:.o=.d) $(TEST_OBJ:.o=.d) $(wildcard $(B)/tests/*.d $(B)/fuzz/*.d $(B)/replay/*.d $(B)/bench/*.d)
