class TestModule:
    def tests(self):
        return {"even": lambda x: True}
