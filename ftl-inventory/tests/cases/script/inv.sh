#!/bin/sh
echo '{"g": {"hosts": ["a", "b"], "vars": {"x": "{{ 1 }}", "u": {"__ansible_unsafe": "q{{"}}},
 "k": {"children": ["g"]}, "l": ["c"], "m": {"v": "{{ 1 }}"}, "empty": {"hosts": []},
 "_meta": {"hostvars": {"a": {"k": "v", "n": [1, 2.5, null, true], "z": {"__ansible_unsafe": "zz"}}, "nope": {"a": 1}}}}'
