#!/usr/bin/env bash
# Bring the tables of one environment to what ops/db says for it, or show what that would do.
set -euo pipefail
usage='ops/scripts/db_seed.sh <dev|test> [--dry-run] [SEED...]'
# shellcheck source=ops/scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

take_environment "$@"
shift
for argument in "$@"; do
    case "$argument" in
        --dry-run) ;;
        -*) stop_usage "\`$argument\` is no option" ;;
    esac
done
require_python

run_lockgate seed "$environment" "$@"
