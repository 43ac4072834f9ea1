"""SAGESnet's networks in PyTorch, from the file that `sages-bench serve` exports: same weights, samples and loss."""

import h5py
import numpy
import torch
import torch.nn.functional as functional


class Sample:
    """The cells of one frame and what becomes of their atoms; one element, one slot a cell."""

    def __init__(self, file, frame, units):
        positions = file["particles/all/position/value"][frame : frame + 2].astype(numpy.float64)
        velocities = file["particles/all/velocity/value"][frame : frame + 2].astype(numpy.float64)
        edges = file["particles/all/box/edges/value"][frame] if "value" in file["particles/all/box/edges"] \
            else file["particles/all/box/edges"][()]
        edges = numpy.asarray(edges, dtype=numpy.float64).reshape(-1)[:3]
        self.counts = numpy.maximum(1, numpy.rint(edges / units["cellSide"])).astype(int)
        size = edges / self.counts
        # Cell centers lie where atoms do: the circular mean of places in cells, of the run's first frame.
        first = file["particles/all/position/value"][0].astype(numpy.float64)
        phase = numpy.angle(numpy.exp(2j * numpy.pi * first / size).sum(axis=0)) / (2 * numpy.pi) % 1
        shift = phase - 0.5
        corner = (shift - numpy.ceil(shift)) * size
        place = (positions[0] - corner) / size
        cells = numpy.floor(place).astype(int)
        offset = (place - cells - 0.5) * size
        cells %= self.counts
        moved = positions[1] - positions[0]
        moved -= edges * numpy.rint(moved / edges)
        # Rows ascend in z, y, x with x fastest.
        index = (cells[:, 2] * self.counts[1] + cells[:, 1]) * self.counts[0] + cells[:, 0]
        order = numpy.argsort(index, kind="stable")
        self.index = index[order]
        if len(numpy.unique(index)) != len(index):
            raise ValueError("two atoms share a cell")

        def tensor(values):
            return torch.from_numpy(values[order].astype(numpy.float32))

        self.offset, self.velocity = tensor(offset), tensor(velocities[0])
        self.offset_after, self.velocity_after = tensor(offset + moved), tensor(velocities[1])

    def neighbors(self):
        """[27, rows]: the row at each offset (z, y, x from -1 to 1) from each row, -1 where the cell is empty."""
        nx, ny, nz = self.counts
        row_of = numpy.full(nx * ny * nz, -1, dtype=numpy.int64)
        row_of[self.index] = numpy.arange(len(self.index))
        x, y, z = self.index % nx, self.index // nx % ny, self.index // (nx * ny)
        return numpy.stack(
            [
                row_of[((z + dz) % nz * ny + (y + dy) % ny) * nx + (x + dx) % nx]
                for dz in (-1, 0, 1)
                for dy in (-1, 0, 1)
                for dx in (-1, 0, 1)
            ]
        )


class Export:
    """What `export` wrote: weights, units, samples."""

    def __init__(self, path):
        with h5py.File(path) as file:
            self.units = {key: file.attrs[key] for key in file.attrs}
            self.parameters = {}

            def take(name, item):
                if isinstance(item, h5py.Dataset):
                    self.parameters[name] = torch.from_numpy(item[()].astype(numpy.float32))

            file["parameters"].visititems(take)
        samples = self.units["samples"]
        samples = samples.decode() if isinstance(samples, bytes) else str(samples)
        self.units = {key: float(value) for key, value in self.units.items() if key not in ("samples", "form")}
        with h5py.File(samples) as file:
            frames = file["particles/all/position/value"].shape[0]
            self.samples = [Sample(file, frame, self.units) for frame in range(frames - 1)]


