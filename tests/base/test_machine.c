#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/machine.h"
#include "base/machine_limits.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

static char root[] = "/tmp/triad-machine-XXXXXX";

static void clear(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'/*", root);
    assert_int_equal(system(command), 0);
}

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) == NULL;
}

static int remove_root(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

/* Writes ROOT/path, folders and all. */
static void put(const char *path, const char *text)
{
    char name[512];
    snprintf(name, sizeof name, "%s/%s", root, path);
    *strrchr(name, '/') = 0;
    assert_int_equal(triad_make_folder(name, NULL), TRIAD_OK);
    snprintf(name, sizeof name, "%s/%s", root, path);
    assert_int_equal(triad_write_whole(name, text, strlen(text), NULL), TRIAD_OK);
}

static void version_2(void **state)
{
    (void)state;
    clear();
    assert_int_equal(machine_cgroup_cpus(root), 0); /* no cgroups at all */
    assert_int_equal(machine_cgroup_memory(root), 0);
    put("proc/self/cgroup", "0::/slice/job/step\n");
    assert_int_equal(machine_cgroup_cpus(root), 0);
    put("sys/fs/cgroup/slice/job/step/cpu.max", "max 100000\n");
    put("sys/fs/cgroup/slice/job/step/memory.max", "max\n");
    assert_int_equal(machine_cgroup_cpus(root), 0);
    assert_int_equal(machine_cgroup_memory(root), 0);
    put("sys/fs/cgroup/slice/job/cpu.max", "250000 100000\n"); /* a level above, rounded up */
    put("sys/fs/cgroup/slice/memory.max", "4294967296\n");
    assert_int_equal(machine_cgroup_cpus(root), 3);
    assert_int_equal(machine_cgroup_memory(root), 4294967296);
    put("sys/fs/cgroup/slice/job/step/cpu.max", "50000 100000\n");
    put("sys/fs/cgroup/slice/job/step/memory.max", "1000000\n");
    assert_int_equal(machine_cgroup_cpus(root), 1);
    assert_int_equal(machine_cgroup_memory(root), 1000000);
    put("sys/fs/cgroup/slice/job/step/cpu.max", "400000 100000\n");
    put("sys/fs/cgroup/cpu.max", "200000 100000\n"); /* the mount's own root, as a container sees it */
    assert_int_equal(machine_cgroup_cpus(root), 2);
    put("sys/fs/cgroup/cpu.max", "nonsense\n");
    assert_int_equal(machine_cgroup_cpus(root), 3);
    put("sys/fs/cgroup/cpu.max", "0 0\n");
    assert_int_equal(machine_cgroup_cpus(root), 3);
}

static void foreign_path(void **state)
{
    (void)state;
    clear();
    put("proc/self/cgroup", "0::/../../docker/0123\n"); /* the host's path, which is not there */
    put("sys/fs/cgroup/cpu.max", "150000 100000\n");
    assert_int_equal(machine_cgroup_cpus(root), 2);
    put("proc/self/cgroup", "garbage\n\n0\n0::/\n");
    assert_int_equal(machine_cgroup_cpus(root), 2);
}

static void version_1(void **state)
{
    (void)state;
    clear();
    put("proc/self/cgroup", "12:memory:/job\n7:cpuset:/job\n4:cpu,cpuacct:/job/task\n1:name=systemd:/x\n0::/x\n");
    put("sys/fs/cgroup/cpu,cpuacct/job/task/cpu.cfs_quota_us", "-1\n");
    put("sys/fs/cgroup/cpu,cpuacct/job/task/cpu.cfs_period_us", "100000\n");
    put("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
    assert_int_equal(machine_cgroup_cpus(root), 0);
    assert_int_equal(machine_cgroup_memory(root), 0);
    put("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "600000\n");
    put("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "2000000\n");
    assert_int_equal(machine_cgroup_cpus(root), 6);
    assert_int_equal(machine_cgroup_memory(root), 2000000);
    /* Both versions at once. */
    put("sys/fs/cgroup/unified/x/cpu.max", "500000 100000\n");
    assert_int_equal(machine_cgroup_cpus(root), 5);
}

static void smallest(void **state)
{
    (void)state;
    assert_int_equal(machine_smallest(8, 0, NULL), 8);
    assert_int_equal(machine_smallest(8, 3, NULL), 3);
    assert_int_equal(machine_smallest(2, 3, NULL), 2);
    assert_int_equal(machine_smallest(8, 3, "2"), 2);
    assert_int_equal(machine_smallest(8, 3, "16"), 3);
    assert_int_equal(machine_smallest(0, 0, NULL), 1);
    static const char *const nonsense[] = {"", "0", "-4", "x", "4x", " 4", "99999999999999999999"};
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++)
        assert_int_equal(machine_smallest(8, 0, nonsense[i]), 8);
}

static void this_machine(void **state)
{
    (void)state;
    unsetenv("SLURM_CPUS_PER_TASK");
    const int threads = triad_machine_threads();
    assert_true(threads >= 1);
    setenv("SLURM_CPUS_PER_TASK", "1", 1);
    assert_int_equal(triad_machine_threads(), 1);
    unsetenv("SLURM_CPUS_PER_TASK");
    cpu_set_t before, one;
    if (sched_getaffinity(0, sizeof before, &before) == 0) {
        CPU_ZERO(&one);
        for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
            if (CPU_ISSET(i, &before)) CPU_SET(i, &one);
        assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
        assert_int_equal(triad_machine_threads(), 1);
        assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    }
    assert_true(triad_machine_memory() > (size_t)64 << 20);
    assert_true(strlen(triad_machine_cpu()) > 0);
    assert_ptr_equal(triad_machine_cpu(), triad_machine_cpu());
    triad_error err;
    assert_int_equal(triad_machine_check(&err), TRIAD_OK); /* or this program would not run */
    if (triad_machine_has_avx512()) assert_true(triad_machine_has_avx2());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_2), cmocka_unit_test(foreign_path), cmocka_unit_test(version_1),
        cmocka_unit_test(smallest),  cmocka_unit_test(this_machine),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
