"""A task as Celery once wrote them: a pickle, which runs what it holds where it is read."""

import base64
import json
import pickle
from pathlib import Path
from uuid import uuid4

from services.celery.app import queue_name
from services.celery.connection import REPLIES_PREFIX


class Planted:
    """Writes a file where somebody unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return Path.touch, (self.path,)


def planted_message(queue: str, task: str, harm: Path) -> str:
    """A message for a queue; ``harm`` is there once somebody unpickles it."""
    task_id = uuid4().hex
    return json.dumps(
        {
            "body": base64.b64encode(pickle.dumps(((Planted(harm),), {}, {}))).decode(),
            "content-type": "application/x-python-serialize",
            "content-encoding": "binary",
            "headers": {"lang": "py", "task": task, "id": task_id},
            "properties": {
                "correlation_id": task_id,
                "reply_to": f"{REPLIES_PREFIX}x",
                "delivery_info": {"exchange": "", "routing_key": queue_name(queue)},
                "delivery_tag": uuid4().hex,
                "body_encoding": "base64",
            },
        }
    )
