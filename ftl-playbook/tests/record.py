#!/usr/bin/env python3
"""Records what ansible-playbook answers to the cases: record.py PATH-TO-ansible-playbook [case...]."""
import os, re, subprocess, sys
here = os.path.dirname(os.path.abspath(__file__))
env = {k: v for k, v in os.environ.items() if not k.startswith('ANSIBLE')}
env.update(ANSIBLE_NOCOLOR='1', HOME='/nonexistent')

def run(args, cwd):
    done = subprocess.run([sys.argv[1], *args], cwd=cwd, env=env, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr

def error(cwd, text):
    """The chain of messages in one line, and the first place."""
    text = text[text.index('[ERROR]: ') + 9:].replace(cwd + '/', '').replace(cwd, '.')
    place = re.search(r'^Origin: (.*)$', text, re.M)
    message = re.split(r'\nOrigin: |\n\n', text)[0].strip()
    if 'maximum recursion depth' in message:  # the place and the end of the message are accidents
        message, place = message.split(': maximum')[0], None
    return message + '\n' + (place.group(1) if place else '-') + '\n'

for case in sorted(os.listdir(here + '/cases')):
    cwd = f'{here}/cases/{case}'
    rc, out, err = run(open(cwd + '/args').read().split(), cwd)
    if rc:
        sys.exit(f'{case}: {rc}\n{err}')
    open(cwd + '/expected', 'w').write(out)
for name in sorted(os.listdir(here + '/errors')):
    if name.startswith('bad') and name.endswith('.yml'):
        cwd = here + '/errors'
        rc, out, err = run(['--syntax-check', name], cwd)
        if not rc:
            sys.exit(f'{name}: no error\n{out}')
        open(f'{cwd}/{name[:-4]}.expected', 'w').write(f'{rc}\n' + error(cwd, err))
