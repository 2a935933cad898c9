print("while loading")

import no_such_module  # noqa: E402, F401


def handler(params, context):
    return None
