// What the compiler was told of the processor (-march): the kernels choose their register tiles by it, and programs
// check the processor they run on against it. Swift has no condition for this; the preprocessor does.
#ifndef SAGES_INSTRUCTION_SET_H
#define SAGES_INSTRUCTION_SET_H

#if defined(__AVX512F__)
#define SAGES_VECTOR_BYTES 64
#define SAGES_INSTRUCTION_SET "AVX-512"
#elif defined(__AVX2__) && defined(__FMA__)
#define SAGES_VECTOR_BYTES 32
#define SAGES_INSTRUCTION_SET "AVX2 and FMA"
#else
#define SAGES_VECTOR_BYTES 16
#define SAGES_INSTRUCTION_SET "the baseline of the architecture"
#endif

/// 1 where this processor (and its operating system) can run what `SAGES_INSTRUCTION_SET` names.
static inline int sages_processor_supports_instruction_set(void) {
#if defined(__AVX512F__)
    return __builtin_cpu_supports("avx512f") != 0;
#elif defined(__AVX2__) && defined(__FMA__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return 1;
#endif
}

/// Tells the processor that the thread waits in a loop.
static inline void sages_spin_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
