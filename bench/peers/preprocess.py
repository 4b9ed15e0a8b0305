"""The study's way from an image's bytes to the tensor of its ten crops, timed: Pillow, torchvision, PyTorch on one thread.

Answers one line of JSON to each line of JSON on standard input, and ends with it:
{"images": [file...]}   reads the files; versions and the CPUs that it may run on
{"round": n}            each image once: nanoseconds by stage
{"tensors": file}       each image once more: the tensors to the file, float32, one after the other
"""
import io
import json
import os
import sys
import time

import PIL
import torch
import torchvision
from PIL import Image
from torchvision import transforms as T

torch.set_num_threads(1)
resize = T.Resize(256)
ten_crops = T.TenCrop(224)
to_tensor = T.ToTensor()
normalize = T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def timed(data):
    started = time.perf_counter_ns()
    image = Image.open(io.BytesIO(data)).convert("RGB")
    decoded = time.perf_counter_ns()
    image = resize(image)
    resized = time.perf_counter_ns()
    tensor = torch.stack([normalize(to_tensor(crop)) for crop in ten_crops(image)])
    done = time.perf_counter_ns()
    stages = {"decode": decoded - started, "resize": resized - decoded, "crops": done - resized, "total": done - started}
    return tensor, stages


images = []
for line in sys.stdin:
    request = json.loads(line)
    if "images" in request:
        for name in request["images"]:
            with open(name, "rb") as file:
                images.append(file.read())
        answer = {
            "tools": f"torch {torch.__version__}, torchvision {torchvision.__version__}, Pillow {PIL.__version__}",
            "cpus": sorted(os.sched_getaffinity(0)),
        }
    elif "round" in request:
        answer = {"images": [timed(data)[1] for data in images]}
    else:
        with open(request["tensors"], "wb") as file:
            for data in images:
                file.write(timed(data)[0].contiguous().numpy().astype("<f4").tobytes())
        answer = {}
    print(json.dumps(answer), flush=True)
