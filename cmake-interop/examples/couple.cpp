// Couples a host's own atoms to a simulation from C++: atoms go in from arrays in the host's distribution, and a
// thermostat of the host rescales velocities between steps, once on the ranks that hold the atoms and once from rank 0
// by ids. Both ways must give the same atoms, bit for bit.
//
//     mpirun -n 2 couple MODEL.h5 START.h5 STEPS EVERY OUT.h5
//
// OUT.h5 gets the trajectory of the atoms from arrays without a thermostat.

#include <sages.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <array>
#include <vector>

namespace {

struct Error : std::runtime_error {
    int status;
    explicit Error(int status) : std::runtime_error(sages_last_error()), status(status) {}
};

void check(int status) {
    if (status != SAGES_SUCCESS) throw Error(status);
}

struct Free {
    void operator()(sages_model *model) const { sages_model_free(model); }
    void operator()(sages_options *options) const { sages_options_free(options); }
    void operator()(sages_simulation *simulation) const { sages_simulation_free(simulation); }
};
using Model = std::unique_ptr<sages_model, Free>;
using Options = std::unique_ptr<sages_options, Free>;
using Simulation = std::unique_ptr<sages_simulation, Free>;

struct Atoms {
    std::vector<std::int64_t> ids;
    std::vector<int> numbers;
    std::vector<double> positions, velocities;

    void add(const Atoms &other, std::size_t index) {
        ids.push_back(other.ids[index]);
        numbers.push_back(other.numbers[index]);
        for (std::size_t axis = 0; axis < 3; ++axis) {
            positions.push_back(other.positions[3 * index + axis]);
            velocities.push_back(other.velocities[3 * index + axis]);
        }
    }
};

Atoms local_atoms(const Simulation &simulation) {
    std::int64_t count = 0;
    check(sages_simulation_local_count(simulation.get(), &count));
    Atoms atoms;
    atoms.ids.resize(count);
    atoms.numbers.resize(count);
    atoms.positions.resize(3 * count);
    atoms.velocities.resize(3 * count);
    check(sages_simulation_get_ids(simulation.get(), atoms.ids.data(), count));
    check(sages_simulation_get_atomic_numbers(simulation.get(), atoms.numbers.data(), count));
    check(sages_simulation_get_positions(simulation.get(), atoms.positions.data(), count));
    check(sages_simulation_get_velocities(simulation.get(), atoms.velocities.data(), count));
    return atoms;
}

template <typename T>
std::vector<T> all(const std::vector<T> &part, MPI_Datatype type, MPI_Comm communicator) {
    int size = 0, count = static_cast<int>(part.size());
    MPI_Comm_size(communicator, &size);
    std::vector<int> counts(size), offsets(size + 1, 0);
    MPI_Allgather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, communicator);
    for (int rank = 0; rank < size; ++rank) offsets[rank + 1] = offsets[rank] + counts[rank];
    std::vector<T> whole(offsets[size]);
    MPI_Allgatherv(part.data(), count, type, whole.data(), counts.data(), offsets.data(), type, communicator);
    return whole;
}

Atoms all_atoms(const Simulation &simulation, MPI_Comm communicator) {
    Atoms local = local_atoms(simulation);
    return {all(local.ids, MPI_INT64_T, communicator), all(local.numbers, MPI_INT, communicator),
            all(local.positions, MPI_DOUBLE, communicator), all(local.velocities, MPI_DOUBLE, communicator)};
}

// The atoms of a file, passed as arrays: atom i by rank 5 i mod ranks, in descending order of ids.
Simulation from_arrays(const Model &model, const std::string &start, MPI_Comm communicator) {
    sages_simulation *handle = nullptr;
    check(sages_simulation_open(model.get(), start.c_str(), 0, nullptr, communicator, &handle));
    Simulation source(handle);
    double origin[3], edges[3], time = 0;
    int periodic[3], rank = 0, size = 0;
    std::int64_t step = 0;
    check(sages_simulation_box(source.get(), origin, edges, periodic));
    check(sages_simulation_time(source.get(), &time));
    check(sages_simulation_step_number(source.get(), &step));
    MPI_Comm_rank(communicator, &rank);
    MPI_Comm_size(communicator, &size);

    Atoms whole = all_atoms(source, communicator), mine;
    std::map<std::int64_t, std::size_t> places;
    for (std::size_t index = 0; index < whole.ids.size(); ++index) places[whole.ids[index]] = index;
    for (auto place = places.rbegin(); place != places.rend(); ++place) {
        if (5 * place->first % size == rank) mine.add(whole, place->second);
    }

    sages_options *made = nullptr;
    check(sages_options_create(&made));
    Options options(made);
    check(sages_options_set_clock(options.get(), step, time));
    check(sages_options_set_periodic(options.get(), periodic[0], periodic[1], periodic[2]));
    check(sages_simulation_create(model.get(), static_cast<std::int64_t>(mine.ids.size()), mine.ids.data(),
                                  mine.numbers.data(), mine.positions.data(), mine.velocities.data(), origin, edges,
                                  options.get(), communicator, &handle));
    return Simulation(handle);
}

