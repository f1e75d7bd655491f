#!/usr/bin/env bash
# Show where the database of one environment stands; with --check the exit status says it as well.
set -euo pipefail
usage='ops/scripts/db_status.sh <dev|test> [--check]'
# shellcheck source=ops/scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

take_environment "$@"
shift
for argument in "$@"; do
    case "$argument" in
        --check) ;;
        *) stop_usage "\`$argument\` is no option" ;;
    esac
done
refuse_other_environment
require_python

run_lockgate status "$environment" "$@"
