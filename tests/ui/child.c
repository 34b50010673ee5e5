#include "child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

long now_ms(void) {
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void set_environment(const char *const *environment) {
    for (; environment && *environment; environment++) {
        char *word = strdup(*environment), *value = word ? strchr(word, '=') : NULL;
        if (value) {
            *value = 0;
            setenv(word, value + 1, 1);
        } else if (word) {
            unsetenv(word);
        }
        free(word);
    }
}

int child_start(struct child *child, int rows, int columns, char *const *arguments, const char *const *environment) {
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};

    child->pid = forkpty(&child->fd, NULL, NULL, &size);
    if (child->pid == 0) {
        set_environment(environment);
        execvp(arguments[0], arguments);
        _exit(127);
    }
    if (child->pid < 0)
        return -1;
    fcntl(child->fd, F_SETFD, FD_CLOEXEC);
    fcntl(child->fd, F_SETFL, O_NONBLOCK);
    return 0;
}

static int take(struct child *child) {
    char bytes[65536];
    ssize_t got = read(child->fd, bytes, sizeof bytes);

    if (got > 0)
        child->sink(child->context, bytes, (size_t)got);
    return got > 0;
}

int child_receive(struct child *child, long wait_ms) {
    struct pollfd input = {.fd = child->fd, .events = POLLIN};

    return poll(&input, 1, wait_ms > 0 ? (int)wait_ms : 0) > 0 && take(child);
}

int child_await(struct child *child, long end_ms) {
    while (now_ms() < end_ms) {
        int ended = child_ended(child);
        if (child_receive(child, end_ms - now_ms() < 100 ? end_ms - now_ms() : 100))
            return 1;
        if (ended)
            return 0;
    }
    return 0;
}

int child_type(struct child *child, const char *bytes, size_t size) {
    struct pollfd both = {.fd = child->fd, .events = POLLIN | POLLOUT};
    long end = now_ms() + PATIENCE_MS;

    while (size && now_ms() < end && poll(&both, 1, (int)(end - now_ms())) > 0) {
        if (both.revents & (POLLERR | POLLHUP))
            return -1;
        if (both.revents & POLLIN)
            take(child);
        if (!(both.revents & POLLOUT))
            continue;
        /* small pieces: what a terminal's queue cannot take is lost */
        ssize_t sent = write(child->fd, bytes, size < 256 ? size : 256);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return -1;
        if (sent > 0) {
            bytes += sent;
            size -= (size_t)sent;
        }
    }
    return size ? -1 : 0;
}

void child_resize(struct child *child, int rows, int columns) {
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};

    ioctl(child->fd, TIOCSWINSZ, &size);
}

void child_hang_up(struct child *child) {
    close(child->fd);
    child->fd = -1;
}

/* How long its threads have run so far, ns; -1 where one of them runs, or waits for a processor, now. */
static long long has_run(pid_t pid) {
    char path[300], text[512], *state;
    struct dirent *entry;
    long long sum = 0, time;
    DIR *folder;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    if (!(folder = opendir(path)))
        return 0;
    while (sum >= 0 && (entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        for (int which = 0; which < 2 && sum >= 0; which++) {
            snprintf(path, sizeof path, "/proc/%d/task/%.20s/%s", (int)pid, entry->d_name,
                     which ? "stat" : "schedstat");
            FILE *file = fopen(path, "r");
            if (!file)
                continue;
            if (!fgets(text, sizeof text, file))
                text[0] = 0;
            if (!which && sscanf(text, "%lld", &time) == 1)
                sum += time;
            else if (which && (state = strrchr(text, ')')) && !strchr("SZXIT", state[2]))
                sum = -1;
            fclose(file);
        }
    }
    closedir(folder);
    return sum;
}

/* Only looks count: while we do not run ourselves, as beside others, nobody has seen that all was quiet. */
int child_settle(struct child *child, long quiet_ms) {
    enum { LOOK_MS = 10 };
    long long before = -1, now;
    long looks = 0;

    for (long end = now_ms() + PATIENCE_MS; now_ms() < end; before = now) {
        int came = child_receive(child, LOOK_MS);
        now = has_run(child->pid);
        looks = came || now < 0 || now != before ? 0 : looks + 1;
        if (looks * LOOK_MS >= quiet_ms)
            return 1;
    }
    return 0;
}

/* The modes come after the last text that a program writes. */
int child_modes_become(struct child *child, const struct termios *before) {
    struct termios now;

    for (long end = now_ms() + PATIENCE_MS; now_ms() < end; child_receive(child, 1))
        if (!tcgetattr(child->fd, &now) &&
            (before->c_lflag & (ICANON | ECHO | ISIG)) == (now.c_lflag & (ICANON | ECHO | ISIG)) &&
            before->c_iflag == now.c_iflag && before->c_oflag == now.c_oflag)
            return 1;
    return 0;
}

int child_ended(const struct child *child) {
    siginfo_t info = {0};

    return waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == child->pid;
}

int child_finish(struct child *child) {
    long end = now_ms() + PATIENCE_MS;
    int status = 0;
    pid_t done = 0;

    while (done == 0 && now_ms() < end) {
        if (!child_receive(child, 20))
            usleep(1000);
        done = waitpid(child->pid, &status, WNOHANG);
    }
    if (done == 0) {
        kill(child->pid, SIGKILL);
        waitpid(child->pid, &status, 0);
    }
    while (child_receive(child, 0))
        ;
    if (child->fd >= 0)
        close(child->fd);
    if (done <= 0)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

long child_memory(const struct child *child) {
    char path[64], line[256];
    long kilobytes = 0;

    snprintf(path, sizeof path, "/proc/%d/status", (int)child->pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmRSS: %ld", &kilobytes) == 1)
            break;
    if (file)
        fclose(file);
    return kilobytes;
}