class OccupiedConvolution:
    """y[r] = sum over offsets k of x[n(r, k)] w[k] over occupied cells, in one of several forms.

    loop      for each offset that occurs: index_select, matrix product, index_add
    gather    all neighbors of a row side by side, empty ones as a row of zeros, and one matrix product
    batched   pairs sorted by offset, padded to equal numbers, one batched product, one index_add
    """

    def __init__(self, sample, form):
        table = sample.neighbors()
        self.rows = table.shape[1]
        self.form = form
        self.offsets = [k for k in range(27) if (table[k] >= 0).any()]
        if form == "loop":
            self.pairs = []
            for k in self.offsets:
                outputs = numpy.nonzero(table[k] >= 0)[0]
                whole = len(outputs) == self.rows and (table[k] == numpy.arange(self.rows)).all()
                self.pairs.append(None if whole else (torch.from_numpy(outputs), torch.from_numpy(table[k][outputs])))
        elif form == "gather":
            used = numpy.where(table[self.offsets] >= 0, table[self.offsets], self.rows)
            self.table = torch.from_numpy(used.T.copy().reshape(-1))
        else:
            center = 13
            others = [k for k in self.offsets if k != center]
            self.offsets = [center] + others
            longest = max(int((table[k] >= 0).sum()) for k in others)
            outputs = numpy.full((len(others), longest), self.rows, dtype=numpy.int64)
            inputs = numpy.full((len(others), longest), 0, dtype=numpy.int64)
            for place, k in enumerate(others):
                found = numpy.nonzero(table[k] >= 0)[0]
                outputs[place, : len(found)], inputs[place, : len(found)] = found, table[k][found]
            self.outputs, self.inputs = torch.from_numpy(outputs.reshape(-1)), torch.from_numpy(inputs.reshape(-1))
            self.longest = longest
        self.index = torch.tensor(self.offsets)

    def __call__(self, x, weights):
        if self.form == "loop":
            y = torch.zeros_like(x)
            for k, pairs in zip(self.offsets, self.pairs):
                if pairs is None:
                    y = y + x @ weights[k]
                else:
                    y = y.index_add(0, pairs[0], x.index_select(0, pairs[1]) @ weights[k])
            return y
        channels = x.shape[1]
        used = weights.index_select(0, self.index)
        if self.form == "gather":
            padded = functional.pad(x, (0, 0, 0, 1))
            return padded.index_select(0, self.table).view(self.rows, -1) @ used.reshape(-1, channels)
        pairs = x.index_select(0, self.inputs).view(-1, self.longest, channels)
        products = torch.bmm(pairs, used[1:]).view(-1, channels)
        y = functional.pad(x @ used[0], (0, 0, 0, 1)).index_add(0, self.outputs, products)
        return y[: self.rows]


class Network(torch.nn.Module):
    """Weights by the names that SAGES gives them."""

    def __init__(self, export):
        super().__init__()
        self.units = export.units
        self.names = {name: name.replace("/", "__") for name in export.parameters}
        for name, value in export.parameters.items():
            # The energy's own zero has no influence on its gradient.
            trained = not name.endswith("readout/layer1/bias")
            self.register_parameter(self.names[name], torch.nn.Parameter(value.clone(), requires_grad=trained))

    def weight(self, name):
        return getattr(self, self.names[name])

    def dense(self, name, x):
        return x @ self.weight(f"{name}/weights") + self.weight(f"{name}/bias")

    def blocks(self, name, z, convolve):
        for block in range(4):
            prefix = f"{name}/block{block}"
            x = z if block == 0 else functional.silu(z)
            total = convolve(x, self.weight(f"{prefix}/convolution/weights")) + self.weight(f"{prefix}/convolution/bias")
            z = z + self.dense(f"{prefix}/mixing", functional.silu(total))
        return z

    def loss(self, sample, offset, velocity):
        """The mean of squared errors in units of what a ballistic step misses; a sum of two means."""
        place = (offset - sample.offset_after) / self.units["displacement"]
        motion = (velocity - sample.velocity_after) / self.units["kick"]
        return place.square().mean() + motion.square().mean()


