#!/bin/sh
echo nope >&2
echo "[1]"
