#!/usr/bin/env python3
"""Checks that a trajectory is H5MD 1.1 as the world's readers want it.

Usage: check_h5md.py FILE.h5 [--xdmf FILE.xdmf]
Needs h5py and MDAnalysis; vtk for --xdmf. Exits with 1 and a reason if a check fails.
"""
import argparse
import sys
import warnings

import h5py
import numpy as np

warnings.filterwarnings("ignore")


def require(condition, reason):
    if not condition:
        sys.exit(f"check_h5md: {reason}")


def check_structure(file):
    require(list(file["h5md"].attrs["version"]) == [1, 1], "/h5md@version is not 1.1")
    for path, name in [("h5md/author", "name"), ("h5md/creator", "name"), ("h5md/creator", "version")]:
        require(isinstance(file[path].attrs[name], str), f"/{path}@{name} is no string")
    require("units" in file["h5md/modules"], "the units module is not declared")
    require(list(file["particles"]) == ["all"], f"groups under /particles: {list(file['particles'])}")
    group = file["particles/all"]
    frames, atoms, _ = group["position/value"].shape
    box = group["box"]
    require(box.attrs["dimension"] == 3, "box@dimension is not 3")
    require(set(box.attrs["boundary"]) <= {"periodic", "none"} and len(box.attrs["boundary"]) == 3, "box@boundary")
    shapes = {"position": (3,), "velocity": (3,), "image": (3,), "species": (), "id": ()}
    for name, inner in shapes.items():
        if name not in group:
            require(name in ("velocity", "image"), f"{name} is missing")
            continue
        require(group[f"{name}/value"].shape == (frames, atoms) + inner, f"the shape of {name}")
        require(group[f"{name}/step"].shape == (frames,) and group[f"{name}/time"].shape == (frames,), f"steps of {name}")
    require(box["edges/value"].shape == (frames, 3), "box/edges is not time-dependent")
    units = {"position/value": "Angstrom", "position/time": "ps", "velocity/value": "Angstrom ps-1",
             "box/edges/value": "Angstrom"}
    for path, unit in units.items():
        if path in group:
            require(group[path].attrs["unit"] == unit, f"the unit of {path} is {group[path].attrs['unit']!r}")
    steps = group["position/step"][:]
    require(np.all(np.diff(steps) > 0), "steps do not ascend")
    require(np.all(np.diff(group["id/value"][:], axis=1) > 0), "ids do not ascend")
    symbols = file["parameters/species/symbol"].asstr()[:]
    masses = file["parameters/species/mass"][:]
    species = group["species/value"][:]
    require(species.min() >= 0 and species.max() < len(symbols), "a species has no symbol")
    require(np.array_equal(group["mass"][:], masses[species[0]]), "masses differ from the species' masses")
    require(np.all(group["mass"][:] > 0), "a mass is not positive")
    positions = group["position/value"][:].astype(float)
    require(np.isfinite(positions).all(), "a position is no finite number")
    for name in file.get("observables", {}):
        require(file[f"observables/{name}/value"].shape[0] == frames, f"observable {name} has another number of frames")
    return frames, atoms


def check_mdanalysis(path, file):
    import MDAnalysis

    group = file["particles/all"]
    atoms = group["position/value"].shape[1]
    universe = MDAnalysis.Universe.empty(atoms, trajectory=False)
    universe.load_new(path, format="H5MD")
    require(universe.trajectory.n_frames == group["position/value"].shape[0], "MDAnalysis finds other frames")
    for index, frame in enumerate(universe.trajectory):
        require(np.allclose(frame.positions, group["position/value"][index], atol=1e-4), f"MDAnalysis: positions of frame {index}")
        require(np.allclose(frame.dimensions[:3], group["box/edges/value"][index], atol=1e-4), f"MDAnalysis: box of frame {index}")
        require(np.isclose(frame.time, group["position/time"][index]), f"MDAnalysis: time of frame {index}")
        require(frame.data["step"] == group["position/step"][index], f"MDAnalysis: step of frame {index}")
        if "velocity" in group:
            require(np.allclose(frame.velocities, group["velocity/value"][index], atol=1e-4), f"MDAnalysis: velocities of frame {index}")


