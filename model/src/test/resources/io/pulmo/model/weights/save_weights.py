"""Saves DenseNets in the spellings that PyTorch makes, each with the float32 values that must come out.

usage: save_weights.py FOLDER
For each NAME.pth there is NAME.f32: the values in the network's order, without batch counters, little-endian.
"""
import collections
import os
import re
import sys
from pathlib import Path

import numpy
import torch
import torchvision

out = Path(sys.argv[1])
torch.manual_seed(9)
torch.set_num_threads(1)


class Reimplementation(torch.nn.Module):
    """As the known ones are: torchvision's network under a name of its own."""

    def __init__(self, net):
        super().__init__()
        self.densenet121 = net

    def forward(self, x):
        return self.densenet121(x)


def small(classes=14):
    net = torchvision.models.DenseNet(16, (3, 3, 3), 16, bn_size=2, num_classes=classes)
    net.features.add_module("norm4", net.features.norm5)  # torchvision counts four blocks, whatever there are
    del net.features.norm5
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -1, 1)
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 1.5)
    return net


def save(name, thing, state, **how):
    torch.save(thing, out / (name + ".pth"), **how)
    values = [v.detach().float().contiguous().numpy().ravel() for k, v in state.items() if not k.endswith("num_batches_tracked")]
    (out / (name + ".f32")).write_bytes(numpy.concatenate(values).astype("<f4").tobytes())


def both(name, thing, state):
    save(name, thing, state)
    save(name + "-legacy", thing, state, _use_new_zipfile_serialization=False)


def mapped(state, change):
    return collections.OrderedDict((k, change(v) if v.is_floating_point() else v) for k, v in state.items())


def one_storage(state):
    floats = [(k, v) for k, v in state.items() if v.is_floating_point()]
    flat = torch.cat([v.reshape(-1) for _, v in floats])
    parts, at = collections.OrderedDict(), 0
    for k, v in floats:
        parts[k] = flat[at : at + v.numel()].view(v.shape)
        at += v.numel()
    return parts


def reversed_in_memory(v):
    order = tuple(reversed(range(v.dim())))
    return v.permute(order).contiguous().permute(order)


def former(state):
    return collections.OrderedDict((re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", k), v) for k, v in state.items())


net = small()
plain = net.state_dict()
both("plain", plain, plain)
save("protocol4", plain, plain, pickle_protocol=4)
save("protocol5", plain, plain, pickle_protocol=5)
both("parallel", torch.nn.DataParallel(net).state_dict(), plain)
both("half", mapped(plain, lambda v: v.half()), mapped(plain, lambda v: v.half()))
both("bfloat16", mapped(plain, lambda v: v.bfloat16()), mapped(plain, lambda v: v.bfloat16()))
wide = mapped(plain, lambda v: v.double() * (1 + 2.0**-30))
both("double", wide, wide)
both("shared", one_storage(plain), plain)
both("transposed", mapped(plain, reversed_in_memory), plain)
both("channels-last", small_last := small().to(memory_format=torch.channels_last).state_dict(), small_last)
both("former", former(plain), plain)
parameters = collections.OrderedDict(net.named_parameters())
parameters.update(net.named_buffers())
both("parameters", collections.OrderedDict((k, parameters[k]) for k in plain), plain)
attributed = mapped(plain, lambda v: v.clone())
for v in attributed.values():
    v.note = "kept by a tool"
both("attributes", attributed, plain)

wrapped = torch.nn.DataParallel(Reimplementation(small()))
wrapped.module.densenet121.classifier = torch.nn.Sequential(wrapped.module.densenet121.classifier, torch.nn.Sigmoid())
optimizer = torch.optim.Adam(wrapped.parameters(), lr=1e-4)
wrapped(torch.randn(2, 3, 64, 64)).sum().backward()
optimizer.step()
schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5])
checkpoint = {
    "epoch": 7,
    "arch": "densenet121",
    "state_dict": wrapped.state_dict(),
    "best_acc1": torch.tensor(0.84),
    "best_auc": numpy.float64(0.84),
    "best_loss": 0.3,
    "size": torch.Size([256, 256]),
    "device": torch.device("cpu"),
    "type": torch.float32,
    "optimizer": optimizer.state_dict(),
    "scheduler": schedule.state_dict(),
}
both("checkpoint", checkpoint, wrapped.state_dict())

imagenet = torchvision.models.densenet121(weights=None).state_dict()
save("imagenet", former(imagenet), imagenet, _use_new_zipfile_serialization=False)


class Command:
    def __reduce__(self):
        return os.system, ("echo this must not run",)


for protocol in (2, 4):
    hostile = dict(plain, evil=Command())
    torch.save(hostile, out / f"hostile-{protocol}.bad", pickle_protocol=protocol)
    torch.save(hostile, out / f"hostile-{protocol}-legacy.bad", pickle_protocol=protocol, _use_new_zipfile_serialization=False)
torch.save(net, out / "whole-model.bad")
torch.save(net, out / "whole-model-legacy.bad", _use_new_zipfile_serialization=False)
torch.save([1, 2], out / "list.bad")
print(torch.__version__, torchvision.__version__)
