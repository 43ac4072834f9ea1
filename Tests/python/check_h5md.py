#!/usr/bin/env python3
"""Checks that a trajectory is H5MD 1.1 as the world's readers want it.

Usage: check_h5md.py FILE.h5 [--xdmf FILE.xdmf]
Needs h5py and MDAnalysis; meshio and lxml for --xdmf. Exits with 1 and a reason if a check fails.
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
    import xml.etree.ElementTree as tree

    import meshio

    root = tree.parse(path).getroot()
    require(root.tag == "Xdmf" and root.get("Version") == "3.0", "it is not XDMF 3")
    # meshio reads one uniform grid and no hyperslabs: check these against the HDF5 file, then hand it a mesh of them.
    found = 0
    for item in root.iter("DataItem"):
        if item.get("ItemType") != "HyperSlab":
            continue
        slab, source = item.findall("DataItem")
        start, stride, count = np.array(slab.text.split(), dtype=int).reshape(3, -1)
        name, dataset = source.text.strip().split(":")
        stored = file[dataset]
        require(list(stored.shape) == [int(n) for n in source.get("Dimensions").split()], f"{dataset}: dimensions")
        require(stored.dtype.itemsize == int(source.get("Precision")), f"{dataset}: precision")
        require(np.all(start + (count - 1) * stride < stored.shape), f"{dataset}: a hyperslab beyond the data")
        require(np.prod([int(n) for n in item.get("Dimensions").split()]) == np.prod(count), f"{dataset}: size of a hyperslab")
        found += 1
    require(found > 0, "the XDMF file refers to no data")
    for geometry in root.iter("Geometry"):
        require(geometry.get("GeometryType") in ("XYZ", "ORIGIN_DXDYDZ"), "a geometry of another type")
    if "particles" in file:
        points = file["particles/all/position/value"][0]
        mesh = meshio.Mesh(points, [("vertex", np.arange(len(points)).reshape(-1, 1))])
        require(len(mesh.points) == len(points), "meshio takes no points")
    return found


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
            message += f"; {check_xdmf(arguments.xdmf, file)} XDMF references fit"
    print(message)


if __name__ == "__main__":
    main()
