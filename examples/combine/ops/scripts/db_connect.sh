#!/usr/bin/env bash
# Print the DATABASE_URL of one environment on standard output and nothing else there; or try it (--check), or open psql (--psql).
set -euo pipefail
usage='ops/scripts/db_connect.sh <dev|test> [--check] [--psql]'
# shellcheck source=ops/scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

take_environment "$@"
shift
check='' psql=''
for argument in "$@"; do
    case "$argument" in
        --check) check=yes ;;
        --psql) psql=yes ;;
        *) stop_usage "\`$argument\` is no option" ;;
    esac
done
refuse_other_environment
require_python

if [ -n "$check" ]; then
    run_lockgate url "$environment" --check
fi
if [ -n "$psql" ]; then
    run_lockgate url "$environment" --psql
fi
if [ -z "$check$psql" ]; then
    run_lockgate url "$environment"
fi
