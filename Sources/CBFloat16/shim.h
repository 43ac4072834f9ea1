// The processor's products of bfloat16 pairs, which Swift's vectors cannot express.
#ifndef SAGES_BFLOAT16_H
#define SAGES_BFLOAT16_H

typedef float sages_float32x16 __attribute__((ext_vector_type(16)));
typedef short sages_int16x16 __attribute__((ext_vector_type(16)));
typedef int sages_int32x16 __attribute__((ext_vector_type(16)));

#if defined(__AVX512BF16__) && defined(__AVX512F__)
#define SAGES_COMPILED_FOR_BFLOAT16 1

typedef __bf16 sages_bfloat16x32 __attribute__((vector_size(64)));
typedef __bf16 sages_bfloat16x16 __attribute__((vector_size(32)));

/// sum + the products of the odd halves, then + the products of the even halves, each rounded to nearest.
static inline __attribute__((always_inline)) sages_float32x16 sages_add_bfloat16_products(
    sages_float32x16 sum, sages_int32x16 a, sages_int32x16 b) {
    return __builtin_ia32_dpbf16ps_512(sum, (sages_bfloat16x32)a, (sages_bfloat16x32)b);
}

/// The nearest bfloat16 of each number, ties to even.
static inline __attribute__((always_inline)) sages_int16x16 sages_round_to_bfloat16(sages_float32x16 x) {
    return (sages_int16x16)__builtin_ia32_cvtneps2bf16_512_mask(x, (sages_bfloat16x16){0}, (unsigned short)-1);
}

#else
#define SAGES_COMPILED_FOR_BFLOAT16 0

// The Swift code asks before it calls these.
static inline __attribute__((always_inline)) sages_float32x16 sages_add_bfloat16_products(
    sages_float32x16 sum, sages_int32x16 a, sages_int32x16 b) {
    __builtin_trap();
}
static inline __attribute__((always_inline)) sages_int16x16 sages_round_to_bfloat16(sages_float32x16 x) {
    __builtin_trap();
}
#endif

#endif