// Steps, and after each step scales velocities to a temperature, K.
void thermostat(const Simulation &simulation, int steps, double target, bool by_id, MPI_Comm communicator) {
    int rank = 0;
    MPI_Comm_rank(communicator, &rank);
    for (int step = 0; step < steps; ++step) {
        check(sages_simulation_step(simulation.get(), 1));
        double temperature = 0;
        check(sages_simulation_temperature(simulation.get(), &temperature));
        const double factor = std::sqrt(target / temperature);
        Atoms atoms = by_id ? all_atoms(simulation, communicator) : local_atoms(simulation);
        for (double &component : atoms.velocities) component *= factor;
        const std::int64_t count = by_id && rank != 0 ? 0 : static_cast<std::int64_t>(atoms.ids.size());
        check(sages_simulation_set_velocities(simulation.get(), count, by_id ? atoms.ids.data() : nullptr,
                                              atoms.velocities.data()));
    }
}

using State = std::map<std::int64_t, std::array<double, 6>>;

State state(const Simulation &simulation, MPI_Comm communicator) {
    Atoms atoms = all_atoms(simulation, communicator);
    State state;
    for (std::size_t index = 0; index < atoms.ids.size(); ++index) {
        const double *r = &atoms.positions[3 * index], *v = &atoms.velocities[3 * index];
        state[atoms.ids[index]] = {r[0], r[1], r[2], v[0], v[1], v[2]};
    }
    return state;
}

void require(bool condition, const char *what) {
    if (!condition) throw std::runtime_error(what);
}

void run(char **argv, MPI_Comm communicator) {
    sages_model *loaded = nullptr;
    check(sages_model_load(argv[1], communicator, &loaded));
    Model model(loaded);
    const int steps = std::atoi(argv[3]), every = std::atoi(argv[4]);
    int rank = 0;
    MPI_Comm_rank(communicator, &rank);

    // The trajectory, in two parts: the second is appended to the file of the first.
    Simulation plain = from_arrays(model, argv[2], communicator);
    for (int part = 0; part < 2; ++part) {
        sages_output *output = nullptr;
        if (part == 0) {
            check(sages_output_create(plain.get(), argv[5], &output));
            check(sages_output_write(output, plain.get()));
        } else {
            check(sages_output_append(plain.get(), argv[5], &output));
        }
        const int begin = part == 0 ? 0 : steps / every / 2, end = part == 0 ? steps / every / 2 : steps / every;
        for (int frame = begin; frame < end; ++frame) {
            check(sages_simulation_step(plain.get(), every));
            check(sages_output_write(output, plain.get()));
        }
        check(sages_output_close(output));
    }

    const double target = 450;
    Simulation local = from_arrays(model, argv[2], communicator), by_id = from_arrays(model, argv[2], communicator);
    thermostat(local, steps, target, false, communicator);
    thermostat(by_id, steps, target, true, communicator);
    require(state(local, communicator) == state(by_id, communicator), "the two thermostats differ");
    require(state(local, communicator) != state(plain, communicator), "the thermostats did nothing");
    double temperature = 0;
    check(sages_simulation_temperature(local.get(), &temperature));
    require(std::abs(temperature - target) < 1e-3 * target, "the thermostat misses its temperature");

    // An atom that is pushed through a face of the box comes back on the other side, one image on.
    Atoms atoms = local_atoms(local);
    double origin[3], edges[3];
    check(sages_simulation_box(local.get(), origin, edges, nullptr));
    const State before = state(local, communicator);
    for (std::size_t index = 0; index < atoms.ids.size(); ++index) atoms.positions[3 * index] += edges[0];
    check(sages_simulation_set_positions(local.get(), static_cast<std::int64_t>(atoms.ids.size()), atoms.ids.data(),
                                         atoms.positions.data()));
    const State after = state(local, communicator);
    require(before.size() == after.size(), "atoms were lost");
    for (const auto &atom : before) {
        require(std::abs(atom.second[0] - after.at(atom.first)[0]) < 1e-9, "an atom did not come back into the box");
    }
    std::int64_t count = 0;
    check(sages_simulation_local_count(local.get(), &count));
    std::vector<int> images(3 * count);
    check(sages_simulation_get_images(local.get(), images.data(), count));
    int moved = 0, all_moved = 0;
    for (std::int64_t index = 0; index < count; ++index) moved += images[3 * index];
    MPI_Allreduce(&moved, &all_moved, 1, MPI_INT, MPI_SUM, communicator);
    require(all_moved >= static_cast<int>(before.size()) * 9 / 10, "images did not count on");
    if (rank == 0) std::printf("%zu atoms, thermostat at %.2f K\n", before.size(), temperature);
}

}  // namespace

int main(int argc, char **argv) {
    MPI_Init(&argc, &argv);
    int status = 0;
    if (argc != 6) {
        std::fprintf(stderr, "usage: couple MODEL.h5 START.h5 STEPS EVERY OUT.h5\n");
        status = SAGES_USAGE;
    } else {
        MPI_Comm communicator;
        MPI_Comm_dup(MPI_COMM_WORLD, &communicator);
        try {
            run(argv, communicator);
        } catch (const std::exception &error) {
            std::fprintf(stderr, "error: %s\n", error.what());
            MPI_Abort(MPI_COMM_WORLD, SAGES_INTERNAL);
        }
        MPI_Comm_free(&communicator);
    }
    MPI_Finalize();
    return status;
}
