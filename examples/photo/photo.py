"""Tells format and size of an uploaded photo, or with ?echo sends it back.

    serverledge create -f photo --runtime python --handler photo.handler --src examples/photo/photo.py
    curl --data-binary @photo.jpg http://127.0.0.1:1323/fn/photo/
    curl --data-binary @photo.jpg http://127.0.0.1:1323/fn/photo/?echo >same.jpg
"""

import base64
import json
import struct


def handler(params, context):
    body = params["body"] or ""
    photo = base64.b64decode(body) if params["isBase64Encoded"] else body.encode()
    kind, width, height = look_at(photo)
    if kind is None:
        return answer(415, {"error": "send a PNG or JPEG photo as the body"})
    if "echo" in params["query"]:
        return {
            "statusCode": 200,
            "headers": {"content-type": f"image/{kind}"},
            "body": base64.b64encode(photo).decode(),
            "isBase64Encoded": True,
        }
    return answer(200, {"format": kind, "width": width, "height": height, "bytes": len(photo)})


def answer(status, content):
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(content),
    }


def look_at(photo):
    """Returns format, width and height; (None, 0, 0) for anything but a PNG or JPEG file."""
    if photo[:8] == b"\x89PNG\r\n\x1a\n" and len(photo) >= 24:
        return ("png", *struct.unpack(">II", photo[16:24]))
    at = 2 if photo[:2] == b"\xff\xd8" else len(photo)
    while at + 9 <= len(photo):
        marker, length = struct.unpack(">xBH", photo[at : at + 4])
        # The frame headers SOF0 to SOF15 hold the size; C4, C8 and CC in their midst are no frames.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", photo[at + 5 : at + 9])
            return ("jpeg", width, height)
        at += 2 + length
    return (None, 0, 0)
