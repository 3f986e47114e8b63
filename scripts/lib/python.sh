# Sourced by the scripts: a Python that is new enough, and the virtual environment .venv with what a lock file names.
# The caller defines `say` and `fail`.

find_python() {
  local candidate
  for candidate in python3 python3.11 python3.12 python3.13; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  fail "Python 3.11 or newer is missing. Install the package python3.11 (Debian 12: apt-get install python3 python3-venv)."
}

# venv_package PYTHON: Debian's package without which this Python cannot make virtual environments.
venv_package() { "$1" -c 'import sys; print("python3.%d-venv" % sys.version_info[1])'; }

# is_prepared LOCK: whether .venv holds what the lock asks for.
is_prepared() { is_usable && [ "$(cat .venv/installed.sha256 2>/dev/null)" = "$(wanted "$1")" ]; }

wanted() { cat "$1" pyproject.toml | sha256sum; }

# Complete, not moved (its programs name their place), and with the Python that it was made for.
is_usable() {
  [ ! -e .venv/unfinished ] && grep -qsF "$(pwd -P)/.venv" .venv/bin/activate && .venv/bin/python -c 'import pip' 2>/dev/null
}

# prepare_venv PYTHON LOCK: nothing happens when what the lock asks for is installed already.
prepare_venv() {
  local python=$1 lock=$2
  is_prepared "$lock" && return
  is_usable || make_venv "$python"
  say "Installing the locked dependencies, which takes a while the first time"
  touch .venv/unfinished
  pip_install "the dependencies" --require-hashes --requirement "$lock"
  pip_install "Bakery" --no-deps --no-build-isolation --editable .
  wanted "$lock" >.venv/installed.sha256
  rm .venv/unfinished
}

# make_venv PYTHON: anew. It counts as unfinished from before its first file.
make_venv() {
  say "Making the virtual environment .venv"
  rm -rf .venv
  mkdir .venv && touch .venv/unfinished || fail "$PWD cannot be written; run this as the user that it belongs to."
  if "$1" -c 'import ensurepip' 2>/dev/null; then
    "$1" -m venv .venv || fail "the virtual environment could not be made below $PWD; see above."
  elif command -v uv >/dev/null; then
    uv venv --quiet --allow-existing --seed --python "$1" .venv || fail "uv could not make the virtual environment; see above."
  else
    fail "this Python cannot make virtual environments. Install the package $(venv_package "$1"), or uv."
  fi
}

# pip_install WHAT ARGUMENTS…: what pip has to say is kept; of a failure, its own last sentence is shown.
# Not compiled ahead: most of what is installed is never imported, and compiling it takes longer than all the rest.
pip_install() {
  local what=$1 log=.venv/pip.log
  shift
  if ! .venv/bin/python -m pip --quiet --disable-pip-version-check --no-input install --retries 2 --no-compile "$@" 2>"$log"; then
    # pip itself puts back what it began. So one that was complete stays in use: Bakery may be running from it.
    [ ! -e .venv/installed.sha256 ] || rm .venv/unfinished
    fail "$what could not be installed: $(grep '^ERROR' "$log" | tail -n 1)
Is the package registry reachable from here, and is there space below $PWD? Then run this again; all that pip said is in $log."
  fi
}
