"""3x3x3 convolutions in PyTorch, one thread, as `sages-bench serve` has them: cases conv:CHANNELS:CELLS:DIRECTION.

The halo is in place on both sides: a valid convolution of a padded field. Each case has several forms, PyTorch's
channels_last_3d and its default layout among them; the driver takes the fastest. A form is named behind the direction:
conv:32:32:forward:channels_last.
"""

import torch
import torch.nn.functional as functional

import worker

torch.set_num_threads(1)
FORMS = {
    "forward": ["channels_last", "contiguous"],
    # The gradient of the padded field (its halo would be sent back); or a convolution of the padded cotangent with
    # mirrored weights, as SAGES has it.
    "data": ["channels_last", "contiguous", "channels_last_mirrored", "contiguous_mirrored"],
    "weights": ["channels_last", "contiguous"],
}


class Convolution:
    def __init__(self, name):
        _, channels, cells, direction, form = name.split(":")
        n, c = int(cells), int(channels)
        layout = torch.contiguous_format if form.startswith("contiguous") else torch.channels_last_3d
        generator = torch.Generator().manual_seed(1)

        def field(*shape):
            return torch.randn(shape, generator=generator).contiguous(memory_format=layout)

        x, w = field(1, c, n + 2, n + 2, n + 2), field(c, c, 3, 3, 3)
        dy = field(1, c, n, n, n)
        backward = torch.ops.aten.convolution_backward
        self.work = 2 * 27 * c * c * n**3
        if direction == "forward":
            self.call = lambda: functional.conv3d(x, w)
        elif direction == "weights":
            self.call = lambda: backward(
                dy, x, w, None, [1] * 3, [0] * 3, [1] * 3, False, [0] * 3, 1, [False, True, False])
        elif form.endswith("_mirrored"):
            padded = field(1, c, n + 2, n + 2, n + 2)
            mirrored = w.flip(2, 3, 4).transpose(0, 1).contiguous(memory_format=layout)
            self.call = lambda: functional.conv3d(padded, mirrored)
        else:
            self.call = lambda: backward(
                dy, x, w, None, [1] * 3, [0] * 3, [1] * 3, False, [0] * 3, 1, [True, False, False])


if __name__ == "__main__":
    with torch.no_grad():
        worker.serve(Convolution)
