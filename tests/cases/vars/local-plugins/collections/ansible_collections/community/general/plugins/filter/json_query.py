class FilterModule:
    def filters(self):
        return {"json_query": lambda data, key: data[key]}
