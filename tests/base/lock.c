/* One process at a time, and a crash leaves no lock behind. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lock.h"

static char folder[64], path[128];

static void enter(void) {
    strcpy(folder, "/tmp/fettle-lock-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/run.lock", folder);
}

static void leave(void) {
    unlink(path);
    cr_expect_eq(rmdir(folder), 0, "something is left");
}

static struct lock *take(enum lock_way way) {
    struct lock *lock = NULL;
    struct error error = {0};
    cr_assert_eq(lock_take(&lock, path, way, "out", NULL, &error), 0, "%s", error.message);
    return lock;
}

static void refused(enum lock_way way, const char *word, int want_own) {
    struct lock *lock = NULL;
    struct error error = {0};
    int own = -1;
    cr_expect_eq(lock_take(&lock, path, way, "out", &own, &error), ERROR_STATE);
    cr_expect_null(lock);
    cr_expect_eq(own, want_own);
    cr_expect(strstr(error.message, word), "'%s' lacks '%s'", error.message, word);
}

static int ways[] = {LOCK_BY_KERNEL, LOCK_BY_FILE};

ParameterizedTestParameters(lock, has_one_holder) {
    return cr_make_param_array(int, ways, 2);
}

ParameterizedTest(int *way, lock, has_one_holder, .init = enter, .fini = leave) {
    char pid[32], host[256] = "";
    struct lock *lock = take(*way);
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    gethostname(host, sizeof host - 1);
    refused(*way, pid, 1);
    refused(*way, host, 1);
    lock_release(lock);
    cr_expect_not(file_exists(path), "the file stays");
    lock_release(take(*way));
}

/* The child says that it has the lock, and is killed. */
static pid_t holder(enum lock_way way, int end[2]) {
    cr_assert_eq(pipe(end), 0);
    pid_t child = fork();
    if (child == 0) {
        struct lock *lock;
        char said = lock_take(&lock, path, way, "out", NULL, NULL) == 0;
        if (write(end[1], &said, 1) == 1)
            pause();
        _exit(1);
    }
    char said = 0;
    cr_assert_eq(read(end[0], &said, 1), 1);
    cr_assert_eq(said, 1);
    return child;
}

ParameterizedTestParameters(lock, goes_with_a_kill) {
    return cr_make_param_array(int, ways, 2);
}

ParameterizedTest(int *way, lock, goes_with_a_kill, .init = enter, .fini = leave) {
    int end[2];
    char pid[32];
    pid_t child = holder(*way, end);
    snprintf(pid, sizeof pid, "%ld", (long)child);
    refused(*way, pid, 0);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    cr_expect(file_exists(path));
    lock_release(take(*way));
    close(end[0]);
    close(end[1]);
}

static void says(const char *text) {
    FILE *stream = fopen(path, "w");
    cr_assert_not_null(stream);
    fputs(text, stream);
    fclose(stream);
}

/* Where the file itself is the lock: of another host nobody knows; what is a copy is none. */
Test(lock, of_another_host, .init = enter, .fini = leave) {
    char text[400], *data, copy[140];
    size_t size;
    struct error error = {0};
    struct lock *lock = take(LOCK_BY_FILE);
    unsigned long long inode;
    cr_assert_eq(file_read(path, &data, &size, &error), 0);
    cr_assert_eq(sscanf(data, "%*s %*d %*u %llu", &inode), 1);
    snprintf(text, sizeof text, "elsewhere 17 0 %llu\n", inode);
    says(text);
    refused(LOCK_BY_FILE, "host elsewhere", 0);
    refused(LOCK_BY_FILE, path, 0);
    says(data);
    refused(LOCK_BY_FILE, "this host", 1);
    /* copied with its folder */
    snprintf(copy, sizeof copy, "%s.copy", path);
    cr_assert_eq(rename(path, copy), 0);
    says(data);
    lock_release(take(LOCK_BY_FILE));
    cr_assert_eq(rename(copy, path), 0);
    lock_release(lock);
    free(data);
    /* by the kernel, what a file says of the dead does not matter */
    says("elsewhere 17 0 1\n");
    lock_release(take(LOCK_BY_KERNEL));
}

Test(lock, in_a_folder_that_is_not_there, .init = enter, .fini = leave) {
    struct lock *lock;
    struct error error = {0};
    cr_expect_eq(lock_take(&lock, "/nowhere/run.lock", LOCK_BY_KERNEL, "out", NULL, &error), ERROR_IO);
    cr_expect(strstr(error.message, "/nowhere/run.lock"), "%s", error.message);
    cr_expect_null(lock);
}
