def handler(params, context):
    name = (params or {}).get("name", "world")
    return {"message": f"Hello, {name}!"}
