! Fortran interface of SAGES. Compile this file with the host (find_package(SAGES) names it in SAGES_FORTRAN_SOURCE); what
! each function does is in sages.h.
!
! Functions return a status, 0 where all went well. Handles are type(c_ptr), null where there is none. Texts end with
! c_null_char: trim(path) // c_null_char. Communicators are those of "use mpi", or comm%mpi_val of "use mpi_f08".
! Vectors of atoms are arrays (3, count).

module sages
    use, intrinsic :: iso_c_binding, only: c_char, c_double, c_int, c_int64_t, c_null_char, c_ptr, c_f_pointer
    implicit none
    private :: c_char, c_double, c_int, c_int64_t, c_null_char, c_ptr, c_f_pointer, length

    integer(c_int), parameter :: sages_success = 0, sages_usage = 64, sages_data = 65, sages_no_input = 66, &
        sages_internal = 70, sages_io = 74

    interface
        function sages_version_pointer() bind(C, name="sages_version") result(text)
            import :: c_ptr
            type(c_ptr) :: text
        end function

        function sages_last_error_pointer() bind(C, name="sages_last_error") result(text)
            import :: c_ptr
            type(c_ptr) :: text
        end function

        function sages_atomic_number(symbol) bind(C, name="sages_atomic_number") result(number)
            import :: c_char, c_int
            character(kind=c_char), intent(in) :: symbol(*)
            integer(c_int) :: number
        end function

        ! Models

        function sages_model_load(path, communicator, model) bind(C, name="sages_model_load_f") result(status)
            import :: c_char, c_int, c_ptr
            character(kind=c_char), intent(in) :: path(*)
            integer(c_int), value :: communicator
            type(c_ptr), intent(out) :: model
            integer(c_int) :: status
        end function

        function sages_model_free(model) bind(C, name="sages_model_free") result(status)
            import :: c_int, c_ptr
            type(c_ptr), value :: model
            integer(c_int) :: status
        end function

        function sages_model_kind(model, kind) bind(C, name="sages_model_kind") result(status)
            import :: c_int, c_ptr
            type(c_ptr), value :: model
            type(c_ptr), intent(out) :: kind
            integer(c_int) :: status
        end function

        function sages_model_time_step(model, time_step) bind(C, name="sages_model_time_step") result(status)
            import :: c_double, c_int, c_ptr
            type(c_ptr), value :: model
            real(c_double), intent(out) :: time_step
            integer(c_int) :: status
        end function

        function sages_model_cell_side(model, cell_side) bind(C, name="sages_model_cell_side") result(status)
            import :: c_double, c_int, c_ptr
            type(c_ptr), value :: model
            real(c_double), intent(out) :: cell_side
            integer(c_int) :: status
        end function

        function sages_model_element_count(model, count) bind(C, name="sages_model_element_count") result(status)
            import :: c_int, c_ptr
            type(c_ptr), value :: model
            integer(c_int), intent(out) :: count
            integer(c_int) :: status
        end function

        ! index counts from 0.
        function sages_model_element(model, index, symbol) bind(C, name="sages_model_element") result(status)
            import :: c_int, c_ptr
            type(c_ptr), value :: model
            integer(c_int), value :: index
            type(c_ptr), intent(out) :: symbol
            integer(c_int) :: status
        end function

        ! Options

        function sages_options_create(options) bind(C, name="sages_options_create") result(status)
            import :: c_int, c_ptr
            type(c_ptr), intent(out) :: options
            integer(c_int) :: status
        end function

        function sages_options_free(options) bind(C, name="sages_options_free") result(status)
            import :: c_int, c_ptr
            type(c_ptr), value :: options
            integer(c_int) :: status
        end function

        function sages_options_set_decomposition(options, x, y, z) &
            bind(C, name="sages_options_set_decomposition") result(status)
            import :: c_int, c_ptr
            type(c_ptr), value :: options
            integer(c_int), value :: x, y, z
            integer(c_int) :: status
        end function

        function sages_options_set_periodic(options, x, y, z) bind(C, name="sages_options_set_periodic") result(status)
            import :: c_int, c_ptr
            type(c_ptr), value :: options
            integer(c_int), value :: x, y, z
            integer(c_int) :: status
        end function

        function sages_options_set_replicate(options, x, y, z) bind(C, name="sages_options_set_replicate") result(status)
            import :: c_int, c_ptr
            type(c_ptr), value :: options
            integer(c_int), value :: x, y, z
            integer(c_int) :: status
        end function

        function sages_options_set_environment(options, name, value) &
            bind(C, name="sages_options_set_environment") result(status)
            import :: c_char, c_double, c_int, c_ptr
            type(c_ptr), value :: options
            character(kind=c_char), intent(in) :: name(*)
            real(c_double), value :: value
            integer(c_int) :: status
        end function

        function sages_options_set_mass(options, atomic_number, mass) &
            bind(C, name="sages_options_set_mass") result(status)
            import :: c_double, c_int, c_ptr
            type(c_ptr), value :: options
            integer(c_int), value :: atomic_number
            real(c_double), value :: mass
            integer(c_int) :: status
        end function

        function sages_options_set_clock(options, step, time) bind(C, name="sages_options_set_clock") result(status)
            import :: c_double, c_int, c_int64_t, c_ptr
            type(c_ptr), value :: options
            integer(c_int64_t), value :: step
            real(c_double), value :: time
            integer(c_int) :: status
        end function

        ! Simulations

        function sages_simulation_open(model, path, frame, options, communicator, simulation) &
            bind(C, name="sages_simulation_open_f") result(status)
            import :: c_char, c_int, c_int64_t, c_ptr
            type(c_ptr), value :: model, options
            character(kind=c_char), intent(in) :: path(*)
            integer(c_int64_t), value :: frame
            integer(c_int), value :: communicator
            type(c_ptr), intent(out) :: simulation
            integer(c_int) :: status
        end function

        function sages_simulation_create(model, count, ids, atomic_numbers, positions, velocities, origin, edges, &
            options, communicator, simulation) bind(C, name="sages_simulation_create_f") result(status)
            import :: c_double, c_int, c_int64_t, c_ptr
            type(c_ptr), value :: model, options
            integer(c_int64_t), value :: count
            integer(c_int64_t), intent(in) :: ids(*)
            integer(c_int), intent(in) :: atomic_numbers(*)
            real(c_double), intent(in) :: positions(3, *), edges(3)
            real(c_double), intent(in), optional :: velocities(3, *), origin(3)
            integer(c_int), value :: communicator
            type(c_ptr), intent(out) :: simulation
            integer(c_int) :: status
        end function

        function sages_simulation_free(simulation) bind(C, name="sages_simulation_free") result(status)
            import :: c_int, c_ptr
            type(c_ptr), value :: simulation
            integer(c_int) :: status
        end function

        function sages_simulation_step(simulation, steps) bind(C, name="sages_simulation_step") result(status)
            import :: c_int, c_int64_t, c_ptr
            type(c_ptr), value :: simulation
            integer(c_int64_t), value :: steps
            integer(c_int) :: status
        end function

        function sages_simulation_apply_force(simulation, force) &
            bind(C, name="sages_simulation_apply_force") result(status)
            import :: c_char, c_int, c_ptr
            type(c_ptr), value :: simulation
            character(kind=c_char), intent(in) :: force(*)
            integer(c_int) :: status
        end function

        function sages_simulation_remove_forces(simulation) &
            bind(C, name="sages_simulation_remove_forces") result(status)
            import :: c_int, c_ptr
            type(c_ptr), value :: simulation
            integer(c_int) :: status
        end function

        function sages_simulation_impulse(simulation, impulse) &
            bind(C, name="sages_simulation_impulse") result(status)
            import :: c_double, c_int, c_ptr
            type(c_ptr), value :: simulation
            real(c_double), intent(out) :: impulse(3)
            integer(c_int) :: status
        end function

        function sages_simulation_atom_count(simulation, count) &
            bind(C, name="sages_simulation_atom_count") result(status)
            import :: c_int, c_int64_t, c_ptr
            type(c_ptr), value :: simulation
            integer(c_int64_t), intent(out) :: count
            integer(c_int) :: status
        end function

        function sages_simulation_local_count(simulation, count) &
            bind(C, name="sages_simulation_local_count") result(status)
            import :: c_int, c_int64_t, c_ptr
            type(c_ptr), value :: simulation
            integer(c_int64_t), intent(out) :: count
            integer(c_int) :: status
        end function

        function sages_simulation_time(simulation, time) bind(C, name="sages_simulation_time") result(status)
            import :: c_double, c_int, c_ptr
            type(c_ptr), value :: simulation
            real(c_double), intent(out) :: time
            integer(c_int) :: status
        end function

        function sages_simulation_step_number(simulation, step) &
            bind(C, name="sages_simulation_step_number") result(status)
            import :: c_int, c_int64_t, c_ptr
            type(c_ptr), value :: simulation
            integer(c_int64_t), intent(out) :: step
            integer(c_int) :: status
        end function

        function sages_simulation_temperature(simulation, temperature) &
            bind(C, name="sages_simulation_temperature") result(status)
            import :: c_double, c_int, c_ptr
            type(c_ptr), value :: simulation
            real(c_double), intent(out) :: temperature
            integer(c_int) :: status
        end function

        function sages_simulation_box(simulation, origin, edges, periodic) &
            bind(C, name="sages_simulation_box") result(status)
            import :: c_double, c_int, c_ptr
            type(c_ptr), value :: simulation
            real(c_double), intent(out), optional :: origin(3), edges(3)
            integer(c_int), intent(out), optional :: periodic(3)
            integer(c_int) :: status
        end function

        function sages_simulation_get_ids(simulation, ids, capacity) &
            bind(C, name="sages_simulation_get_ids") result(status)
            import :: c_int, c_int64_t, c_ptr
            type(c_ptr), value :: simulation
            integer(c_int64_t), intent(inout) :: ids(*)
            integer(c_int64_t), value :: capacity
            integer(c_int) :: status
        end function

        function sages_simulation_get_atomic_numbers(simulation, atomic_numbers, capacity) &
            bind(C, name="sages_simulation_get_atomic_numbers") result(status)
            import :: c_int, c_int64_t, c_ptr
            type(c_ptr), value :: simulation
            integer(c_int), intent(inout) :: atomic_numbers(*)
            integer(c_int64_t), value :: capacity
            integer(c_int) :: status
        end function

        function sages_simulation_get_positions(simulation, positions, capacity) &
            bind(C, name="sages_simulation_get_positions") result(status)
            import :: c_double, c_int, c_int64_t, c_ptr
            type(c_ptr), value :: simulation
            real(c_double), intent(inout) :: positions(3, *)
            integer(c_int64_t), value :: capacity
            integer(c_int) :: status
        end function

        function sages_simulation_get_velocities(simulation, velocities, capacity) &
            bind(C, name="sages_simulation_get_velocities") result(status)
            import :: c_double, c_int, c_int64_t, c_ptr
            type(c_ptr), value :: simulation
            real(c_double), intent(inout) :: velocities(3, *)
            integer(c_int64_t), value :: capacity
            integer(c_int) :: status
        end function

        function sages_simulation_get_images(simulation, images, capacity) &
            bind(C, name="sages_simulation_get_images") result(status)
            import :: c_int, c_int64_t, c_ptr
            type(c_ptr), value :: simulation
            integer(c_int), intent(inout) :: images(3, *)
            integer(c_int64_t), value :: capacity
            integer(c_int) :: status
        end function

        function sages_simulation_set_positions(simulation, count, ids, positions) &
            bind(C, name="sages_simulation_set_positions") result(status)
            import :: c_double, c_int, c_int64_t, c_ptr
            type(c_ptr), value :: simulation
            integer(c_int64_t), value :: count
            integer(c_int64_t), intent(in), optional :: ids(*)
            real(c_double), intent(in) :: positions(3, *)
            integer(c_int) :: status
        end function

        function sages_simulation_set_velocities(simulation, count, ids, velocities) &
            bind(C, name="sages_simulation_set_velocities") result(status)
            import :: c_double, c_int, c_int64_t, c_ptr
            type(c_ptr), value :: simulation
            integer(c_int64_t), value :: count
            integer(c_int64_t), intent(in), optional :: ids(*)
            real(c_double), intent(in) :: velocities(3, *)
            integer(c_int) :: status
        end function

        ! Output

        function sages_output_create(simulation, path, output) bind(C, name="sages_output_create") result(status)
            import :: c_char, c_int, c_ptr
            type(c_ptr), value :: simulation
            character(kind=c_char), intent(in) :: path(*)
            type(c_ptr), intent(out) :: output
            integer(c_int) :: status
        end function

        function sages_output_append(simulation, path, output) bind(C, name="sages_output_append") result(status)
            import :: c_char, c_int, c_ptr
            type(c_ptr), value :: simulation
            character(kind=c_char), intent(in) :: path(*)
            type(c_ptr), intent(out) :: output
            integer(c_int) :: status
        end function

        function sages_output_write(output, simulation) bind(C, name="sages_output_write") result(status)
            import :: c_int, c_ptr
            type(c_ptr), value :: output, simulation
            integer(c_int) :: status
        end function

        function sages_output_close(output) bind(C, name="sages_output_close") result(status)
            import :: c_int, c_ptr
            type(c_ptr), value :: output
            integer(c_int) :: status
        end function

        pure function length(text) bind(C, name="strlen")
            import :: c_int64_t, c_ptr
            type(c_ptr), value, intent(in) :: text
            integer(c_int64_t) :: length
        end function
    end interface

contains

    ! A text that SAGES gave as a pointer.
    function sages_text(pointer) result(text)
        type(c_ptr), intent(in) :: pointer
        character(len=:), allocatable :: text
        character(kind=c_char), pointer :: characters(:)
        integer :: index
        call c_f_pointer(pointer, characters, [length(pointer)])
        allocate (character(len=size(characters)) :: text)
        do index = 1, size(characters)
            text(index:index) = characters(index)
        end do
    end function

    ! Version and commit of the library.
    function sages_version() result(text)
        character(len=:), allocatable :: text
        text = sages_text(sages_version_pointer())
    end function

    ! What the last failed call says.
    function sages_last_error() result(text)
        character(len=:), allocatable :: text
        text = sages_text(sages_last_error_pointer())
    end function

end module sages
