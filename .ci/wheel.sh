#!/usr/bin/env bash
# Builds the distributions and uses the wheel as a stranger would: wheel.sh PYTHON EMPTY_DIRECTORY

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PYTHON=$1 DIR=$2

# The wheel comes out of the sdist, which so has to be complete.
make --no-print-directory build >"$DIR.log" 2>&1 || { cat "$DIR.log"; exit 1; }
ls -l dist
"$PYTHON" .ci/wheel_contents.py dist/*.whl

"$PYTHON" -m venv "$DIR/venv"
"$DIR/venv/bin/python" -m pip install -qq dist/*.whl
cp -R .ci/scratch "$DIR/project"
cd "$DIR/project"
export DJANGO_SETTINGS_MODULE=scratch_settings
py() { "$DIR/venv/bin/python" -W error::DeprecationWarning:gorkflow "$@"; }

(unset DJANGO_SETTINGS_MODULE && py -c 'import gorkflow; print(gorkflow.__version__, gorkflow.__file__)')
py manage.py check
py manage.py migrate --verbosity 0
py manage.py makemigrations --check --dry-run
py run_one.py
