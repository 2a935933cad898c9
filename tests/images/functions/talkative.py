print("while loading")


def handler(params, context):
    print("while running")
