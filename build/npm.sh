#!/usr/bin/env bash
# npm.sh install DIR: npm ci in DIR, unless node_modules already is what package-lock.json says.
# npm.sh build: builds the front end into frontend/dist, unless its sources are those of the last build.
# Both remember a digest inside node_modules, so that nothing else has to be cleaned.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v npm >/dev/null; then
  echo "Node.js with npm is needed here (20.19 or newer), and is not among what this project installs." >&2
  exit 1
fi

# digest FILE …: one digest of the names and contents of the files, and of the folders' files.
digest() { find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1; }

case ${1-} in
install)
  cd "$2"
  want="$(digest package.json package-lock.json) $(node --version)"
  [ "$(cat node_modules/.latchkey-installed 2>/dev/null)" = "$want" ] && exit 0
  npm ci --no-audit --no-fund --loglevel=error </dev/null
  printf '%s' "$want" >node_modules/.latchkey-installed
  ;;
build)
  cd frontend
  sources=()
  for name in index.html package-lock.json package.json public src svelte.config.js tsconfig.json tsconfig.node.json vite.config.ts; do
    [ -e "$name" ] && sources+=("$name")
  done
  want=$(digest "${sources[@]}")
  [ -e dist/index.html ] && [ "$(cat node_modules/.latchkey-built 2>/dev/null)" = "$want" ] && exit 0
  rm -f node_modules/.latchkey-built
  npm run --silent build </dev/null
  printf '%s' "$want" >node_modules/.latchkey-built
  ;;
*)
  echo "npm.sh: want install DIR or build" >&2
  exit 2
  ;;
esac
