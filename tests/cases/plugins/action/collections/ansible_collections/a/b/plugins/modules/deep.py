from ansible.module_utils.basic import AnsibleModule
from ansible_collections.a.b.plugins.module_utils.inner.word import WORD

AnsibleModule(argument_spec={}).exit_json(changed=False, word=WORD)
