#!/usr/bin/env bash
# packages.sh GROUP …: installs the system packages of the groups that are missing, and nothing when none is. Debian and
# Ubuntu only; elsewhere it names what is needed and goes on, since only the build can tell. Groups: build (what the
# window is compiled from), test (what the tests drive).
set -euo pipefail

declare -A why=(
  [build-essential]="cgo, which the window and the race detector need"
  [pkg-config]="finding the libraries of the window"
  [libgtk-3-dev]="the window"
  [libwebkit2gtk-4.1-dev]="the page in the window"
  [dbus]="a session bus of the tests' own"
  [dbus-bin]="dbus-run-session"
  [gnome-keyring]="a real keychain in the tests"
  [keepassxc]="a second one, of other making"
  [libsecret-tools]="looking into that keychain from outside"
  [swtpm]="a TPM in software, for the key store of the tests"
  [redis-server]="what replicas of the backend share, in the tests"
  [xvfb]="a display for the window tests"
  [xauth]="that display"
  [at-spi2-core]="driving the window through the accessibility tree"
  [xdotool]="typing into the window"
  [imagemagick]="pictures of the window"
  [systemd]="judging the unit file of the backend"
  [chromium]="the page in a browser that tests can drive"
)
build=(build-essential pkg-config libgtk-3-dev libwebkit2gtk-4.1-dev)
test=(dbus gnome-keyring keepassxc libsecret-tools swtpm redis-server xvfb xauth at-spi2-core xdotool imagemagick systemd chromium)

packages=()
for group in "$@"; do
  case $group in
    build) packages+=("${build[@]}") ;;
    test) packages+=("${test[@]}") ;;
    *) echo "packages.sh: no group $group" >&2; exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "This is neither Debian nor Ubuntu: what is needed is taken as there. By its Debian names: ${packages[*]}"
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] && continue
  # On Ubuntu the package chromium is an empty shell around a snap, which no test can drive: any other Chrome will do.
  if [ "$package" = chromium ] && command -v chromium chromium-browser google-chrome google-chrome-stable >/dev/null; then
    continue
  fi
  missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "Missing system packages:"
for package in "${missing[@]}"; do
  echo "  $package: ${why[$package]}"
done
as_root=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "Installing them takes root, and there is no sudo here. As root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "Installing with ${as_root[*]:+${as_root[*]} }apt-get …"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" </dev/null >"$log" 2>&1; }
apt update || { tail -n 20 "$log"; echo "apt-get update failed; trying with the lists that are there" >&2; }
if ! apt install -y --no-install-recommends "${missing[@]}"; then
  tail -n 40 "$log" >&2
  echo "These packages could not be installed: ${missing[*]}" >&2
  exit 1
fi
echo "Installed."
