def handler(params, context):
    return {"next": params["n"] + 1}
