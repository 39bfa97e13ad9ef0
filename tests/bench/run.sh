#!/bin/sh
# What `make bench` runs, after the programs were built. ROWS, OBJECTS and BENCH_DATA choose what is measured.
set -eu
exec python3 "$(dirname "$0")/bench.py" "$@"
