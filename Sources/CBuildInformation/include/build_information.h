#pragma once

// What is fixed when the program is compiled. Only build_information.c sees the definitions, so that a new commit
// recompiles this one file and links again, and no Swift module.

/// The commit that the program was built from, or "" where the build was not told (SAGES_COMMIT).
const char *sages_build_commit(void);

/// The number of instruction-set extensions that this program may be compiled for and can ask the processor about.
int sages_instruction_set_count(void);
/// The name of one of them, for example "avx512f".
const char *sages_instruction_set_name(int index);
/// Whether the kernels were compiled to use it.
int sages_instruction_set_is_required(int index);
/// Whether the processor (and the operating system) of this machine has it.
int sages_instruction_set_is_present(int index);
