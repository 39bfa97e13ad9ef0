#!/usr/bin/env bash
# What the compiler cannot know about this tree: layers, who may call what, names. Prints TAP, a test a rule;
# each rule is a function that prints what breaks it, and nothing when all is well.
#
#	tests/lint.sh [ROOT]	needs a release build in ROOT/build for the rule about exported names
set -u
cd "${1:-$(dirname "$0")/..}" || exit 1
export LC_ALL=C GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'

files() {	# all files of the project that are text, one a line
	if git rev-parse --git-dir >/dev/null 2>&1; then
		git ls-files -co --exclude-standard
	else
		find . -path ./build -prune -o -path ./data -prune -o -type f -print | sed 's,^\./,,'
	fi | grep -vE '^tests/fuzz/corpus/' | while read -r f; do [ -f "$f" ] && echo "$f"; done
}

all=$(files)
sources=$(grep -E '^(lib|fsd|fsctl)/.*\.[ch]$' <<< "$all")

# A file without its comments, each line behind "FILE:LINE:".
bare() {
	gcc -fpreprocessed -dD -E "$1" 2>/dev/null | awk -v f="$1" '
	/^# [0-9]+ "/ { n = $2 - 1; next }
	{ n++; if ($0 != "") print f ":" n ":" $0 }'
}

code=$(for f in $sources; do bare "$f"; done)

layer_of() {	# file -> its layer
	case $1 in lib/*) set -- "${1#lib/}"; echo "${1%%/*}" ;; *) echo "${1%%/*}" ;; esac
}

declare -A sees=(
	[base]="base" [codec]="base codec" [db]="base db" [blob]="base codec blob" [table]="base codec db table"
	[core]="base codec db blob table core" [jobs]="base codec db blob table core jobs"
	[fsd]="base codec blob core jobs fsd" [fsctl]="base codec fsctl"
)

rule_includes_obey_the_layers() {
	declare -A home=()
	local f header layer target
	for f in $sources; do
		case $f in *.h) home[${f##*/}]=$(layer_of "$f") ;; esac
	done
	grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' $sources /dev/null |
	sed -E 's/^([^:]*):([0-9]+):[^"]*"([^"]*)".*/\1 \2 \3/' |
	while read -r f line header; do
		layer=$(layer_of "$f") target=${home[$header]-}
		if [ -z "$target" ]; then
			echo "$f:$line: $header is in no layer"
			continue
		fi
		case " ${sees[$layer]-} " in
		*" $target "*) ;;
		*) echo "$f:$line: $layer must not include $header of $target" ;;
		esac
	done
}

rule_a_third_party_header_is_included_by_one_file() {
	grep -HE '^[[:space:]]*#[[:space:]]*include[[:space:]]*<(microhttpd|sqlite3|openssl/|zstd|yaml|archive|curl/|jansson|expat|isa-l|unicase|uninorm|libpq)' \
		$sources /dev/null |
	sed -E 's/^([^:]*):[^<]*<([^>]*)>.*/\2 \1/' | sort -u |
	awk '{ n[$1]++; who[$1] = who[$1] " " $2 } END { for (h in n) if (n[h] > 1) print h " is included by" who[h] }'
}

rule_only_fio_flushes_renames_and_unlinks() {
	grep -E '(^|[^A-Za-z0-9_.>])(fsync|fdatasync|syncfs|sync_file_range|rename|renameat|renameat2|unlink|unlinkat|remove)[[:space:]]*\(' <<< "$code" |
	grep -v '^lib/base/fio\.c:' | grep -v AT_REMOVEDIR	# which is rmdir
}

rule_sql_stands_only_in_the_table_modules() {
	grep -E '"[^"]*\<(SELECT|INSERT (OR [A-Z]+ )?INTO|UPDATE [a-z_]+ SET|DELETE FROM|CREATE (UNIQUE )?(TABLE|INDEX)|PRAGMA)\>' <<< "$code" |
	grep -vE '^lib/table/|^lib/db/[^:]*:[0-9]+:.*PRAGMA'
}

# Headers are included by bare name, so that a name must be one file's.
rule_file_names_are_unique() {
	sed 's,.*/,,' <<< "$sources" | grep -vx 'main\.c' | sort | uniq -d | while read -r n; do
		echo "$n:" $(grep "/$n\$" <<< "$sources")
	done
}

