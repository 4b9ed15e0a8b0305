"""The usual tools on a bundle: PyTorch under inference_mode on all cores, OpenVINO's AsyncInferQueue on the bundle's own
ONNX file, and the same on the model that NNCF makes of the ONNX file that PyTorch exports, with the overflow setting that
suits the processor and, where they are given, the images that calibrated the bundle.

Answers one line of JSON to each line of JSON on standard input, and ends with it:
{"open": {...}}                              loads all of it; versions, and the modes that it computes
{"time": mode, "what": w, "studies": n}      nanoseconds; w is throughput, lone, best_split or end_to_end
{"answers": mode}                            the fourteen probabilities of each image
{"judge": mode, "files": [...]}              the same of image files
"""
import io
import json
import math
import os
import statistics
import sys
import time
import warnings

import numpy as np
import openvino as ov
import PIL
import torch
import torchvision
from PIL import Image
from torchvision import transforms as T

CROPS = 10
# NNCF tells its makers of its use unless this is set.
os.environ["NNCF_CI"] = "1"
# PyTorch's newer way to ONNX needs a package more, and gives the same network.
warnings.filterwarnings("ignore", message=".*legacy TorchScript-based ONNX export.*")


def tensors_of(path):
    """A safetensors file: the length of a header of JSON, the header, the numbers."""
    with open(path, "rb") as file:
        data = file.read()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        numbers = np.frombuffer(data[8 + length + begin : 8 + length + end], "<f4").reshape(entry["shape"])
        tensors[name] = torch.from_numpy(numbers.copy())
    return tensors


class Torch:
    def __init__(self, spec):
        torch.set_num_threads(spec["threads"])
        self.net = torchvision.models.DenseNet(
            growth_rate=spec["growth"], block_config=tuple(spec["blocks"]), num_init_features=spec["stem"],
            bn_size=spec["bottleneck"], num_classes=14,
        )
        # torchvision calls the last batch norm so, however many blocks there are.
        last = f"features.norm{len(spec['blocks']) + 1}."
        tensors = {name.replace(last, "features.norm5."): tensor for name, tensor in tensors_of(spec["weights"]).items()}
        missing, surplus = self.net.load_state_dict(tensors, strict=False)
        assert not surplus and all(name.endswith("num_batches_tracked") for name in missing), (missing, surplus)
        self.net.eval()

    def exported(self, side):
        """The model in OpenVINO as most users bring it there: by the ONNX file that PyTorch writes."""
        file = io.BytesIO()
        torch.onnx.export(
            torch.nn.Sequential(self.net, torch.nn.Sigmoid()).eval(), (torch.zeros(1, 3, side, side),), file,
            dynamo=False, opset_version=17, input_names=["crops"], dynamic_axes={"crops": {0: "n"}},
        )
        return file.getvalue()

    def study(self, crops):
        with torch.inference_mode():
            return torch.sigmoid(self.net(torch.from_numpy(crops))).mean(0).numpy()

    def many(self, studies):
        return [self.study(crops) for crops in studies]

    lone = study


