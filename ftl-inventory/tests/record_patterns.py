#!/work/tools/venv/bin/python
"""Records the hosts ansible-core finds for patterns (and limits) over tests/patterns/hosts."""

import json
import pathlib
import sys

sys.argv = ["ansible"]
from ansible.utils.display import Display

folder = pathlib.Path(__file__).parent / "patterns"
PATTERNS = """
all|*|lonely|web|db|prod|ungrouped|empty|stage|nope|localhost|127.0.0.1|::1|fd00::1
web:db|web,db|db,web|prod:!db|prod:&db|!db|&db|prod:&stage:!db-b|!db:prod|&stage,prod|!nope|web:&nope
web*|*.example.com|w*|db-?|db-[ab]|db-[!a]|d*|st*|??????|*1|[dw]*|ungr*
~web.*|~db-(a|b)$|~.*1|~(web|stage)|~^e|~[|~nope
web[0]|web[-1]|web[1:2]|web[1:]|web[0:0]|web[9]|web[2:9]|web[9:10]|prod[0]|prod[-1]|prod[0:2]|web*[0:3]|db[1-1]|nope[0]|lonely[0]|all[0]|all[-1]
web[0]:db[0]|prod:!web[0]|prod:&web[1:2]|web1.example.com|web1.example.com:web1.example.com|,,|,|web,,db| web , db |a b|web:|:web|lonely,localhost
""".strip().replace("\n", "|").split("|")
LIMITS = [("all", "web"), ("prod", "!db"), ("web", "db"), ("all", "nope"), ("db", "db-b,web1.example.com"), ("all", ""),
          ("all", ",,"), ("lonely", "all:!prod"), ("web:db", "stage:east"), ("localhost", "web"), ("all", "web[0],stage"),
          ("all", "@limit"), ("all", "@empty"), ("all", "@missing"), ("all", "@.")]


def main():
    (folder / "limit").write_text("db-a\n  stage1 \n\n!lonely\n")
    (folder / "empty").write_text("")
    import os

    os.chdir(folder)
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader

    warnings = []
    Display.warning = lambda self, msg, **kw: warnings.append(str(msg))
    out = []
    for pattern, limit in [(p, None) for p in PATTERNS] + LIMITS:
        manager = InventoryManager(DataLoader(), sources=["hosts"])
        del warnings[:]
        try:
            if limit is not None:
                manager.subset(limit)
            answer = [h.name for h in manager.get_hosts(pattern)]
        except Exception as error:
            answer = str(error)
        out.append(dict(pattern=pattern, limit=limit, answer=answer, warnings=list(dict.fromkeys(warnings))))
    lines = ",\n".join(json.dumps(entry) for entry in out)
    (folder / "expected.json").write_text(f"[\n{lines}\n]\n")
    print(len(out), "recorded")


main()
