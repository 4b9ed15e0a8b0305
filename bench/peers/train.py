"""The usual loop of PyTorch on the same images: DataLoader, torchvision's DenseNet in training mode, Adam, weighted binary
cross-entropy, float32, on all cores.

Answers one line of JSON to each line of JSON on standard input, and ends with it:
{"open": {...}}                        makes the network and reads the label list; versions
{"warm_ups": w, "steps": n}            nanoseconds of each of n steps after w others, whole and by part
"""
import json
import sys
import time

import PIL
import torch
import torchvision
from PIL import Image
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms as T


class Radiographs(Dataset):
    def __init__(self, spec):
        self.folder = spec["images"]
        with open(spec["list"], encoding="ascii") as lines:
            rows = [line.split() for line in lines]
        self.names = [row[0] for row in rows]
        self.labels = torch.tensor([[float(label) for label in row[1:]] for row in rows])
        self.transform = T.Compose([
            T.Resize(spec["resize"]), T.RandomCrop(spec["side"]), T.RandomHorizontalFlip(), T.ToTensor(),
            T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ])

    def __len__(self):
        return len(self.names)

    def __getitem__(self, i):
        with Image.open(f"{self.folder}/{self.names[i]}") as image:
            return self.transform(image.convert("RGB")), self.labels[i]


class Loop:
    def __init__(self, spec):
        torch.set_num_threads(spec["threads"])
        torch.manual_seed(spec["seed"])
        self.spec = spec
        self.data = Radiographs(spec)
        positives = self.data.labels.mean(0)
        self.of_positives, self.of_negatives = 1 - positives, positives
        self.net = torchvision.models.DenseNet(
            growth_rate=spec["growth"], block_config=tuple(spec["blocks"]), num_init_features=spec["stem"],
            bn_size=spec["bottleneck"], num_classes=14,
        ).train()
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-4)
        self.tools = f"torch {torch.__version__}, torchvision {torchvision.__version__}, Pillow {PIL.__version__}"

    def run(self, warm_ups, steps):
        # As many loading processes as cores: one is slower where decoding is.
        loader = iter(DataLoader(
            self.data, batch_size=self.spec["batch"], shuffle=True, drop_last=True, num_workers=self.spec["threads"],
            persistent_workers=False,
        ))
        times = []
        for _ in range(warm_ups + steps):
            began = time.perf_counter_ns()
            images, labels = next(loader)
            loaded = time.perf_counter_ns()
            weights = torch.where(labels > 0, self.of_positives, self.of_negatives)
            self.optimizer.zero_grad()
            loss = binary_cross_entropy_with_logits(self.net(images), labels, weights)
            loss.backward()
            computed = time.perf_counter_ns()
            self.optimizer.step()
            value = loss.item()
            ended = time.perf_counter_ns()
            assert value == value, "the loss is not a number"
            times.append({
                "nanos": ended - began, "data": loaded - began, "forward_backward": computed - loaded, "apply": ended - computed,
            })
        return times[warm_ups:]


loop = None
for line in sys.stdin:
    request = json.loads(line)
    if "open" in request:
        loop = Loop(request["open"])
        answer = {"tools": loop.tools}
    else:
        answer = {"steps": loop.run(request["warm_ups"], request["steps"])}
    print(json.dumps(answer), flush=True)