class EnergyNetwork(Network):
    """Kick, drift, kick, drift, kick; each kick is minus the gradient of an energy of the occupied cells."""

    def __init__(self, export, form, functional_gradient=False):
        super().__init__(export)
        self.convolutions = {id(sample): OccupiedConvolution(sample, form) for sample in export.samples}
        self.functional_gradient = functional_gradient

    def energy(self, name, sample, offset):
        normalized = offset / self.units["offset"]
        readable = torch.cat([torch.ones_like(normalized[:, :1]), normalized], dim=1)
        z = self.blocks(f"{name}", self.dense(f"{name}/codec/encoder", readable), self.convolutions[id(sample)])
        hidden = functional.silu(self.dense(f"{name}/readout/layer0", z))
        return self.dense(f"{name}/readout/layer1", hidden).sum()

    def kick(self, name, sample, offset):
        if self.functional_gradient:
            gradient = torch.func.grad(lambda place: self.energy(name, sample, place))(offset)
        else:
            if not offset.requires_grad:
                offset.requires_grad_(True)
            (gradient,) = torch.autograd.grad(self.energy(name, sample, offset), offset, create_graph=True)
        return -self.units["kick"] * self.units["offset"] * gradient

    def forward(self, sample):
        half = 0.5 * self.units["timeStep"]
        offset, velocity = sample.offset.detach(), sample.velocity
        velocity = velocity + self.kick("predictor/outer", sample, offset)
        offset = offset + half * velocity
        velocity = velocity + self.kick("predictor/middle", sample, offset)
        offset = offset + half * velocity
        velocity = velocity + self.kick("predictor/outer", sample, offset)
        return self.loss(sample, offset, velocity)


class DenseNetwork(Network):
    """Increments decoded from every cell of a periodic grid; fields are [z, y, x, channel], which is channels_last_3d
    for the convolution. Their halo is concatenated, or PyTorch's own circular padding."""

    def __init__(self, export, form):
        super().__init__(export)
        self.is_concatenated = form == "concatenated"
        self.fields = {id(sample): self.field(sample) for sample in export.samples}

    @staticmethod
    def field(sample):
        nx, ny, nz = sample.counts
        readable = torch.zeros(nz * ny * nx, 7)
        index = torch.from_numpy(sample.index)
        readable[index, 0] = 1
        return readable.view(nz, ny, nx, 7), index

    def convolve(self, x, weights):
        if self.is_concatenated:
            for axis in range(3):
                n = x.shape[axis]
                x = torch.cat([x.narrow(axis, n - 1, 1), x, x.narrow(axis, 0, 1)], dim=axis)
            padded = x.permute(3, 0, 1, 2).unsqueeze(0)
        else:
            image = x.permute(3, 0, 1, 2).unsqueeze(0)
            padded = functional.pad(image, (1,) * 6, mode="circular").contiguous(memory_format=torch.channels_last_3d)
        channels = weights.shape[1]
        kernel = weights.view(3, 3, 3, channels, -1).permute(4, 3, 0, 1, 2)
        y = functional.conv3d(padded, kernel.contiguous(memory_format=torch.channels_last_3d))
        return y.squeeze(0).permute(1, 2, 3, 0)

    def forward(self, sample):
        units = self.units
        empty, index = self.fields[id(sample)]
        state = torch.cat([sample.offset / units["offset"], sample.velocity / units["velocity"]], dim=1)
        readable = empty.clone()
        readable.view(-1, 7)[index, 1:] = state
        code = self.dense("predictor/codec/encoder", readable)
        # Only cells with atoms are read, so only they are decoded.
        start = self.dense("predictor/codec/decoder", code.reshape(-1, code.shape[-1])[index])
        after = self.blocks("predictor", code, self.convolve)
        change = self.dense("predictor/codec/decoder", after.reshape(-1, after.shape[-1])[index]) - start
        offset = sample.offset + units["timeStep"] * sample.velocity + units["displacement"] * change[:, :3]
        velocity = sample.velocity + units["kick"] * change[:, 3:]
        error = 2 * (start - state).square().mean()
        return self.loss(sample, offset, velocity) + units["codecWeight"] * error
