"""What Pillow and torchvision make of image files: one line for each name on standard input.

name, width and height of the image, SHA-256 of its RGB bytes, width and height resized, SHA-256 of
those bytes, and CRC-32 of the bytes of the ten crops, channel by channel; or name and "error".
"""

import hashlib
import sys
import zlib

import numpy
from PIL import Image
from torchvision import transforms

resize = transforms.Resize(256)
crops = transforms.TenCrop(224)
for name in sys.stdin:
    name = name.rstrip("\n")
    try:
        with Image.open(name) as file:
            image = file.convert("RGB")
    except Exception as e:
        print(name, "error", type(e).__name__, str(e).replace("\n", " "), sep="\t", flush=True)
        continue
    resized = resize(image)
    check = 0
    for crop in crops(resized):
        check = zlib.crc32(numpy.asarray(crop).transpose(2, 0, 1).tobytes(), check)
    print(
        name,
        image.width,
        image.height,
        hashlib.sha256(image.tobytes()).hexdigest(),
        resized.width,
        resized.height,
        hashlib.sha256(resized.tobytes()).hexdigest(),
        check,
        sep="\t",
        flush=True,
    )
