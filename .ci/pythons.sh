# Finding Pythons and making virtual environments. Sourced by .ci/run.

find_python() { # version: prints the path of one that runs
    local candidate
    for candidate in \
        "$(command -v "python$1" || true)" \
        "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python \
        "$(command -v python3 || true)"; do
        # A pyenv shim is there for versions that it then refuses to run.
        if [ -n "$candidate" ] && is_version "$candidate" "$1"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return 0
        fi
    done
    return 1
}

is_version() { # python, version
    [ "$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$2" ]
}

make_venv() { # python, venv, Django's version: as make does, with that Django
    make --no-print-directory "$2/.test" PYTHON="$1" VENV="$2"
    "$2/bin/python" -m pip install -qq "django==$3.*"
    "$2/bin/python" -c 'import sys, django; print("Python", sys.version.split()[0]); print("Django", django.__version__)'
}
