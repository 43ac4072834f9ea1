// Trajectory
