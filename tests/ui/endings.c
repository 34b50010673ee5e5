/* Ends that nobody plans: the program is killed, told to end, loses its terminal, is stopped and goes on.
 *
 *     test_endings FETTLE FOLDER KILLS
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dialogue.h"

static unsigned long chance = 7;

static unsigned long random_below(unsigned long bound) {
    chance = chance * 6364136223846793005ul + 1442695040888963407ul;
    return (chance >> 33) % bound;
}

/* Whether a command of the shell succeeds; $F is the program that is tested. */
static int succeeds(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int succeeds(const char *format, ...) {
    char command[4096];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    if (system(command) == 0)
        return 1;
    printf("  failed: %s\n", command);
    return 0;
}

static void wait_until(struct terminal *t, const char *command, const char *what) {
    char silent[4096];
    int good = 0;

    snprintf(silent, sizeof silent, "%s >/dev/null 2>&1", command);
    for (long end = now_ms() + PATIENCE_MS; now_ms() < end && !(good = system(silent) == 0);)
        child_receive(&t->child, 10);
    check(good, what);
}

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");

    if (!file || fputs(text, file) < 0 || fclose(file))
        exit(2);
}

/* ---------------------------------------------------------------- kills */

/* Writes all that can be written, after every batch. */
static const char busy[] = "fettle:\n"
                           "  stops:\n"
                           "  - watch: step\n"
                           "    commands: [save a.safetensors, save a.yaml b.safetensors, export a.csv,\n"
                           "      export a.svg weighted_sum, checkpoint here, continue]\n"
                           "  commands: [continue]\n";

static const char kept[] =
    "trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, dirpath: kept, filename: best, "
    "monitor: val0_epoch/weighted_sum, save_last: true}]";

static const char readable[] =
    "for f in *.safetensors kept/*.safetensors outputs/*/*/last.safetensors; do [ ! -e \"$f\" ] || { \"$F\" show "
    "--model \"$f\" >out 2>&1 && \"$F\" -b -x \"open config.yaml trainer.max_epochs=1000000 +ckpt_path=$f\" -x step "
    ">out 2>&1; } || { echo \"$f\"; cat out; exit 1; }; done";

static void kill_once(int line) {
    struct terminal t;
    char what[64];

    if (!succeeds("rm -rf outputs"))
        return;
    start(&t, (char *[]){(char *)fettle, "--trust", "busy.yaml", "trainer.max_epochs=1000000", (char *)kept,
                         line ? "--line" : NULL, NULL});
    for (long end = now_ms() + PATIENCE_MS; access("a.svg", F_OK) && now_ms() < end;)
        child_receive(&t.child, 10);
    for (long end = now_ms() + (long)random_below(80); now_ms() < end;)
        child_receive(&t.child, 1);
    kill(t.child.pid, SIGKILL);
    snprintf(what, sizeof what, "killed in %s", line ? "the line prompt" : "panes");
    check(finish(&t) == 128 + SIGKILL, what);
    check(succeeds("%s", readable), "what is on the disk can be loaded and gone on with");
    check(succeeds("\"$F\" -b -x 'open a.yaml ~fettle' -x step >out 2>&1"), "so can the session that was saved");
    check(succeeds("grep -q '</svg>' a.svg && [ -z \"$(tail -c 1 a.csv)\" ]"), "figures are whole");
}

static void check_kills(int count) {
    write_file("busy", busy);
    if (!succeeds("cat config.yaml busy >busy.yaml"))
        exit(2);
    for (int k = 0; k < count; k++)
        kill_once(k % 2);
    check(succeeds("\"$F\" -b -x 'open config.yaml' -x step -x 'save a.safetensors force' -x 'save a.yaml "
                   "b.safetensors force' "
                   "-x 'export a.csv force' -x 'export a.svg force' >out 2>&1 "
                   "&& [ -z \"$(ls | grep tmp-)\" ]"),
          "what was half written goes when the file is written again");
}

/* ---------------------------------------------------------------- signals, and a terminal that goes */

enum place { IDLE, RUNNING, COMPLETING, SEARCHING, LOOKING, PLACES };
enum way { GONE, HANGUP, TERMINATED, GONE_UNSAID, WAYS };

static const char *const place_names[] = {"idle", "running", "completing", "searching", "looking"};
static const char *const way_names[] = {"its terminal gone", "SIGHUP", "SIGTERM", "its terminal gone without SIGHUP"};

/* The last of two sequences is the second. */
static int is_left(const char *seen, const char *on, const char *off) {
    const char *last = NULL;

    for (const char *at = seen; (at = strstr(at, on)); at++)
        last = at;
    return !last || strstr(last, off);
}

