#!/bin/sh
# Records tests/cases/*: what ansible-core says (stdout, stderr) and the events it said it of (events.jsonl).
# A case is playbook.yml and `args`: lines `NAME=value` (environment) and, last, the arguments.
# Usage: record.sh [case…]
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../cases" && pwd)
venv=${VENV:-/work/tools/venv}
cd "$root" || exit 1
[ $# -gt 0 ] || set -- *
for case in "$@"; do
    cd "$root/$case" || exit 1
    rm -f events.jsonl
    environment=$(grep -E '^[A-Z_]+=' args 2>/dev/null | sed "s/=\(.*\)/='\1'/" | tr '\n' ' ')
    arguments=$(grep -vE '^[A-Z_]+=' args 2>/dev/null)
    program=ansible-playbook
    [ -f playbook.yml ] || program=ansible
    [ "$program" = ansible ] || arguments="-i ../hosts playbook.yml $arguments"
    eval "env -i PATH=/usr/bin:/bin HOME=/tmp/record-home LANG=C.UTF-8 ANSIBLE_CALLBACK_PLUGINS=$here/plugins \
        ANSIBLE_LOAD_CALLBACK_PLUGINS=1 RECORD_TO=events.jsonl $environment \
        $venv/bin/$program $arguments" >stdout 2>stderr </dev/null
    sed -i "s#$root#/cases#g" stdout stderr events.jsonl
done
