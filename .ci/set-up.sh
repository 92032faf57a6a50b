# Sourced by tests/run and playbooks/run: finds cargo, installs Debian packages.

say() { printf '%s\n' "$0: $*" >&2; }
stop() { say "$@"; exit 1; }

if ! command -v cargo >/dev/null && [ -f "$HOME/.cargo/env" ]; then . "$HOME/.cargo/env"; fi
command -v cargo >/dev/null || stop "no cargo here; install Rust: https://rustup.rs"

# What compiling needs: a Debian package, and a command that succeeds where its contents are there, wherever from.
compiler='
gcc             command -v cc
libc6-dev       test -e /usr/include/stdio.h || test ! -e /etc/debian_version
'

install_packages() (
    # Nothing that is installed here shall be started.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod 755 /usr/sbin/policy-rc.d
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q update && apt-get -q install -y --no-install-recommends "$@"
) >&2 </dev/null

# need TABLE [PACKAGE…]: installs what of the table (as `compiler`) or of the packages is missing, or says what it is.
need() {
    local missing=() package probe
    while read -r package probe; do
        [ -z "$package" ] || (eval "$probe") >/dev/null 2>&1 </dev/null || missing+=("$package")
    done <<<"$1"
    for package in "${@:2}"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        stop "missing here; please install (names of Debian): sudo apt-get install ${missing[*]}"
    fi
    say "installing ${missing[*]}"
    install_packages "${missing[@]}" || stop "apt-get failed; please install by hand: ${missing[*]}"
}
