#include "base/machine.h"

#include "base/machine_limits.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- cgroups. Every level from the process's own up to the root may set a limit: the smallest counts.
 * Inside a container the path in /proc/self/cgroup may be the host's and not exist: its levels are passed over. */

/* The first line of a small file; false when it can't be read. */
static bool read_line(char *line, size_t size, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) return false;
    const bool ok = fgets(line, (int)size, file) != NULL;
    fclose(file);
    return ok;
}

/* Is `name` one of the comma-separated controllers? */
static bool has_controller(const char *list, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = list; *at != 0;) {
        const size_t n = strcspn(at, ",");
        if (n == length && strncmp(at, name, n) == 0) return true;
        at += n + (at[n] == ',');
    }
    return false;
}

/* The path of this process's group: of version 2 for controller NULL, else of that version 1 controller. */
static bool group_path(char *path, size_t size, const char *root, const char *controller)
{
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s/proc/self/cgroup", root);
    FILE *file = fopen(name, "re");
    if (file == NULL) return false;
    bool found = false;
    char line[PATH_MAX];
    while (!found && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = 0;
        char *controllers = strchr(line, ':');
        char *group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        if (group == NULL) continue;
        *controllers++ = 0;
        *group++ = 0;
        found =
            controller == NULL ? strcmp(line, "0") == 0 && *controllers == 0 : has_controller(controllers, controller);
        if (found) snprintf(path, size, "%s", group);
    }
    fclose(file);
    return found;
}

/* What one level of the hierarchy says: a number, or 0 for no limit. folder ends without a slash. */
typedef double (*level_limit)(const char *folder);

static double walk(const char *mount, const char *group, level_limit limit)
{
    double least = 0;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", group);
    for (;;) {
        size_t length = strlen(path);
        while (length > 0 && path[length - 1] == '/') path[--length] = 0;
        char folder[2 * PATH_MAX];
        snprintf(folder, sizeof folder, "%s%s", mount, path);
        const double value = limit(folder);
        if (value > 0 && (least == 0 || value < least)) least = value;
        char *slash = strrchr(path, '/');
        if (slash == NULL) return least;
        *slash = 0;
    }
}

static double cpu_max(const char *folder) /* version 2: "QUOTA PERIOD" or "max PERIOD" */
{
    char name[3 * PATH_MAX], line[128];
    double quota, period;
    snprintf(name, sizeof name, "%s/cpu.max", folder);
    if (!read_line(line, sizeof line, name) || sscanf(line, "%lf %lf", &quota, &period) != 2) return 0;
    return quota > 0 && period > 0 ? quota / period : 0;
}

static double cfs_quota(const char *folder) /* version 1: a quota of -1 is none */
{
    char name[3 * PATH_MAX], quota[128], period[128];
    snprintf(name, sizeof name, "%s/cpu.cfs_quota_us", folder);
    if (!read_line(quota, sizeof quota, name)) return 0;
    snprintf(name, sizeof name, "%s/cpu.cfs_period_us", folder);
    if (!read_line(period, sizeof period, name)) return 0;
    const double q = atof(quota), p = atof(period);
    return q > 0 && p > 0 ? q / p : 0;
}

static double bytes_in(const char *folder, const char *file)
{
    char name[3 * PATH_MAX], line[128];
    snprintf(name, sizeof name, "%s/%s", folder, file);
    if (!read_line(line, sizeof line, name) || !isdigit((unsigned char)line[0])) return 0;
    const double bytes = atof(line);
    return bytes < 0x1p62 ? bytes : 0; /* version 1 writes "no limit" as a number near 2^63 */
}

static double memory_max(const char *folder)
{
    return bytes_in(folder, "memory.max");
}

static double memory_limit(const char *folder)
{
    return bytes_in(folder, "memory.limit_in_bytes");
}

/* The limit under version 2 (also where it is mounted beside version 1), and under a controller of version 1. */
static double group_limit(const char *root, level_limit v2, const char *controller, const char *const *mounts,
                          size_t count, level_limit v1)
{
    char group[PATH_MAX], mount[PATH_MAX];
    double least = 0;
    if (group_path(group, sizeof group, root, NULL)) {
        static const char *const unified[] = {"", "/unified"};
        for (size_t i = 0; i < 2; i++) {
            snprintf(mount, sizeof mount, "%s/sys/fs/cgroup%s", root, unified[i]);
            const double value = walk(mount, group, v2);
            if (value > 0 && (least == 0 || value < least)) least = value;
        }
    }
    if (group_path(group, sizeof group, root, controller)) {
        for (size_t i = 0; i < count; i++) {
            snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/%s", root, mounts[i]);
            const double value = walk(mount, group, v1);
            if (value > 0 && (least == 0 || value < least)) least = value;
        }
    }
    return least;
}

int machine_cgroup_cpus(const char *root)
{
    static const char *const mounts[] = {"cpu", "cpu,cpuacct"};
    const double cpus = group_limit(root, cpu_max, "cpu", mounts, 2, cfs_quota);
    if (cpus <= 0 || cpus > 1e6) return 0;
    const int whole = (int)cpus;
    return whole < cpus ? whole + 1 : whole;
}

size_t machine_cgroup_memory(const char *root)
{
    static const char *const mounts[] = {"memory"};
    return (size_t)group_limit(root, memory_max, "memory", mounts, 1, memory_limit);
}

int machine_smallest(int affinity, int cgroup, const char *slurm)
{
    int threads = affinity < 1 ? 1 : affinity;
    if (cgroup > 0 && cgroup < threads) threads = cgroup;
    if (slurm != NULL && isdigit((unsigned char)*slurm)) {
        char *end;
        const long value = strtol(slurm, &end, 10);
        if (*end == 0 && value > 0 && value < threads) threads = (int)value;
    }
    return threads;
}

/* ---- this machine */

static int affinity(void)
{
    /* The kernel refuses a mask that is smaller than its own. */
    for (int cpus = 1024; cpus <= 1 << 20; cpus *= 4) {
        cpu_set_t *set = CPU_ALLOC((size_t)cpus);
        if (set == NULL) break;
        const size_t size = CPU_ALLOC_SIZE((size_t)cpus);
        const bool ok = sched_getaffinity(0, size, set) == 0;
        const bool too_small = !ok && errno == EINVAL;
        const int count = ok ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (ok) return count;
        if (!too_small) break;
    }
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : (int)online;
}

int triad_machine_threads(void)
{
    return machine_smallest(affinity(), machine_cgroup_cpus(""), getenv("SLURM_CPUS_PER_TASK"));
}

size_t triad_machine_memory(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    const size_t physical = pages > 0 && page > 0 ? (size_t)pages * (size_t)page : 0;
    const size_t limit = machine_cgroup_memory("");
    return limit > 0 && (physical == 0 || limit < physical) ? limit : physical;
}

/* Written once, then only read. */
static char cpu_model[128] = "unknown";
static pthread_once_t cpu_model_once = PTHREAD_ONCE_INIT;

static void read_cpu_model(void)
{
    FILE *file = fopen("/proc/cpuinfo", "re");
    if (file == NULL) return;
    char line[256];
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "model name", 10) != 0) continue;
        const char *name = strchr(line, ':');
        if (name == NULL) continue;
        name++;
        name += strspn(name, " \t");
        snprintf(cpu_model, sizeof cpu_model, "%.*s", (int)strcspn(name, "\n"), name);
        break;
    }
    fclose(file);
}

const char *triad_machine_cpu(void)
{
    pthread_once(&cpu_model_once, read_cpu_model);
    return cpu_model;
}
