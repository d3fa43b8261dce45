/* What the processor can do. The build may use instructions that it does not have, so this file is compiled for the
 * oldest x86-64 and calls nothing of the rest. */
#if defined(__AVX512F__)
#define BUILD_NEEDS 4
#elif defined(__AVX2__)
#define BUILD_NEEDS 3
#else
#define BUILD_NEEDS 1
#endif
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("arch=x86-64")
#endif

#include "base/machine.h"

#include <cpuid.h>
#include <stdio.h>

bool triad_machine_has_avx2(void)
{
    /* __builtin_cpu_supports knows whether the system saves the wide registers; the rest are plain bits. */
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi") ||
        !__builtin_cpu_supports("bmi2"))
        return false;
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_F16C) || !(c & bit_MOVBE)) return false;
    return __get_cpuid(0x80000001U, &a, &b, &c, &d) && (c & bit_LZCNT);
}

bool triad_machine_has_avx512(void)
{
    return triad_machine_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512cd");
}

triad_status triad_machine_check(triad_error *err)
{
    if (BUILD_NEEDS < 3 || (BUILD_NEEDS == 3 && triad_machine_has_avx2()) || triad_machine_has_avx512())
        return TRIAD_OK;
    if (err != NULL) {
        err->code = TRIAD_ERR_UNSUPPORTED;
        err->position = -1;
        snprintf(err->text, sizeof err->text,
                 "processor: this build needs %s, which this machine does not have (run it on another one: most since "
                 "2015 have it)",
                 BUILD_NEEDS == 3 ? "AVX2, FMA, F16C and BMI2 (x86-64-v3)" : "AVX-512 (x86-64-v4)");
    }
    return TRIAD_ERR_UNSUPPORTED;
}
