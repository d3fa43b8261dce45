/* What this process may use of the machine. */
#ifndef TRIAD_BASE_MACHINE_H
#define TRIAD_BASE_MACHINE_H

#include "triad/base.h"

/* The default of --threads: the smallest of the affinity mask, the cgroup's CPU quota (v1 and v2, rounded up)
 * and SLURM_CPUS_PER_TASK; at least 1. */
int triad_machine_threads(void);
size_t triad_machine_memory(void);   /* bytes: physical memory or the cgroup's limit, the smaller */
const char *triad_machine_cpu(void); /* model name of the processor; static storage */
bool triad_machine_has_avx2(void);   /* AVX2, FMA, F16C, BMI2: x86-64-v3 */
bool triad_machine_has_avx512(void); /* AVX-512 F, BW, DQ, VL, with OS support */

/* Refuses in one line a processor that this build can't run on. Called first by every program. */
TRIAD_NODISCARD triad_status triad_machine_check(triad_error *err);

#endif
