#!/usr/bin/env bash
# The Debian packages that the project needs, listed here and nowhere else. Installs those that are missing
# and says which; does nothing, and needs no network, when they are all there.
#
#	tests/deps.sh [--list] build|run|test|all|bench...
#
# Without the packages of "build" nothing works, so their absence is an error. Of the others each missing one
# is named, and the tests that need it are skipped by name.
set -u

build="gcc libc6-dev make pkg-config libmicrohttpd-dev libsqlite3-dev libssl-dev libzstd-dev libyaml-dev
	libjansson-dev libexpat1-dev libcurl4-openssl-dev libisal-dev libunistring-dev"
# The two clients of the lines that `make run` prints.
run="awscli curl"
test="awscli bats clang curl e2fsprogs git jq libclang-rt-14-dev mandoc mount procps python3 python3-boto3
	python3-venv rclone restic s3cmd util-linux"
all="clang-tidy"
bench="nginx-light python3"

missing_of() {
	local p
	for p; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || echo "$p"
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "deps: not root and no sudo here; as root: $*" >&2
		return 1
	fi
}

apt() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" </dev/null
}

# Says what it does, installs, and prints what could not be had on fd 1.
install_missing() {
	local p
	echo "deps: installing $*" >&2
	{
		apt update || echo "deps: apt-get update failed; going on with the lists that are here" >&2
		# One package that is not to be had must not cost the others.
		apt install --no-install-recommends "$@" || for p; do apt install --no-install-recommends "$p"; done
	} >&2
	missing_of "$@"
}

list=
if [ "${1-}" = --list ]; then
	list=1
	shift
fi
must=() may=()
for set; do
	case $set in
	build) must+=($build) ;;
	run | test | all | bench) may+=(${!set}) ;;
	*) echo "usage: $0 [--list] build|run|test|all|bench..." >&2; exit 2 ;;
	esac
done
if [ "$list" ]; then
	printf '%s\n' "${must[@]}" "${may[@]}" | sed '/^$/d' | sort -u
	exit 0
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
	echo "deps: no apt-get here; needed are these or their like: ${must[*]} ${may[*]}" >&2
	exit 0
fi

want=$(missing_of "${must[@]}" "${may[@]}" | sort -u)
[ "$want" ] || exit 0
gone=$(install_missing $want)
[ "$gone" ] || exit 0
echo "deps: could not install:" $gone >&2
for p in $gone; do
	case " ${must[*]} " in *" $p "*) exit 1 ;; esac
done
exit 0
