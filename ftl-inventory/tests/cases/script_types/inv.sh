#!/bin/sh
echo '{"bad": "text", "_meta": {"hostvars": {}}}'
