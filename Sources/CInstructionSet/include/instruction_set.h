// The instruction sets that the kernels are compiled for (-march), and those that this processor has.
//
// Swift has neither a condition for the first nor a function for the second; the preprocessor and a builtin do.
// Kernels are compiled with -march and choose their register tiles by SAGES_VECTOR_BYTES. Programs compare what
// `sages_required_instruction_sets` names with the processor they run on, in code that is compiled without -march, so
// that the check itself is no illegal instruction.
#ifndef SAGES_INSTRUCTION_SET_H
#define SAGES_INSTRUCTION_SET_H

#if defined(__AVX512F__)
#define SAGES_VECTOR_BYTES 64
#elif defined(__AVX2__) && defined(__FMA__)
#define SAGES_VECTOR_BYTES 32
#else
#define SAGES_VECTOR_BYTES 16
#endif

// What a compiler may use of x86-64 beyond its baseline, with -march=native too: name and number, as the builtin has
// them. instruction_set.c says which ones the kernels need.
#if defined(__x86_64__)
#define SAGES_INSTRUCTION_SETS(SET)                                                                                    \
    SET("sse4.2", 0) SET("popcnt", 1) SET("avx", 2) SET("avx2", 3) SET("fma", 4) SET("bmi", 5) SET("bmi2", 6)          \
    SET("avx512f", 7) SET("avx512bw", 8) SET("avx512cd", 9) SET("avx512dq", 10) SET("avx512vl", 11)                    \
    SET("avx512vbmi", 12) SET("avx512vbmi2", 13) SET("avx512vnni", 14) SET("avx512bitalg", 15)                         \
    SET("avx512vpopcntdq", 16) SET("avx512ifma", 17) SET("avx512bf16", 18) SET("gfni", 19) SET("vpclmulqdq", 20)
#else
#define SAGES_INSTRUCTION_SETS(SET)
#endif

/// A bit for each instruction set that the kernels were compiled to use.
extern const unsigned int sages_required_instruction_sets;

/// The number of instruction sets that are told apart: none where the kernels need only what every processor has.
static inline int sages_instruction_set_count(void) {
#define SAGES_COUNT(name, number) +1
    return 0 SAGES_INSTRUCTION_SETS(SAGES_COUNT);
#undef SAGES_COUNT
}

/// The name of one of them as compilers spell it, for example "avx512f".
static inline const char *sages_instruction_set_name(int index) {
    switch (index) {
#define SAGES_NAME(name, number) case number: return name;
        SAGES_INSTRUCTION_SETS(SAGES_NAME)
#undef SAGES_NAME
    default: return "";
    }
}

/// 1 where this processor, and its operating system, has it.
static inline int sages_instruction_set_is_present(int index) {
#if defined(__x86_64__)
    __builtin_cpu_init();
#endif
    // The builtin takes a literal only.
    switch (index) {
#define SAGES_PRESENT(name, number) case number: return __builtin_cpu_supports(name) != 0;
        SAGES_INSTRUCTION_SETS(SAGES_PRESENT)
#undef SAGES_PRESENT
    default: return 0;
    }
}

/// Calls for the cache line at an address that is read soon.
static inline __attribute__((always_inline)) void sages_prefetch(const void *address) { __builtin_prefetch(address); }

/// Tells the processor that the thread waits in a loop.
static inline void sages_spin_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
