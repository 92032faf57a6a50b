#!/bin/sh
# Records what ansible-core 2.19.14 answers for every case: tests/record.sh [case…]
# A case is a folder with `sources` (one -i per line) and perhaps `options`, `env` (NAME=VALUE per line), `host`,
# `stderr.skip` (why its messages are not compared).
set -eu
tool=${ANSIBLE_INVENTORY:-/work/tools/venv/bin/ansible-inventory}
cases=$(cd "$(dirname "$0")/cases" && pwd)
[ $# -gt 0 ] || set -- $(ls "$cases")
for name in "$@"; do
    cd "$cases/$name"
    options=$(cat options 2>/dev/null || true)
    run() {
        while read -r source; do
            set -- -i "$source" "$@"
        done <<EOF
$(tac sources)
EOF
        env -i HOME=/nonexistent PATH=/usr/bin:/bin LC_ALL=C.UTF-8 ANSIBLE_NOCOLOR=1 \
            $(cat env 2>/dev/null || true) "$tool" "$@" $options 2>stderr.raw || true
    }
    run --list >list.json
    sed "s#$cases/$name#{case}#g" stderr.raw >stderr.txt
    run --list --export >export.json
    run --list --yaml >list.yaml
    run --graph --vars >graph.txt
    [ ! -e host ] || run --host "$(cat host)" >host.json
    rm -f stderr.raw
    echo "recorded $name"
done
