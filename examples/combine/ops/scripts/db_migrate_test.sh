#!/usr/bin/env bash
# Migrate TEST; see db_migrate.sh.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/db_migrate.sh" test "$@"
