/* The prompt on a real terminal: typing, completion, history, Ctrl-C in all the wrong moments, signals. */
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
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* Generous, because a sanitized program on a busy machine is slow. */
enum { PATIENCE_MS = 60000, SEEN_MAX = 1 << 20, SKIPPED = 77 };

struct terminal {
    int fd;
    pid_t child;
    char *seen; /* since the last expect that was met */
    size_t size;
};

static int failures;
static const char *fettle;
static char scratch[] = "/tmp/fettle-terminal-XXXXXX";

static void check(int good, const char *what) {
    printf("%s: %s\n", good ? "ok" : "FAILED", what);
    fflush(stdout);
    failures += !good;
}

static long now_ms(void) {
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void start_on(struct terminal *t, const char *type_name, char *const *arguments) {
    struct winsize size = {.ws_row = 24, .ws_col = 80};

    memset(t, 0, sizeof *t);
    t->seen = calloc(1, SEEN_MAX);
    t->child = forkpty(&t->fd, NULL, NULL, &size);
    if (t->child < 0) {
        printf("skipped: no pseudo-terminal (%s)\n", strerror(errno));
        exit(SKIPPED);
    }
    if (t->child == 0) {
        setenv("TERM", type_name, 1);
        setenv("XDG_STATE_HOME", scratch, 1);
        setenv("FETTLE_NUM_THREADS", "1", 1);
        if (chdir(scratch) == 0)
            execv(fettle, arguments);
        _exit(127);
    }
}

static void start(struct terminal *t, char *const *arguments) {
    start_on(t, "xterm", arguments);
}

/* Reads once; 0 where the other end is gone or nothing came in time. */
static int receive(struct terminal *t, long wait_ms) {
    struct pollfd input = {.fd = t->fd, .events = POLLIN};
    ssize_t got;

    if (poll(&input, 1, wait_ms > 0 ? (int)wait_ms : 0) <= 0)
        return 0;
    got = read(t->fd, t->seen + t->size, SEEN_MAX - 1 - t->size);
    if (got <= 0)
        return 0;
    t->size += (size_t)got;
    t->seen[t->size] = '\0';
    return 1;
}

static void expect(struct terminal *t, const char *text, const char *what) {
    long end = now_ms() + PATIENCE_MS;
    char *found;

    while (!(found = strstr(t->seen, text)) && now_ms() < end && receive(t, end - now_ms()))
        ;
    check(found != NULL, what);
    if (!found) {
        printf("  waited for: %s\n  saw: %s\n", text, t->seen);
        return;
    }
    found += strlen(text);
    t->size -= (size_t)(found - t->seen);
    memmove(t->seen, found, t->size + 1);
}

static void type(struct terminal *t, const char *keys) {
    size_t length = strlen(keys);

    if (write(t->fd, keys, length) != (ssize_t)length)
        check(0, "typing");
}

/* Waits for the end; the exit status, or 128 + signal. */
static int finish(struct terminal *t) {
    long end = now_ms() + PATIENCE_MS;
    int status = 0;
    pid_t done = 0;

    while (done == 0 && now_ms() < end) {
        receive(t, 20);
        if (t->size > SEEN_MAX / 2)
            t->size = 0;
        done = waitpid(t->child, &status, WNOHANG);
    }
    if (done == 0) {
        kill(t->child, SIGKILL);
        waitpid(t->child, &status, 0);
    }
    close(t->fd);
    free(t->seen);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---------------------------------------------------------------- cases */

static void check_editing(void) {
    struct terminal t;

    start(&t, (char *[]){(char *)fettle, "--line", "config.yaml", NULL});
    expect(&t, "(fettle) ", "a prompt");
    type(&t, "nex\t");
    expect(&t, "next ", "completion of a command");
    type(&t, "1\r");
    expect(&t, "(fettle) ", "a command runs");
    type(&t, "hlep\r");
    expect(&t, "did you mean \"help\"", "a mistake is told");
    expect(&t, "(fettle) ", "and does not end the program");
    type(&t, "source wat\t");
    expect(&t, "water.xyz", "completion of files");
    type(&t, "\003");
    expect(&t, "(fettle) ", "Ctrl-C clears the line");
    type(&t, "\022nex");
    expect(&t, "reverse-i-search", "reverse search");
    type(&t, "\r");
    expect(&t, "batch", "executes what it found");
    expect(&t, "(fettle) ", "a prompt after it");
    type(&t, "\022zz");
    expect(&t, "failed reverse-i-search", "a search for nothing");
    type(&t, "\003");
    expect(&t, "(fettle) ", "Ctrl-C leaves the search");
    type(&t, "print val0_epoch/for\t");
    expect(&t, "ces_", "completion of metrics");
    type(&t, "\003");
    expect(&t, "(fettle) ", "once more");
    type(&t, "quit\r");
    check(finish(&t) == 0, "quit ends well");
}

static void check_history(void) {
    struct terminal t;

    start(&t, (char *[]){(char *)fettle, "--line", "config.yaml", NULL});
    expect(&t, "(fettle) ", "a prompt again");
    type(&t, "\033[A");
    expect(&t, "quit", "the history was kept");
    type(&t, "\003");
    expect(&t, "(fettle) ", "cleared");
    type(&t, "\004");
    check(finish(&t) == 0, "an end of file ends well");
}

/* The modes come after the last text that a program writes. */
static int becomes(const struct terminal *t, const struct termios *before) {
    struct termios now;
    for (long end = now_ms() + PATIENCE_MS; now_ms() < end; usleep(1000))
        if (!tcgetattr(t->fd, &now) && (before->c_lflag & (ICANON | ECHO)) == (now.c_lflag & (ICANON | ECHO)))
            return 1;
    return 0;
}

static void check_interrupt(void) {
    struct termios before;
    struct terminal t;

    start(&t, (char *[]){(char *)fettle, "--line", "config.yaml", "trainer.max_epochs=1000000", NULL});
    tcgetattr(t.fd, &before);
    expect(&t, "(fettle) ", "a prompt before a long run");
    type(&t, "continue\r");
    expect(&t, "epoch", "it runs");
    type(&t, "\003");
    expect(&t, "paused", "Ctrl-C pauses");
    expect(&t, "(fettle) ", "and returns to the prompt");
    type(&t, "step\r");
    expect(&t, "(fettle) ", "from where one can go on");
    type(&t, "\r");
    expect(&t, "batch", "Enter repeats the step");
    expect(&t, "(fettle) ", "and returns");
    type(&t, "quit\r");
    check(finish(&t) == 0, "and quit");

    start(&t, (char *[]){(char *)fettle, "--line", "config.yaml", "trainer.max_epochs=1000000", NULL});
    expect(&t, "(fettle) ", "another long run");
    type(&t, "continue\r");
    expect(&t, "epoch", "it runs too");
    kill(t.child, SIGTERM);
    expect(&t, "paused", "SIGTERM stops it after the batch");
    check(becomes(&t, &before), "the terminal is as it was");
    check(finish(&t) == 128 + SIGTERM, "SIGTERM ends the program");

    start(&t, (char *[]){(char *)fettle, "--line", "config.yaml", NULL});
    expect(&t, "(fettle) ", "a prompt to leave");
    kill(t.child, SIGHUP);
    check(finish(&t) == 128 + SIGHUP, "SIGHUP at the prompt ends the program");
}

static void check_run(void) {
    char output[sizeof scratch + 64];
    struct terminal t;

    snprintf(output, sizeof output, "%s/run", scratch);
    start(&t, (char *[]){(char *)fettle, "run", "config.yaml", "-o", output, "trainer.max_epochs=1000000", NULL});
    expect(&t, "epoch 2", "fettle run shows its progress");
    type(&t, "\003");
    check(finish(&t) == 130, "Ctrl-C ends fettle run after the batch");
    strcat(output, "/last.safetensors");
    check(access(output, R_OK) == 0, "and leaves its state");
}

static void check_terminals(void) {
    static const char *const types[] = {"dumb", "no-such-terminal", "vt100"};
    struct terminal t;

    for (int k = 0; k < 3; k++) {
        /* the first two cannot have panes, the third could */
        start_on(&t, types[k], (char *[]){(char *)fettle, "-x", "step", "config.yaml", k < 2 ? NULL : "--line", NULL});
        expect(&t, "batch", "-x goes before the prompt");
        expect(&t, "(fettle) ", types[k]);
        type(&t, "quit\r");
        check(finish(&t) == 0, "and ends well");
    }
}

/* A size that the program is told of. */
static void resize(struct terminal *t, int rows, int columns) {
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};

    ioctl(t->fd, TIOCSWINSZ, &size);
}

/* The number that comes back shows that what was typed arrived whole, and that the screen still lives. */
static void check_alive(struct terminal *t, const char *question, const char *answer, const char *what) {
    int found = 0;

    type(t, question);
    /* another size: all of the screen is written, until the answer stands on it */
    for (int k = 0; k < 100 && !found; k++) {
        long end = now_ms() + 200;
        t->size = 0;
        t->seen[0] = '\0';
        resize(t, 24, 80 + k % 2);
        while (!(found = strstr(t->seen, answer) != NULL) && now_ms() < end)
            receive(t, end - now_ms());
    }
    check(found, what);
}

static void check_panes(void) {
    static const int sizes[][2] = {{10, 40}, {60, 200}, {2, 10}, {1, 1}, {24, 80}};
    struct terminal t;
    struct termios before;
    char paste[5001];

    start(&t, (char *[]){(char *)fettle, "config.yaml", "trainer.max_epochs=1000000", NULL});
    tcgetattr(t.fd, &before);
    expect(&t, "idle", "panes");
    check_alive(&t, "print 6*7\r", "42.0", "a command in panes");
    type(&t, "step 3\rfinish\r");
    check_alive(&t, "\r", "step 4", "lines that wait are executed in order");
    check_alive(&t, "print step*139\r", "556.0", "to the end");
    type(&t, "nex\t");
    expect(&t, "next", "completion in panes");
    type(&t, "\025");
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        resize(&t, sizes[k][0], sizes[k][1]);
        usleep(50000);
        type(&t, k % 2 ? "in\t" : "\022pri"); /* in the middle of something */
        usleep(50000);
        type(&t, "\007\025");
    }
    check_alive(&t, "print 7*7\r", "49.0", "after every size");
    memset(paste, 'x', sizeof paste - 1);
    paste[sizeof paste - 1] = 0;
    for (int k = 0; k < 5; k++) { /* not more at once than a terminal takes */
        char part[1001];
        snprintf(part, sizeof part, "%.1000s", paste + 1000 * k);
        type(&t, part);
        receive(&t, 50);
    }
    type(&t, "\025");
    check_alive(&t, "print 8*8\r", "64.0", "after a long paste");
    type(&t, "\033[99~\033OZ\001\013\xff\xfe\025\033[200~abc\033[201~\025");
    check_alive(&t, "print 9*9\r", "81.0", "after keys that mean nothing");
    type(&t, "no-such-command\r");
    expect(&t, "no command", "a mistake is told in the log");
    type(&t, "\033");
    expect(&t, "goes back to the prompt", "Esc leads to the panes");
    check_alive(&t, "?", "focus: down", "? shows the keys");
    type(&t, "G+-\033[D\033[Cavf\033[99~Z");
    check_alive(&t, "6", "info rewind", "other panes");
    check_alive(&t, "g1iprint 3*3\r", "9.0", "i leads back");
    resize(&t, 60, 200); /* room for all values */
    type(&t, "continue\r");
    expect(&t, "running", "a run");
    check_alive(&t, "set ema_decay 8.125e-1\r", "0.8125",
                "what is typed takes effect while it runs"); /* among the values */
    type(&t, "\003");                                        /* would drop what still waits */
    check_alive(&t, "", "paused", "Ctrl-C pauses");
    check_alive(&t, "print 5*5\r", "25.0", "and the prompt is there");
    type(&t, "quit\r");
    expect(&t, "\033[?1049l", "the screen is left");
    check(becomes(&t, &before), "with the terminal as it was");
    check(finish(&t) == 0, "quit from panes");

    start(&t, (char *[]){(char *)fettle, "config.yaml", "trainer.max_epochs=1000000", NULL});
    expect(&t, "idle", "panes again");
    type(&t, "set rewind 3\rcontinue\r");
    expect(&t, "running", "another run");
    usleep(200000);
    kill(t.child, SIGTERM);
    check(finish(&t) == 128 + SIGTERM, "SIGTERM ends panes");
    check(system("ls outputs/*/*/last.safetensors >/dev/null 2>&1") == 0, "and the run is saved");
}

int main(int argc, char **argv) {
    char command[4096];

    if (argc != 3 || !mkdtemp(scratch))
        return 2;
    fettle = argv[1];
    snprintf(command, sizeof command, "cp '%s'/config.yaml '%s'/water.xyz %s", argv[2], argv[2], scratch);
    if (system(command))
        return 2;
    check_editing();
    check_history();
    check_interrupt();
    check_run();
    check_terminals();
    if (chdir(scratch) == 0)
        check_panes();
    snprintf(command, sizeof command, "rm -rf '%s'", scratch);
    if (system(command))
        failures++;
    printf("%d failed\n", failures);
    return failures != 0;
}
