/* Limits of control groups, in trees of files as the system shows them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/processors.h"
#include "base/team.h"

static char root[64];

static void make_root(void) {
    strcpy(root, "/tmp/fettle-groups-XXXXXX");
    cr_assert_not_null(mkdtemp(root));
}

static void remove_root(void) {
    char line[128];
    snprintf(line, sizeof line, "rm -r %s", root);
    cr_expect_eq(system(line), 0);
}

static void put(const char *path, const char *text) {
    char name[512], *slash;
    snprintf(name, sizeof name, "%s%s", root, path);
    slash = strrchr(name, '/');
    *slash = 0;
    cr_assert_eq(file_make_directories(name, NULL), 0);
    *slash = '/';
    FILE *file = fopen(name, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

#define MOUNTS                                                                                                         \
    "22 28 0:20 / /proc rw - proc proc rw\n"                                                                           \
    "31 28 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"

TestSuite(processors, .init = make_root, .fini = remove_root);

Test(processors, no_groups) {
    cr_expect_eq(processors_quota(root), 0);
    put("/proc/self/cgroup", "");
    put("/proc/self/mountinfo", "nonsense\n - \n1 2 3\n");
    cr_expect_eq(processors_quota(root), 0);
    put("/proc/self/cgroup", "0::/a\n");
    put("/proc/self/mountinfo", MOUNTS);
    cr_expect_eq(processors_quota(root), 0, "the files are missing");
}

Test(processors, the_least_of_all_above) {
    put("/proc/self/cgroup", "0::/system.slice/job\n");
    put("/proc/self/mountinfo", MOUNTS);
    put("/sys/fs/cgroup/system.slice/job/cpu.max", "max 100000\n");
    cr_expect_eq(processors_quota(root), 0);
    put("/sys/fs/cgroup/system.slice/cpu.max", "150000 100000\n");
    cr_expect_eq(processors_quota(root), 1.5);
    put("/sys/fs/cgroup/system.slice/job/cpu.max", "400000 100000\n");
    cr_expect_eq(processors_quota(root), 1.5);
    put("/sys/fs/cgroup/cpu.max", "50000 100000\n");
    cr_expect_eq(processors_quota(root), 0.5);
    put("/sys/fs/cgroup/cpu.max", "no number\n");
    put("/sys/fs/cgroup/system.slice/cpu.max", "100 0\n");
    cr_expect_eq(processors_quota(root), 4);
}

Test(processors, a_container_mounts_its_own_group) {
    put("/proc/self/cgroup", "0::/docker/0123/inner\n");
    put("/proc/self/mountinfo", "31 28 0:26 /docker/0123 /sys/fs/cgroup rw - cgroup2 cgroup rw\n");
    put("/sys/fs/cgroup/inner/cpu.max", "300000 100000\n");
    cr_expect_eq(processors_quota(root), 3);
    put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    cr_expect_eq(processors_quota(root), 2);
    put("/proc/self/cgroup", "0::/../../elsewhere\n");
    cr_expect_eq(processors_quota(root), 2, "seen from another place: what is mounted");
}

Test(processors, version_1) {
    put("/proc/self/cgroup", "9:cpuset:/a\n4:cpuacct,cpu:/a/b\n0::/\n");
    put("/proc/self/mountinfo", "40 28 0:33 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
                                "41 28 0:34 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n");
    put("/sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000\n");
    cr_expect_eq(processors_quota(root), 0);
    put("/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "250000\n");
    put("/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
    cr_expect_eq(processors_quota(root), 2.5);
}

Test(processors, usable) {
    cr_expect_geq(processors_usable(), 1);
    unsetenv("FETTLE_NUM_THREADS");
    unsetenv("OMP_NUM_THREADS");
    cr_expect_eq(team_default_size(), processors_usable());
    setenv("FETTLE_NUM_THREADS", "77", 1);
    cr_expect_eq(team_default_size(), 77);
}
