"""ONNX's own node tests as models without declared results, for the tests beside this file.

python3 node-cases.py FOLDER: writes models and index.json. Each test comes in three forms: as it is (`given`), with small integer inputs as
initializers and other sizes named after their number (`symbolic`), and with every input an initializer (`constant`).
"""
import json
import os
import sys
import warnings

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.test.case.node import collect_testcases

warnings.filterwarnings("ignore")
folder = sys.argv[1]


def proto(value, info):
    """The value as a tensor of the input's type; None for what is no tensor."""
    if isinstance(value, TensorProto):
        tensor = TensorProto()
        tensor.CopyFrom(value)
        tensor.name = info.name
        return tensor
    if value is None or isinstance(value, (list, dict)) or not info.type.HasField("tensor_type"):
        return None
    array = np.asarray(value)
    elem = info.type.tensor_type.elem_type
    try:
        tensor = numpy_helper.from_array(array, info.name)
    except (TypeError, ValueError, AttributeError):
        return None
    if tensor.data_type != elem:
        tensor = helper.make_tensor(info.name, elem, array.shape, array.flatten().tolist())
    return tensor


def with_form(model, values, form):
    out = onnx.ModelProto()
    out.CopyFrom(model)
    for o in out.graph.output:
        o.ClearField("type")
    del out.graph.value_info[:]
    names, inputs = {}, []
    for i, (info, value) in enumerate(zip(list(out.graph.input), values)):
        tensor = proto(value, info)
        small = tensor is not None and len(tensor.dims) <= 1 and int(np.prod(tensor.dims)) <= 16
        if tensor is not None and (form == "constant" or (form == "symbolic" and small and i > 0)):
            out.graph.initializer.append(tensor)
            continue
        if tensor is not None and form == "symbolic":
            for dim, size in zip(info.type.tensor_type.shape.dim, tensor.dims):
                dim.ClearField("dim_value")
                dim.dim_param = f"s{size}"
                names[dim.dim_param] = size
        inputs.append(info)
    del out.graph.input[:]
    out.graph.input.extend(inputs)
    return out, names


index = []
for case in collect_testcases():
    if case.model is None or not case.data_sets or not isinstance(case.data_sets[0][0], (list, tuple)):
        continue
    values, results = case.data_sets[0]
    tensors = [proto(v, o) for v, o in zip(results, case.model.graph.output)]
    for form in ("given", "symbolic", "constant"):
        model, names = with_form(case.model, values, form)
        file = f"{len(index)}.onnx"
        with open(os.path.join(folder, file), "wb") as f:
            f.write(model.SerializeToString())
        outputs = [t and {"dtype": t.data_type, "dims": list(t.dims), "raw": t.raw_data.hex() if form == "constant" and len(t.raw_data) <= 65536 else None} for t in tensors]
        index.append({"file": file, "name": case.name, "op": case.model.graph.node[0].op_type, "form": form, "names": names, "outputs": outputs})
with open(os.path.join(folder, "index.json"), "w") as f:
    json.dump(index, f)
