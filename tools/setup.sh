#!/bin/sh
# Makes .venv with everything that the lock names, and says how far it is: in place on a terminal, and a line
# every ten seconds in a log. Not here: which Python will do (the Makefile asks). Usage: tools/setup.sh PYTHON
set -eu
bin=.venv/bin
lock=requirements-dev.lock
total=$(grep -c '==' "$lock")
log=$(mktemp)
began=$(date +%s)
pip=

# What runs in the background of a script ignores Ctrl-C, so that it is ended by hand.
trap 'rm -f "$log"' EXIT
trap 'test -z "$pip" || kill "$pip" 2>/dev/null || true; exit 130' INT
trap 'test -z "$pip" || kill "$pip" 2>/dev/null || true; exit 143' TERM

seconds() {
    echo $(($(date +%s) - began))
}

# How far pip is: it collects all packages, then it puts all in their places. Those may be a few less than the
# lock names, which speaks for other systems too.
progress() {
    if [ -e .venv/.packages ]; then
        echo "  building"
    elif grep -q '^Installing collected' "$log"; then
        set -- .venv/lib/*/site-packages/*.dist-info
        echo "  packages put in place: $# of $total"
    else
        echo "  packages fetched: $(grep -c '^Collecting' "$log" || true) of $total"
    fi
}

watch() {
    said=$(seconds)
    while kill -0 "$pip" 2>/dev/null; do
        sleep 1
        if [ -t 1 ]; then
            printf '\r%s (%d s) ' "$(progress)" "$(seconds)"
        elif [ $(($(seconds) - said)) -ge 10 ]; then
            said=$(seconds)
            echo "$(progress) ($said s)"
        fi
    done
    if [ -t 1 ]; then printf '\r%60s\r' ''; fi
}

install() {
    "$bin/python" -m pip install --disable-pip-version-check --progress-bar off "$@" >"$log" 2>&1 &
    pip=$!
    watch
    wait "$pip" || {
        cat "$log"
        echo "pip failed; all that it said stands above. \`make setup\` begins anew." >&2
        exit 1
    }
    pip=
}

echo "Setting up .venv (once; about a minute)"
echo "1/3 An environment for Python packages"
"$1" -m venv --clear .venv
echo "2/3 $total packages, each as the lock file names it"
install --require-hashes -r "$lock"
touch .venv/.packages
echo "3/3 Retail Pulse itself"
install --no-deps --no-build-isolation -e .
touch .venv/.ready
cat <<END
Ready after $(seconds) s. What next:
  make demo                      the main job, before your eyes
  make test                      the tests
  .venv/bin/retailpulse serve    the service; .venv/bin/retailpulse --help says what else there is
END
