#include "build_information.h"

// Compiled with the kernels' -march (Package.swift): the compiler's own macros say what the kernels may use.
// A C file because Swift has neither those macros nor __builtin_cpu_supports.

#ifndef SAGES_COMMIT
#define SAGES_COMMIT ""
#endif

const char *sages_build_commit(void) { return SAGES_COMMIT; }

#ifdef __SSE4_2__
#define REQUIRES_SSE42 1
#else
#define REQUIRES_SSE42 0
#endif
#ifdef __AVX__
#define REQUIRES_AVX 1
#else
#define REQUIRES_AVX 0
#endif
#ifdef __AVX2__
#define REQUIRES_AVX2 1
#else
#define REQUIRES_AVX2 0
#endif
#ifdef __FMA__
#define REQUIRES_FMA 1
#else
#define REQUIRES_FMA 0
#endif
#ifdef __AVX512F__
#define REQUIRES_AVX512F 1
#else
#define REQUIRES_AVX512F 0
#endif
#ifdef __AVX512BW__
#define REQUIRES_AVX512BW 1
#else
#define REQUIRES_AVX512BW 0
#endif
#ifdef __AVX512DQ__
#define REQUIRES_AVX512DQ 1
#else
#define REQUIRES_AVX512DQ 0
#endif
#ifdef __AVX512VL__
#define REQUIRES_AVX512VL 1
#else
#define REQUIRES_AVX512VL 0
#endif

struct instruction_set {
    const char *name;
    int required;
};

static const struct instruction_set sets[] = {
#if defined(__x86_64__)
    {"sse4.2", REQUIRES_SSE42},
    {"avx", REQUIRES_AVX},
    {"avx2", REQUIRES_AVX2},
    {"fma", REQUIRES_FMA},
    {"avx512f", REQUIRES_AVX512F},
    {"avx512bw", REQUIRES_AVX512BW},
    {"avx512dq", REQUIRES_AVX512DQ},
    {"avx512vl", REQUIRES_AVX512VL},
#else
    {"baseline", 1},
#endif
};

int sages_instruction_set_count(void) { return (int)(sizeof sets / sizeof sets[0]); }
const char *sages_instruction_set_name(int index) { return sets[index].name; }
int sages_instruction_set_is_required(int index) { return sets[index].required; }

int sages_instruction_set_is_present(int index) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    // The builtin takes a literal only.
    switch (index) {
    case 0: return __builtin_cpu_supports("sse4.2") != 0;
    case 1: return __builtin_cpu_supports("avx") != 0;
    case 2: return __builtin_cpu_supports("avx2") != 0;
    case 3: return __builtin_cpu_supports("fma") != 0;
    case 4: return __builtin_cpu_supports("avx512f") != 0;
    case 5: return __builtin_cpu_supports("avx512bw") != 0;
    case 6: return __builtin_cpu_supports("avx512dq") != 0;
    case 7: return __builtin_cpu_supports("avx512vl") != 0;
    default: return 0;
    }
#else
    return index == 0;
#endif
}
