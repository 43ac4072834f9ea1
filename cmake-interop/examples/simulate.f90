! Steps a simulation from Fortran, on a communicator of its own.
!
!   mpirun -n 2 simulate-fortran MODEL.h5 START.h5 STEPS EVERY OUT.h5

program simulate
    use, intrinsic :: iso_c_binding
    use mpi
    use sages
    implicit none

    character(len=4096) :: arguments(5)
    integer :: index, communicator, rank, fault
    integer(c_int64_t) :: steps, every, done, local
    real(c_double) :: temperature, time
    type(c_ptr) :: model, simulation, output
    real(c_double), allocatable :: velocities(:, :)

    call MPI_Init(fault)
    call MPI_Comm_dup(MPI_COMM_WORLD, communicator, fault)
    call MPI_Comm_rank(communicator, rank, fault)
    if (command_argument_count() /= 5) then
        if (rank == 0) print '(a)', 'usage: simulate-fortran MODEL.h5 START.h5 STEPS EVERY OUT.h5'
        call MPI_Abort(MPI_COMM_WORLD, 64, fault)
    end if
    do index = 1, 5
        call get_command_argument(index, arguments(index))
    end do
    read (arguments(3), *) steps
    read (arguments(4), *) every

    call check(sages_model_load(trim(arguments(1)) // c_null_char, communicator, model))
    call check(sages_simulation_open(model, trim(arguments(2)) // c_null_char, 0_c_int64_t, c_null_ptr, communicator, &
        simulation))
    call check(sages_output_create(simulation, trim(arguments(5)) // c_null_char, output))
    call check(sages_output_write(output, simulation))
    do done = every, steps, every
        call check(sages_simulation_step(simulation, every))
        call check(sages_output_write(output, simulation))
    end do
    call check(sages_output_close(output))

    call check(sages_simulation_temperature(simulation, temperature))
    call check(sages_simulation_time(simulation, time))
    if (rank == 0) print '(a, f0.4, a, f0.2, a)', 'time ', time, ' ps, temperature ', temperature, ' K'

    ! Velocities that are read and set back in the same order change nothing.
    call check(sages_simulation_local_count(simulation, local))
    allocate (velocities(3, local))
    call check(sages_simulation_get_velocities(simulation, velocities, local))
    call check(sages_simulation_set_velocities(simulation, local, velocities=velocities))
    call check(sages_simulation_step(simulation, every))

    call check(sages_simulation_free(simulation))
    call check(sages_model_free(model))
    call MPI_Comm_free(communicator, fault)
    call MPI_Finalize(fault)

contains

    subroutine check(status)
        integer(c_int), intent(in) :: status
        if (status == sages_success) return
        print '(a)', 'error: ' // sages_last_error()
        call MPI_Abort(MPI_COMM_WORLD, int(status), fault)
    end subroutine

end program simulate