# foo_bar.c exports foo_bar_* or foo_*: a noun may be spread over files that carry its name.
declare -A families=(
	[base]='le|hex|base64|parse|utf8|bytes|str|slice|thread|log|err|random|clock|id'
	[codec]='crc32|crc32c|crc64nvme|hmac'
	[core]='store|txn|committer'	# the store and its transactions are spread over several files
)
rule_exported_names_begin_with_their_file() {
	local f o stem prefix allowed layer s
	for f in $(grep '\.c$' <<< "$sources"); do
		o=build/obj/${f%.c}.o
		[ -f "$o" ] || { echo "$f: no object in build/ to look at"; continue; }
		stem=${f##*/} stem=${stem%.c} allowed=$stem prefix=$stem
		while [ "$prefix" != "${prefix%_*}" ]; do prefix=${prefix%_*} allowed="$allowed|$prefix"; done
		layer=$(layer_of "$f")
		[ "${families[$layer]-}" ] && allowed="$allowed|${families[$layer]}"
		nm -g --defined-only "$o" | awk '{ print $3 }' | grep -vxE "main|($allowed)(_.*)?" |
		while read -r s; do echo "$f: exports $s"; done
	done
}

rule_the_top_level_holds_only_what_belongs_there() {
	sed 's,/.*,,' <<< "$all" | sort -u | grep -vxE '\..*|fsd|fsctl|lib|policies|man|tests|Makefile|README\.md|LICENSE'
}

rule_no_promises_of_later_work() {
	grep -nE '\<(T[O]DO|F[I]XME|X[X]X)\>' $(grep -vE '\.(md|bin)$' <<< "$all") /dev/null
}

rule_no_trailing_blanks() {
	grep -InE '[[:blank:]]+$' $all /dev/null | cut -c 1-120
}

rule_no_source_over_600_lines() {
	wc -l $sources $(grep -E '^tests/unit/.*\.[ch]$' <<< "$all") /dev/null |
	awk '$2 != "total" && $1 > 600 { print $2 ": " $1 " lines" }'
}

rule_every_fuzz_target_has_a_corpus() {
	local f n
	for f in $(grep -E '^tests/fuzz/fuzz_.*\.c$' <<< "$(files)"); do
		n=${f##*/fuzz_} n=${n%.c}
		[ "$(ls -A "tests/fuzz/corpus/$n" 2>/dev/null)" ] || echo "$f: tests/fuzz/corpus/$n is empty or not there"
	done
}

rule_every_file_is_named_in_the_README_of_its_folder() {	# by itself, or by a pattern like `x*`
	local f dir name word
	declare -A words=()
	for f in $(grep -E '^(lib/[a-z]+|fsd|fsctl)/[^/]*\.c$|^tests/[^/]*\.py$' <<< "$all") $(sed -n 's,^\(tests/[a-z0-9_]*\)/.*,\1,p' <<< "$all" | sort -u); do
		dir=${f%/*} name=${f##*/} name=${name%.*}
		[ "${words[$dir]-}" ] || words[$dir]=$(grep -oE '\<[A-Za-z0-9_]+\*?' "$dir/README.md" | sort -u)
		while read -r word; do
			case $name in $word) continue 2 ;; esac
		done <<< "${words[$dir]}"
		echo "$f is not named in $dir/README.md"
	done
}

rule_a_bats_file_has_its_number_alone() {
	local n
	sed -n 's,^tests/\([0-9]*\)_.*\.bats$,\1,p' <<< "$all" | sort | uniq -d | while read -r n; do
		echo "$n:" $(grep "^tests/${n}_" <<< "$all")
	done
	for n in $(sed -n 's,^tests/\([0-9]*\)_.*\.bats$,\1,p' <<< "$all"); do
		grep -q "\`$n\`" tests/README.md || [[ $n = 2[0-4] || $n = 3[0-5] ]] || echo "tests/README.md does not name $n"
	done
}

# In the middle of a test neither `! COMMAND` ends it nor what stands before the last && of a list.
rule_every_line_of_a_bats_test_can_fail() {
	awk '
	FNR == 1 { last = "" }
	/^[[:space:]]*(#|$)/ { next }
	last != "" && $0 !~ /^[[:space:]]*}/ { print last }
	{ last = "" }
	!/\|\|/ && (/^[[:space:]]*! / || /^[[:space:]]*(\[.*\]|(grep|cmp|diff) .*) && (\[|! |none |grep |cmp |diff )/) {
		last = FILENAME ":" FNR ":" $0 "  <- cannot fail here: `none COMMAND`, or a line each"
	}' $(grep -E '^tests/.*\.(bats|bash)$' <<< "$all")
}

rule_scripts_parse() {
	local f
	for f in $(grep -E '\.(sh|bash)$|^tests/run$|^\.ci/run$' <<< "$all"); do
		bash -n "$f" 2>&1
	done
}

rule_mandoc_finds_nothing_in_the_man_pages() {
	local pages
	pages=$(grep -E '^man/.*\.[1578]$' <<< "$all")
	if [ -z "$pages" ]; then
		skip="no man pages"
	elif ! command -v mandoc >/dev/null; then
		skip="mandoc is not installed"
	else
		mandoc -Tlint -W style $pages 2>/dev/null | grep -E ': (WARNING|ERROR|UNSUPP|STYLE: input text line longer|STYLE: possible typo)'
	fi
}

rule_fsctl_1_has_every_verb() {
	local verb
	sed -nE 's/^\t\{ "([a-z]+)", ("([a-z]+)"|NULL), .*/\1 \3/p' fsctl/verbs.c | sed 's/ $//' | while read -r verb; do
		grep -qE "^\.It Cm $verb( |$)" man/fsctl.1 || echo "man/fsctl.1 says nothing of $verb"
	done
}

n=0 bad=0
for rule in $(declare -F | sed -n 's/^declare -f rule_/rule_/p'); do
	skip=
	n=$((n + 1))
	$rule > "${TMPDIR:-/tmp}/lint.$$" 2>&1
	name=${rule#rule_} name=${name//_/ }
	if [ "$skip" ]; then
		echo "ok $n - $name # SKIP $skip"
	elif [ -s "${TMPDIR:-/tmp}/lint.$$" ]; then
		echo "not ok $n - $name"
		sed 's/^/# /' "${TMPDIR:-/tmp}/lint.$$"
		bad=1
	else
		echo "ok $n - $name"
	fi
done
rm -f "${TMPDIR:-/tmp}/lint.$$"
echo "1..$n"
exit $bad
