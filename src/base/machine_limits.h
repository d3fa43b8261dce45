/* The pieces of machine.h, with the file system's root as an argument, so that they can be tested. */
#ifndef TRIAD_BASE_MACHINE_LIMITS_H
#define TRIAD_BASE_MACHINE_LIMITS_H

#include "triad/base.h"

/* CPUs that the cgroup's quota allows, rounded up; 0: no limit. Reads ROOT/proc/self/cgroup and ROOT/sys/fs/cgroup. */
int machine_cgroup_cpus(const char *root);
/* Bytes that the cgroup may use; 0: no limit. */
size_t machine_cgroup_memory(const char *root);
/* The smallest of what is known: affinity >= 1, cgroup (0: none) and the text of SLURM_CPUS_PER_TASK (may be NULL). */
int machine_smallest(int affinity, int cgroup, const char *slurm);

#endif
