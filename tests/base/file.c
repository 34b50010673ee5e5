#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

static char folder[64];

static void make_folder(void) {
    strcpy(folder, "/tmp/fettle-file-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

static void remove_folder(void) {
    DIR *entries = opendir(".");
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        unlink(entry->d_name);
    if (entries)
        closedir(entries);
    cr_expect_eq(chdir("/"), 0);
    rmdir(folder);
}

static int entries_here(void) {
    int count = 0;
    DIR *entries = opendir(".");
    for (struct dirent *entry; (entry = readdir(entries));)
        count += entry->d_name[0] != '.';
    closedir(entries);
    return count;
}

static int write_text(const char *path, const char *text, struct error *error) {
    struct file_writer *writer;
    int code = file_writer_open(&writer, path, error);
    if (code)
        return code;
    fputs(text, file_writer_stream(writer));
    return file_writer_commit(writer, error);
}

static void expect_content(const char *path, const char *want) {
    char *data;
    size_t size;
    struct error error = {0};
    cr_assert_eq(file_read(path, &data, &size, &error), 0, "%s", error.message);
    cr_expect_str_eq(data, want);
    cr_expect_eq(size, strlen(want));
    free(data);
}

TestSuite(file, .init = make_folder, .fini = remove_folder);

Test(file, written_whole_or_not_at_all) {
    struct error error = {0};
    struct file_writer *writer;
    cr_assert_eq(write_text("a", "one", &error), 0, "%s", error.message);
    expect_content("a", "one");
    cr_assert_eq(file_writer_open(&writer, "a", &error), 0);
    fputs("half", file_writer_stream(writer));
    fflush(file_writer_stream(writer));
    expect_content("a", "one");
    file_writer_abort(writer);
    file_writer_abort(NULL);
    expect_content("a", "one");
    cr_expect_eq(entries_here(), 1);
    cr_assert_eq(write_text("a", "two", &error), 0);
    expect_content("a", "two");
    cr_expect_eq(entries_here(), 1);
}

Test(file, goes_back_in_a_stream) {
    struct error error = {0};
    struct file_writer *writer;
    cr_assert_eq(file_writer_open(&writer, "a", &error), 0);
    FILE *stream = file_writer_stream(writer);
    for (int k = 0; k < 100000; k++)
        fputc('x', stream);
    cr_expect_eq(ftell(stream), 100000);
    cr_expect_eq(fseek(stream, 0, SEEK_SET), 0);
    fputc('y', stream);
    cr_assert_eq(file_writer_commit(writer, &error), 0);
    char *data;
    size_t size;
    cr_assert_eq(file_read("a", &data, &size, &error), 0);
    cr_expect(size == 100000 && data[0] == 'y' && data[1] == 'x');
    free(data);
}

Test(file, mode_and_link_stay) {
    struct error error = {0};
    struct stat status;
    cr_assert_eq(write_text("a", "one", &error), 0);
    cr_assert_eq(chmod("a", 0640), 0);
    cr_assert_eq(symlink("a", "b"), 0);
    cr_assert_eq(write_text("b", "two", &error), 0);
    cr_expect(!lstat("b", &status) && S_ISLNK(status.st_mode));
    cr_expect(!stat("a", &status) && (status.st_mode & 0777) == 0640);
    expect_content("a", "two");
}

Test(file, full_disk_leaves_the_old_file) {
    struct error error = {0};
    cr_assert_eq(write_text("a", "old", &error), 0);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {100000, 100000};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct file_writer *writer;
    cr_assert_eq(file_writer_open(&writer, "a", &error), 0);
    for (int k = 0; k < 1000000; k++)
        fputc('x', file_writer_stream(writer));
    fclose(fopen("/dev/null", "r")); /* errno is of no use any more */
    cr_expect_eq(file_writer_commit(writer, &error), ERROR_IO);
    cr_expect_str_eq(error.message, "cannot write a: File too large");
    expect_content("a", "old");
    cr_expect_eq(entries_here(), 1);
    error = (struct error){0};
    cr_expect_eq(write_text("/dev/full", "x", &error), ERROR_IO);
    cr_expect_str_eq(error.message, "cannot write /dev/full: No space left on device");
    cr_expect_eq(write_text("/dev/null", "x", NULL), 0);
}

Test(file, places_that_cannot_be_written) {
    struct error error = {0};
    cr_expect_eq(write_text("no/such/folder", "x", &error), ERROR_IO);
    cr_expect_str_eq(error.message, "cannot write no/such/folder: No such file or directory");
    error = (struct error){0};
    cr_expect_eq(write_text("/", "x", &error), ERROR_IO);
    cr_expect(strstr(error.message, "Is a directory"), "%s", error.message);
    if (geteuid() == 0) /* who may write everywhere */
        return;
    error = (struct error){0};
    cr_assert_eq(mkdir("closed", 0500), 0);
    cr_expect_eq(write_text("closed/a", "x", &error), ERROR_IO);
    cr_expect_str_eq(error.message, "cannot write closed/a: Permission denied");
    rmdir("closed");
}

Test(file, reading) {
    char *data;
    size_t size;
    struct error error = {0};
    cr_expect_eq(file_read("none", &data, &size, &error), ERROR_IO);
    cr_expect_str_eq(error.message, "cannot read none: No such file or directory");
    cr_expect_null(data);
    error = (struct error){0};
    cr_expect_eq(file_read(".", &data, &size, &error), ERROR_IO);
    cr_expect_str_eq(error.message, "cannot read .: Is a directory");
    cr_assert_eq(write_text("empty", "", NULL), 0);
    expect_content("empty", "");
    cr_assert_eq(file_read("/proc/self/status", &data, &size, NULL), 0); /* of a size nobody knows before */
    cr_expect(size > 100 && strlen(data) == size);
    free(data);
}

Test(file, what_has_no_end_is_not_read_to_it) {
    char *data;
    size_t size;
    struct error error = {0};
    cr_expect_eq(file_read("/dev/zero", &data, &size, &error), ERROR_IO);
    cr_expect_str_eq(error.message, "cannot read /dev/zero: it is no regular file");
    cr_assert_eq(mkfifo("nobody", 0600), 0);
    error = (struct error){0};
    cr_expect_eq(file_read("nobody", &data, &size, &error), ERROR_IO, "a pipe that nobody writes to is not waited for");
    error = (struct error){0};
    cr_expect_eq(file_read_stream("/dev/zero", 3 << 20, &data, &size, &error), ERROR_IO);
    cr_expect_str_eq(error.message, "cannot read /dev/zero: it is no regular file, and has more than 3 MiB");
    cr_expect_null(data);
    cr_assert_eq(file_read_stream("/dev/null", 1, &data, &size, NULL), 0);
    cr_expect_eq(size, 0);
    free(data);
    cr_assert_eq(write_text("long", "longer than that", NULL), 0);
    cr_assert_eq(file_read_stream("long", 2, &data, &size, NULL), 0, "a regular file has an end");
    cr_expect_eq(size, 16);
    free(data);
}

Test(file, folders) {
    struct error error = {0};
    cr_expect_eq(file_make_directories("x/y/z", &error), 0, "%s", error.message);
    cr_expect(file_exists("x/y/z"));
    cr_expect_eq(file_make_directories("x/y/z/", &error), 0);
    cr_expect_eq(file_make_directories("x//y", &error), 0);
    cr_expect_eq(file_make_directories("", &error), 0);
    cr_expect_eq(file_make_directories("/", &error), 0, "%s", error.message);
    cr_assert_eq(write_text("file", "x", &error), 0);
    cr_expect_eq(file_make_directories("file/x", &error), ERROR_IO);
    cr_expect(strstr(error.message, "cannot make the folder file"), "%s", error.message);
    char lengthy[9000];
    memset(lengthy, 'x', sizeof lengthy - 1);
    lengthy[sizeof lengthy - 1] = 0;
    cr_expect_eq(file_make_directories(lengthy, NULL), ERROR_IO);
    rmdir("x/y/z");
    rmdir("x/y");
    rmdir("x");
}

/* The number of a process that is no more. */
static long nobody(void) {
    pid_t child = fork();
    if (!child)
        _exit(0);
    waitpid(child, NULL, 0);
    return (long)child;
}

Test(file, what_killed_processes_left_is_removed) {
    char host[64] = "", names[5][128];
    const char *const left[] = {NULL, NULL, "of another machine: nobody knows", "of a process that is there",
                                "no name of ours"};
    struct error error = {0};
    long gone = nobody();
    gethostname(host, sizeof host - 1);
    snprintf(names[0], sizeof *names, "a.txt.tmp-%s-%ld", host, gone);
    snprintf(names[1], sizeof *names, "a.txt.tmp-%s-%ld-0123abcd", host, gone);
    snprintf(names[2], sizeof *names, "a.txt.tmp-elsewhere%s-%ld", host, gone);
    snprintf(names[3], sizeof *names, "a.txt.tmp-%s-%ld-0123abcd", host, (long)getppid());
    snprintf(names[4], sizeof *names, "a.txt.tmp-%s-%ldx", host, gone);
    for (int k = 0; k < 5; k++)
        cr_assert_eq(write_text(names[k], "x", &error), 0);
    cr_assert_eq(write_text("a.txt", "text", &error), 0, "%s", error.message);
    for (int k = 0; k < 5; k++)
        cr_expect_eq(access(names[k], F_OK) == 0, left[k] != NULL, "%s: %s", names[k], left[k]);
}

Test(file, no_link_is_taken_for_a_temporary_file) {
    char host[64] = "", name[128];
    struct error error = {0};
    struct stat status;
    gethostname(host, sizeof host - 1);
    cr_assert_eq(write_text("victim", "precious", &error), 0);
    long processes[] = {(long)getpid(), nobody()};
    for (int k = 0; k < 2; k++) {
        snprintf(name, sizeof name, "a.txt.tmp-%s-%ld", host, processes[k]);
        cr_assert_eq(symlink("victim", name), 0);
        cr_assert_eq(write_text("a.txt", "text", &error), 0, "%s", error.message);
        expect_content("victim", "precious");
        cr_expect(!lstat(name, &status) && S_ISLNK(status.st_mode), "it is somebody's");
    }
    cr_expect(!lstat("a.txt", &status) && S_ISREG(status.st_mode));
}

Test(file, names_of_our_own_are_no_links) {
    struct error error = {0};
    struct stat status;
    struct file_writer *writer;
    cr_assert_eq(write_text("victim", "precious", &error), 0);
    cr_assert_eq(symlink("victim", "a"), 0);
    cr_expect_eq(file_append("a"), -1);
    cr_expect_eq(errno, ELOOP);
    cr_expect_null(file_append_stream("a"));
    cr_assert_eq(file_writer_open_own(&writer, "a", &error), 0, "%s", error.message);
    fputs("text", file_writer_stream(writer));
    cr_assert_eq(file_writer_commit(writer, &error), 0);
    cr_expect(!lstat("a", &status) && S_ISREG(status.st_mode));
    expect_content("a", "text");
    expect_content("victim", "precious");
    FILE *stream = file_append_stream("a");
    cr_assert_not_null(stream);
    fputs(" and more", stream);
    fclose(stream);
    expect_content("a", "text and more");
}

Test(file, modes_follow_the_mask) {
    struct stat status;
    umask(027);
    cr_assert_eq(write_text("a", "text", NULL), 0);
    cr_expect(!stat("a", &status) && (status.st_mode & 0777) == 0640);
}
