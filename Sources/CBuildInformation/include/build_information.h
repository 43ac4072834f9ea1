#pragma once

// What is fixed when the program is compiled. Only build_information.c sees the definitions, so that a new commit
// recompiles this one file and links again, and no Swift module.

/// The commit that the program was built from, or "" where the build was not told (SAGES_COMMIT).
const char *sages_build_commit(void);

/// The instruction set that the build was asked for (SAGES_ARCH), as for -march: "native" for that of the building
/// machine.
const char *sages_build_architecture(void);