def check_xdmf(path, file):
    """Reads the XDMF file with VTK's reader, which is ParaView's, and compares it with the HDF5 file."""
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonExecutionModel import vtkStreamingDemandDrivenPipeline
    from vtkmodules.vtkIOXdmf2 import vtkXdmfReader

    reader = vtkXdmfReader()
    reader.SetFileName(path)
    require(reader.CanReadFile(path), "VTK does not take the XDMF file")
    reader.UpdateInformation()
    information = reader.GetOutputInformation(0)
    times = information.Get(vtkStreamingDemandDrivenPipeline.TIME_STEPS()) or ()
    series = [("particles/all/position/time", None)] if "particles" in file else []
    levels = sorted(file.get("grids", {}), key=int)
    series += [(f"grids/{level}/time", level) for level in levels]
    wanted = sorted({time for name, _ in series for time in file[name][:]})
    require(np.allclose(sorted(times), wanted), f"VTK finds the times {times}, not {wanted}")
    checked = 0
    for time in (wanted[0], wanted[len(wanted) // 2], wanted[-1]):
        reader.UpdateTimeStep(time)
        for block in blocks(reader.GetOutputDataObject(0)):
            if block.IsA("vtkUnstructuredGrid"):
                frame = int(np.argmin(np.abs(file["particles/all/position/time"][:] - time)))
                points = vtk_to_numpy(block.GetPoints().GetData())
                require(np.allclose(points, file["particles/all/position/value"][frame]), "VTK: positions")
                for name in ("velocity", "id", "species"):
                    if name in file["particles/all"]:
                        values = vtk_to_numpy(block.GetPointData().GetArray(name))
                        require(np.allclose(values, file[f"particles/all/{name}/value"][frame]), f"VTK: {name}")
                checked += 1
            else:
                matching = [level for level in levels
                            if np.prod(file[f"grids/{level}/state"].shape[1:4]) == block.GetNumberOfCells()]
                require(matching, f"VTK: a grid of {block.GetNumberOfCells()} cells")
                state = file[f"grids/{matching[0]}/state"]
                frame = int(np.argmin(np.abs(file[f"grids/{matching[0]}/time"][:] - time)))
                bounds = np.array(block.GetBounds()).reshape(3, 2)
                origin, cell = state.attrs["origin"], state.attrs["cell_size"]
                upper = origin + cell * np.array(state.shape[3:0:-1])
                require(np.allclose(bounds[:, 0], origin) and np.allclose(bounds[:, 1], upper), f"VTK: bounds {bounds}")
                for channel in range(state.shape[4]):
                    values = vtk_to_numpy(block.GetCellData().GetArray(f"channel {channel}"))
                    require(np.allclose(values, state[frame, ..., channel].ravel()), f"VTK: channel {channel}")
                checked += 1
    require(checked > 0, "VTK finds nothing in the XDMF file")
    return checked


def blocks(data):
    """The leaves of a data set of VTK."""
    if data.IsA("vtkMultiBlockDataSet"):
        for index in range(data.GetNumberOfBlocks()):
            if data.GetBlock(index) is not None:
                yield from blocks(data.GetBlock(index))
    else:
        yield data


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--xdmf")
    arguments = parser.parse_args()
    with h5py.File(arguments.file) as file:
        frames, atoms = check_structure(file)
        check_mdanalysis(arguments.file, file)
        message = f"{frames} frames of {atoms} atoms: H5MD 1.1, read by h5py and MDAnalysis"
        if arguments.xdmf:
            message += f"; {check_xdmf(arguments.xdmf, file)} XDMF blocks read by VTK"
    print(message)


if __name__ == "__main__":
    main()