static void go_to(struct terminal *t, enum place place, int line) {
    switch (place) {
    case RUNNING:
        type(t, "continue\r");
        expect(t, line ? "epoch" : "running", "a run");
        break;
    case COMPLETING:
        if (line)
            child_resize(&t->child, 6, 20); /* many lines of them */
        type(t, "print \t\t");
        expect(t, "val0_epoch/", "many matches");
        type(t, "va");
        break;
    case SEARCHING:
        type(t, "\022conf");
        expect(t, "reverse-i-search", "a search");
        break;
    case LOOKING:
        type(t, "hist layer0_convnet\r");
        expect(t, "#####", "a histogram");
        if (!line)
            type(t, "\033kkk");
        break;
    default:
        type(t, "nex");
    }
}

static void end_once(int line, enum place place, enum way way) {
    char what[256];
    struct termios before;
    struct terminal t;
    int signal = way == TERMINATED ? SIGTERM : SIGHUP;

    if (!succeeds("rm -rf outputs"))
        return;
    start(&t,
          (char *[]){"sh", "-c", way == GONE_UNSAID ? "trap '' HUP; exec \"$F\" \"$@\"" : "exec \"$F\" \"$@\"", "sh",
                     "config.yaml", "trainer.max_epochs=1000000", "-x", "step 3", line ? "--line" : NULL, NULL});
    tcgetattr(t.child.fd, &before);
    expect(&t, line ? "(fettle) " : "step 3", "three batches");
    go_to(&t, place, line);
    if (way == GONE || way == GONE_UNSAID) {
        child_hang_up(&t.child);
    } else {
        kill(t.child.pid, signal);
        expect(&t, "last.safetensors", "where the state is, is told");
        check(child_modes_become(&t.child, &before), "the terminal is as it was");
    }
    snprintf(what, sizeof what, "%s, %s: %s ends it", line ? "line" : "panes", place_names[place], way_names[way]);
    check(child_finish(&t.child) == 128 + signal, what);
    /* of a terminal that is gone nobody sees the last */
    check(way == GONE || way == GONE_UNSAID ||
              (is_left(t.seen, "\033[?1049h", "\033[?1049l") && is_left(t.seen, "\033[?1000h", "\033[?1000l") &&
               is_left(t.seen, "\033[?2004h", "\033[?2004l") && is_left(t.seen, "\033[?25l", "\033[?25h")),
          "modes of the terminal are left");
    free(t.seen);
    check(succeeds("set -- outputs/*/*/last.safetensors; \"$F\" -b -x \"open config.yaml trainer.max_epochs=1000000 "
                   "+ckpt_path=$1\" -x 'print step' >out 2>&1 && grep -qE '= %s$' out",
                   place == RUNNING ? "[0-9]+.0" : "3.0"),
          "the state is kept");
}

static void check_endings(void) {
    for (int line = 0; line < 2; line++)
        for (int place = 0; place < PLACES; place++)
            for (int way = 0; way < WAYS - (line && place == RUNNING); way++) /* under nohup it runs on */
                end_once(line, (enum place)place, (enum way)way);
}

/* ---------------------------------------------------------------- saved on the way */

/* SIGUSR1 saves the run, whatever goes on, and it goes on. */
static void check_saves(int line) {
    struct terminal t;

    if (!succeeds("rm -rf outputs"))
        return;
    start(&t, (char *[]){(char *)fettle, "config.yaml", "trainer.max_epochs=1000000", line ? "--line" : NULL, NULL});
    expect(&t, line ? "(fettle) " : "idle", "to be saved");
    type(&t, "continue\r");
    expect(&t, line ? "epoch" : "running", "a run to be saved");
    kill(t.child.pid, SIGUSR1);
    wait_until(&t, "grep -q '^saved outputs/' outputs/*/*/run.log", "it is saved");
    expect(&t, "ms/batch", "and goes on");
    type(&t, "\003");
    if (line)
        expect(&t, "(fettle) ", "paused");
    else
        check_alive(&t, "", "paused", "paused in panes");
    type(&t, "step 2\r");
    if (line)
        expect(&t, "(fettle) ", "two more");
    else
        check_alive(&t, "print 6*7\r", "42.0", "two more in panes");
    check(succeeds("rm outputs/*/*/last.safetensors"), "a checkpoint");
    kill(t.child.pid, SIGUSR2);
    wait_until(&t, "ls outputs/*/*/last.safetensors", "it is saved at the prompt");
    check(succeeds("%s", readable), "and can be read");
    type(&t, "quit\r");
    check(finish(&t) == 0, "and can be left");
}

