import no_such_module  # noqa: F401


def handler(params, context):
    return None
