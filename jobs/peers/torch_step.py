"""Training steps in PyTorch, one thread a process: cases train:EXPORT:FORM, where EXPORT is a file that
`sages-bench serve` wrote, and FORM one of

    loop, gather, batched      the energy network, in these forms of the convolution over occupied cells
    gather_compiled, ...       the same under torch.compile, with gradients by torch.func
    dense_concatenated, dense_padded, dense_concatenated_compiled, ...     the increment network on every cell

With RANK and WORLD_SIZE in the environment: DistributedDataParallel over gloo, one sample a process and step.
"""

import os
import sys

import torch
import torch.distributed

import torch_network
import worker

torch.set_num_threads(1)
ranks = int(os.environ.get("WORLD_SIZE", "1"))
rank = int(os.environ.get("RANK", "0"))


class Training:
    def __init__(self, name):
        _, path, form = name.split(":")
        export = torch_network.Export(path)
        if len(export.samples) != ranks:
            raise ValueError(f"{len(export.samples)} samples for {ranks} processes")
        compiled = form.endswith("_compiled")
        kind = form.removesuffix("_compiled")
        network = torch_network.DenseNetwork(export, kind.split("_")[1]) if kind.startswith("dense_") \
            else torch_network.EnergyNetwork(export, kind, functional_gradient=compiled)
        self.sample = export.samples[rank]
        trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self.work = sum(parameter.numel() for parameter in network.parameters())
        self.model = torch.compile(network) if compiled else network
        if ranks > 1:
            self.model = torch.nn.parallel.DistributedDataParallel(self.model, gradient_as_bucket_view=True)
        self.optimizer = torch.optim.Adam(trained, lr=1e-3, fused=True)

    def call(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.model(self.sample)
        loss.backward()
        self.optimizer.step()
        return loss

    def losses(self, count):
        """Means over the processes."""
        losses = []
        for _ in range(count):
            loss = self.call().detach().clone()
            if ranks > 1:
                torch.distributed.all_reduce(loss)
            losses.append(float(loss) / ranks)
        return losses


if __name__ == "__main__":
    if ranks > 1:
        torch.distributed.init_process_group("gloo", init_method=sys.argv[1], rank=rank, world_size=ranks)
    worker.serve(Training)
    if ranks > 1:
        torch.distributed.destroy_process_group()
