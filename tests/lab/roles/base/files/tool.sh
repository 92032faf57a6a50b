#!/bin/sh
echo "lab tool for $1"
