/* The prompt on a real terminal: typing, completion, history, Ctrl-C in all the wrong moments, signals. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dialogue.h"

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

static void check_interrupt(void) {
    struct termios before;
    struct terminal t;

    start(&t, (char *[]){(char *)fettle, "--line", "config.yaml", "trainer.max_epochs=1000000", NULL});
    tcgetattr(t.child.fd, &before);
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
    kill(t.child.pid, SIGTERM);
    expect(&t, "paused", "SIGTERM stops it after the batch");
    check(child_modes_become(&t.child, &before), "the terminal is as it was");
    check(finish(&t) == 128 + SIGTERM, "SIGTERM ends the program");

    start(&t, (char *[]){(char *)fettle, "--line", "config.yaml", NULL});
    expect(&t, "(fettle) ", "a prompt to leave");
    kill(t.child.pid, SIGHUP);
    check(finish(&t) == 128 + SIGHUP, "SIGHUP at the prompt ends the program");
}

static void check_run(void) {
    char output[256];
    struct terminal t;

    snprintf(output, sizeof output, "%.200s/run", scratch);
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

/* Ctrl-C while the terminal does not take what is written: the rest of the line is no error. */
static void check_slow(void) {
    FILE *file = fopen("long.fettle", "w");
    struct terminal t;

    for (int k = 0; file && k < 300; k++)
        fputs("help\n", file);
    check(file && !fclose(file), "a script that says much");
    start(&t, (char *[]){(char *)fettle, "--line", "config.yaml", NULL});
    expect(&t, "(fettle) ", "a prompt before it");
    type(&t, "source long.fettle\r");
    expect(&t, "help", "it begins");
    usleep(300000); /* the terminal is full; if it is not yet, nothing is tested */
    for (int k = 0; k < 10; k++) {
        kill(t.child.pid, SIGINT);
        usleep(10000);
    }
    expect(&t, "(fettle) ", "Ctrl-C ends it");
    type(&t, "quit\r");
    check(finish(&t) == 0, "and nothing was lost");
}

/* A macro of several lines. */
static void check_macro(void) {
    struct terminal t;

    start(&t, (char *[]){(char *)fettle, "--line", "config.yaml", NULL});
    expect(&t, "(fettle) ", "a prompt for a macro");
    type(&t, "\030(print 2*3\rprint 2*5\r\030)");
    expect(&t, "10.0", "it is recorded");
    expect(&t, "(fettle) ", "and done");
    type(&t, "\030e");
    expect(&t, "2*3 = 6.0", "its first line");
    expect(&t, "2*5 = 10.0", "its second line");
    expect(&t, "(fettle) ", "and the prompt");
    type(&t, "quit\r");
    check(finish(&t) == 0, "after a macro");
}

static void check_panes(void) {
    static const int sizes[][2] = {{10, 40}, {60, 200}, {2, 10}, {1, 1}, {24, 80}};
    struct terminal t;
    struct termios before;
    char paste[5001];

    start(&t, (char *[]){(char *)fettle, "config.yaml", "trainer.max_epochs=1000000", NULL});
    tcgetattr(t.child.fd, &before);
    expect(&t, "idle", "panes");
    check_alive(&t, "print 6*7\r", "42.0", "a command in panes");
    type(&t, "step 3\rfinish\r");
    check_alive(&t, "\r", "step 4", "lines that wait are executed in order");
    check_alive(&t, "print step*139\r", "556.0", "to the end");
    type(&t, "nex\t");
    expect(&t, "next", "completion in panes");
    type(&t, "\025");
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        child_resize(&t.child, sizes[k][0], sizes[k][1]);
        child_settle(&t.child, 20);
        type(&t, k % 2 ? "in\t" : "\022pri"); /* in the middle of something */
        child_settle(&t.child, 20);
        type(&t, "\007\025");
    }
    check_alive(&t, "print 7*7\r", "49.0", "after every size");
    memset(paste, 'x', sizeof paste - 1);
    paste[sizeof paste - 1] = 0;
    type(&t, paste);
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
    child_resize(&t.child, 60, 200); /* room for all values */
    type(&t, "continue\r");
    expect(&t, "running", "a run");
    check_alive(&t, "set ema_decay 8.125e-1\r", "0.8125",
                "what is typed takes effect while it runs"); /* among the values */
    type(&t, "\003");                                        /* would drop what still waits */
    check_alive(&t, "", "paused", "Ctrl-C pauses");
    check_alive(&t, "print 5*5\r", "25.0", "and the prompt is there");
    type(&t, "quit\r");
    expect(&t, "\033[?1049l", "the screen is left");
    check(child_modes_become(&t.child, &before), "with the terminal as it was");
    check(finish(&t) == 0, "quit from panes");

    start(&t, (char *[]){(char *)fettle, "config.yaml", "trainer.max_epochs=1000000", NULL});
    expect(&t, "idle", "panes again");
    type(&t, "set rewind 3\rcontinue\r");
    expect(&t, "running", "another run");
    kill(t.child.pid, SIGTERM);
    check(finish(&t) == 128 + SIGTERM, "SIGTERM ends panes");
    check(system("ls outputs/*/*/last.safetensors >/dev/null 2>&1") == 0, "and the run is saved");
}

/* Data come through a pipe into which nothing is written; opening it waits until the program reads. */
static void check_interrupted_open(void) {
    struct terminal t;
    int pipe;

    check(mkfifo("in.xyz", 0600) == 0, "a pipe");
    start(&t, (char *[]){(char *)fettle, "--line", "config.yaml", NULL});
    expect(&t, "(fettle) ", "a prompt before data that do not come");
    type(&t, "step\r");
    expect(&t, "step 1", "a step");
    expect(&t, "(fettle) ", "and the prompt");
    type(&t, "open config.yaml data.train_file_path=in.xyz\r");
    pipe = open("in.xyz", O_WRONLY);
    type(&t, "\003");
    expect(&t, "nothing has changed", "Ctrl-C ends an open");
    expect(&t, "(fettle) ", "and returns to the prompt");
    type(&t, "print step\r");
    expect(&t, "step = 1", "of the session as it was");
    expect(&t, "(fettle) ", "which goes on");
    type(&t, "quit\r");
    check(finish(&t) == 0, "and quit");
    close(pipe);
}

int main(int argc, char **argv) {
    if (dialogue_open(argc, argv))
        return 2;
    check_editing();
    check_history();
    check_interrupt();
    check_interrupted_open();
    check_run();
    check_terminals();
    check_slow();
    check_macro();
    check_panes();
    return dialogue_close();
}
