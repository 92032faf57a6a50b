#!/bin/sh
if [ "$1" = --host ]; then echo "{\"name\": \"$2\"}"; else echo "{\"g\": [\"a\", \"b\"]}"; fi