/* ---------------------------------------------------------------- stopped, and continued */

static void expect_result(struct terminal *t, int line, const char *result, const char *what) {
    if (line)
        expect(t, result, what);
    else
        check_alive(t, "", result, what);
}

/* What is written first is that the screen is entered: leaving it once more would put the shell's cursor elsewhere. */
static void check_entered(struct terminal *t) {
    static const char on[] = "\033[?1049h";

    for (long end = now_ms() + PATIENCE_MS; !strstr(t->seen, on) && child_await(&t->child, end);)
        ;
    char *entered = strstr(t->seen, on), *left = strstr(t->seen, "\033[?1049l");
    check(entered && (!left || entered < left), "the screen is entered, and was not left again before");
}

/* A shell with job control; the program is its child. */
static void check_stops(int line) {
    struct terminal t;
    struct termios before;
    char what[64];

    start(&t, (char *[]){"sh", "-i", NULL});
    type(&t, "PS1='shell''> '\r");
    expect(&t, "shell> ", "a shell");
    tcgetattr(t.child.fd, &before);
    type(&t, line ? "\"$F\" --line config.yaml trainer.max_epochs=1000000\r"
                  : "\"$F\" config.yaml trainer.max_epochs=1000000\r");
    expect(&t, line ? "(fettle) " : "idle", line ? "the line prompt" : "panes");
    for (int running = 0; running < 2; running++) {
        if (running) {
            type(&t, "\025continue\r");
            expect(&t, line ? "epoch" : "running", "a run");
        } else {
            type(&t, "print 6*");
            expect(&t, "6*", "half a line");
        }
        type(&t, "\032");
        expect(&t, "topped", "Ctrl-Z stops it");
        expect(&t, "shell> ", "the shell is there");
        check(child_modes_become(&t.child, &before), "with its terminal as it was");
        snprintf(what, sizeof what, "%s, %s: ", line ? "line" : "panes", running ? "running" : "idle");
        child_resize(&t.child, 30, 100);
        type(&t, "fg\r");
        if (!line)
            check_entered(&t);
        if (running && line) {
            expect(&t, "ms/batch", "it goes on");
            type(&t, "\003");
            expect(&t, "paused", "and can be paused");
            expect(&t, "(fettle) ", "at its prompt");
        } else if (running) {
            expect(&t, "ms/batch", "it goes on");
            type(&t, "\003");
            check_alive(&t, "", "paused", "and can be paused");
        } else {
            expect(&t, "print 6*", "what was typed is there again");
            type(&t, "7\r");
            expect_result(&t, line, "42.0", "and can be ended");
        }
    }
    type(&t, "quit\r");
    expect(&t, "shell> ", "it can be left");
    type(&t, "exit\r");
    check(finish(&t) == 0, what);
}

/* Without notice, and with another terminal than it had when it goes on: as after a debugger, or a shell that only
 * continues it. */
static void check_sudden_stop(int line) {
    struct terminal t;
    struct termios ours, other;
    siginfo_t info;

    start(&t, (char *[]){(char *)fettle, "config.yaml", "trainer.max_epochs=1000000", line ? "--line" : NULL, NULL});
    tcgetattr(t.child.fd, &other);
    expect(&t, line ? "(fettle) " : "idle", line ? "the line prompt again" : "panes again");
    type(&t, "print 5*");
    expect(&t, "5*", "half a line again");
    tcgetattr(t.child.fd, &ours);
    kill(t.child.pid, SIGSTOP);
    waitid(P_PID, (id_t)t.child.pid, &info, WSTOPPED);
    tcsetattr(t.child.fd, TCSANOW, &other);
    child_resize(&t.child, 26, 90);
    kill(t.child.pid, SIGCONT);
    check(child_modes_become(&t.child, &ours), "continued, it takes the terminal again");
    expect(&t, "print 5*", "and draws");
    type(&t, "5\r");
    expect_result(&t, line, "25.0", "what was typed counts");
    type(&t, "quit\r");
    check(finish(&t) == 0, "and it can be left");
}

int main(int argc, char **argv) {
    if (argc != 4 || dialogue_open(argc, argv))
        return 2;
    setenv("F", fettle, 1);
    check_kills(atoi(argv[3]));
    check_endings();
    check_saves(1);
    check_saves(0);
    check_stops(1);
    check_stops(0);
    check_sudden_stop(1);
    check_sudden_stop(0);
    return dialogue_close();
}
