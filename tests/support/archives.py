"""Archives with pictures and boxes, as somebody would upload them, and a label schema that fits."""

import io
import json
import zipfile

from tests.support.images import png

SCHEMA = {"task": "detection", "classes": [{"name": "cell", "color": "#112233", "key": "1", "attributes": []}]}


def coco(count: int, boxes: int = 2, wrong: int = 0, label: str = "cell") -> bytes:
    """A COCO archive; the last `wrong` boxes of the first image have no area."""
    buffer = io.BytesIO()
    images = [{"id": n, "file_name": f"{n}.png", "width": 64, "height": 64} for n in range(count)]
    annotations = [
        {"id": n * 100 + b, "image_id": n, "category_id": 1, "bbox": [b, b, 10, 10 if n or b >= wrong else 0]}
        for n in range(count)
        for b in range(boxes)
    ]
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": label}]}
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("annotations.json", json.dumps(document))
        for number in range(count):
            archive.writestr(f"images/{number}.png", png(number, (64, 64)))
    return buffer.getvalue()