class OpenVino:
    def __init__(self, model, spec, core):
        self.side, self.threads, self.core, self.model = spec["side"], spec["threads"], core, model
        self.queue = self.compiled(CROPS, {})

    def compiled(self, crops, settings):
        model = self.model.clone()
        model.reshape([crops, 3, self.side, self.side])
        return ov.AsyncInferQueue(
            self.core.compile_model(
                model, "CPU",
                {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": self.threads} | settings,
            )
        )

    def many(self, studies):
        answers = {}
        self.queue.set_callback(lambda request, i: answers.__setitem__(i, request.get_output_tensor(0).data.mean(0)))
        for i, crops in enumerate(studies):
            self.queue.start_async({0: crops}, userdata=i)
        self.queue.wait_all()
        return [answers[i] for i in range(len(answers))]

    def lone(self, crops):
        return self.many([crops])[0]

    def choose_split(self, crops):
        """The cut of a lone study that is the fastest over as many streams as threads, by a few turns of each."""
        queues = {cut: self.compiled(cut, {"NUM_STREAMS": min(self.threads, CROPS // cut)}) for cut in (10, 5, 2, 1)}
        times = {cut: [] for cut in queues}
        for turn in range(5):
            for cut, queue in queues.items():
                started = time.perf_counter()
                self.split(queue, cut, crops)
                if turn:
                    times[cut].append(time.perf_counter() - started)
        self.cut = min(times, key=lambda cut: statistics.median(times[cut]))
        self.split_queue = queues[self.cut]

    @staticmethod
    def split(queue, cut, crops):
        for first in range(0, CROPS, cut):
            queue.start_async({0: crops[first : first + cut]})
        queue.wait_all()


class Peer:
    def __init__(self, spec):
        self.files = []
        for name in spec["images"]:
            with open(name, "rb") as file:
                self.files.append(file.read())
        side = spec["side"]
        self.crops = np.fromfile(spec["crops"], "<f4").reshape(-1, CROPS, 3, side, side) if "crops" in spec else None
        self.resize, self.ten = T.Resize(spec["resize"]), T.TenCrop(side)
        self.tensor, self.normalize = T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        core = ov.Core()
        self.engines = {"torch": Torch(spec), "fp32": OpenVino(core.read_model(spec["onnx"]), spec, core)}
        self.tools = (
            f"torch {torch.__version__}, torchvision {torchvision.__version__}, Pillow {PIL.__version__}, OpenVINO {ov.__version__}"
        )
        if "half" in spec:
            import nncf
            from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, OverflowFix

            # A speed does not depend on how many images calibrate it.
            if "calibration" in spec:
                images = [crops[i % CROPS][None] for i, crops in enumerate(self.studies(spec["calibration"]))]
            else:
                images = list(self.crops.reshape(-1, 1, 3, side, side)[::3][:24])
            model = nncf.quantize(
                core.read_model(self.engines["torch"].exported(side)), nncf.Dataset(images), subset_size=len(images),
                preset=nncf.QuantizationPreset.PERFORMANCE,
                advanced_parameters=AdvancedQuantizationParameters(
                    overflow_fix=OverflowFix.ENABLE if spec["half"] else OverflowFix.FIRST_LAYER
                ),
            )
            self.engines["int8"] = OpenVino(model, spec, core)
            self.tools += f", NNCF {nncf.__version__}"
        if spec["splits"]:
            for mode in self.engines.keys() - {"torch"}:
                self.engines[mode].choose_split(self.crops[0])

    def studies(self, names):
        for name in names:
            with open(name, "rb") as file:
                yield self.preprocessed(file.read())

    def preprocessed(self, data):
        image = self.resize(Image.open(io.BytesIO(data)).convert("RGB"))
        return torch.stack([self.normalize(self.tensor(crop)) for crop in self.ten(image)]).numpy()

    def time(self, mode, what, studies):
        engine = self.engines[mode]
        started = time.perf_counter_ns()
        if what == "lone":
            engine.lone(self.crops[0])
        elif what == "best_split":
            engine.split(engine.split_queue, engine.cut, self.crops[0])
        elif what == "throughput":
            engine.many(self.crops[i % len(self.crops)] for i in range(studies))
        else:
            engine.many(self.preprocessed(self.files[i % len(self.files)]) for i in range(studies))
        return time.perf_counter_ns() - started


peer = None
# What the tools print is no answer.
answers, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    request = json.loads(line)
    if "open" in request:
        peer = Peer(request["open"])
        answer = {"tools": peer.tools, "modes": list(peer.engines)}
    elif "time" in request:
        answer = {"nanos": peer.time(request["time"], request["what"], request["studies"])}
    else:
        if "judge" in request:
            given = peer.engines[request["judge"]].many(peer.studies(request["files"]))
        else:
            given = peer.engines[request["answers"]].many(peer.crops)
        answer = {"studies": [[float(p) for p in study] for study in given]}
        assert all(math.isfinite(p) for study in answer["studies"] for p in study)
    print(json.dumps(answer), file=answers, flush=True)
