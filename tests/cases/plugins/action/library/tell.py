from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        host = task_vars["inventory_hostname"]
        word = self._task.args["word"]
        if word == "exit":
            raise AnsibleError("nothing to say")
        result.update(
            word=word,
            colour=task_vars["hostvars"][host]["colour"],
            delegate=self._task.delegate_to,
            transport=self._connection.transport,
        )
        return result
