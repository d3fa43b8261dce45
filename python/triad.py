"""Triad's files in a notebook: one module, NumPy and safetensors only.

    import triad
    space = triad.load_space("smollm2.space.safetensors")
    space.layers["30"]                  # float32 [n, d]
    space.items["text"][:3]             # columns of the item table, as lists
    table = triad.load_results("runs/quick/results.json")   # one dict for each pair and measure
    triad.save_space("mine.safetensors", {"0": vectors}, sentences)   # then: triad align mine.safetensors …
"""
import csv
import io
import json
from dataclasses import dataclass

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file


@dataclass
class Space:
    layers: dict    # name -> float32 [n, d]
    items: dict     # column -> list of n strings; "id" and "text" first
    metadata: dict  # source, pool, unit, kind, created_by


def load_space(path):
    """A space that `triad embed` wrote."""
    with safe_open(path, "numpy") as file:
        metadata = dict(file.metadata())
        layers = {name[len("layer."):]: file.get_tensor(name) for name in file.keys() if name.startswith("layer.")}
    rows = list(csv.reader(io.StringIO(metadata.pop("items")), delimiter="\t", quoting=csv.QUOTE_NONE))
    items = {column: [row[i] for row in rows[1:]] for i, column in enumerate(rows[0])}
    return Space(layers, items, metadata)


def save_space(path, layers, text, factors=None, source="python", kind="imported"):
    """Vectors of one's own as a space that `triad align` takes. layers: name -> [n, d]; text: n distinct sentences;
    factors: column -> n strings (verb, colour, object, …: what the relabel null renames)."""
    factors = factors or {}
    table = ["\t".join(["id", "text", *factors])]
    for i, sentence in enumerate(text):
        table.append("\t".join([sentence, sentence, *(str(factors[column][i]) for column in factors)]))
    tensors = {f"layer.{name}": np.ascontiguousarray(x, dtype=np.float32) for name, x in layers.items()}
    save_file(tensors, path, {"format": "triad.space", "items": "\n".join(table) + "\n", "source": source, "pool": "",
                              "unit": "sentence", "kind": kind, "created_by": "triad.py"})


def load_results(path):
    """What `triad align` and `triad run` write, as one flat dict for each pair, layers and measure."""
    with open(path) as file:
        results = json.load(file)
    return [{"x": pair["x"], "layer_x": pair["layer_x"], "y": pair["y"], "layer_y": pair["layer_y"], "measure": name, **values}
            for pair in results["pairs"] for name, values in pair["measures"].items()]
