#!/usr/bin/env bash
# clang-tidy, with the checks of .clang-tidy, over every C source of the programs. Each file is compiled with the
# flags that the Makefile would give it, so that the layers hold here too.
set -u
cd "$(dirname "$0")/.." || exit 1
command -v clang-tidy >/dev/null || { echo "clang-tidy is not installed" >&2; exit 1; }

${MAKE:-make} --no-print-directory -n -B VARIANT=clang CC=clang objects |
grep -E '^clang .* -c -o [^ ]* (lib|fsd|fsctl)/[^ ]*\.c$' |
sed -E 's/^clang (.*) -MMD -MP -c -o [^ ]* ([^ ]*)$/\2 -- \1/' |
# The shell takes the quoted -DFSD_VERSION apart, as it does for make.
xargs -d '\n' -P 2 -I {} sh -c 'clang-tidy --quiet {} 2>&1 | grep -vE "^[0-9]+ warnings? generated|^Suppressed "; exit 0' > build/tidy.log
cat build/tidy.log
! grep -qE '(warning|error): ' build/tidy.log
