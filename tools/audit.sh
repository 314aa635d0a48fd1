#!/bin/sh
# Looks every locked package up among known vulnerabilities, by pip-audit. Ends with 1 if one has some, and with
# 69 if the advisories cannot be reached from here, which says nothing of the packages.
set -eu
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
"${PIP_AUDIT:-.venv/bin/pip-audit}" --progress-spinner off --disable-pip --require-hashes -r requirements.lock \
    >"$log" 2>&1 || status=$?
# An index that has no advisories knows none of the packages. Some of the lock are of other platforms.
unknown=$(grep -c 'could not be audited' "$log" || true)
if [ "$((2 * unknown))" -gt "$(grep -c '==' requirements.lock)" ] ||
    { [ "$status" != 0 ] && grep -q -i -E 'connection ?error|timed out|max retries' "$log"; }; then
    echo "No audit: the advisories cannot be reached from here." >&2
    exit 69
fi
cat "$log"
[ "$unknown" = 0 ] || echo "$unknown packages are not known to the advisories." >&2
exit "$status"
