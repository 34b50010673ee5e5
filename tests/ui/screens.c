/* The screen of the program, as a terminal shows it, against scripts of keys (screens/NAME.keys) and the text that is
 * expected (screens/NAME.screen).
 *
 *     test_screens FETTLE FOLDER [NAME...]
 *
 * With UPDATE=1 the .screen files are written instead.  A script is lines of steps: the table at the end of this file
 * lists them.  Every step waits for its effect, which must stay: one that is only seen on the way to another, or that
 * was there before, fails where somebody is slow.  With LATE=1 every step looks late, and finds those. */
#include <ctype.h>
#include <dirent.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "child.h"
#include "picture.h"

enum { QUIET_MS = 300, LATE_MS = 700, WORDS_MOST = 32, MASKS_MOST = 16 };

struct mask {
    regex_t pattern;
    char with[64];
};

static struct {
    const char *fettle, *folder; /* absolute */
    int update, late;
    char scratch[64];

    /* the script */
    const char *name;
    int line, failed;
    struct mask masks[MASKS_MOST];
    int nmasks;
    char *environment[WORDS_MOST + 1];
    int nenvironment, utf8;

    int rows, columns;
    struct child child;
    struct picture *picture; /* NULL: the program does not run */
} test;

/* ---------------------------------------------------------------- what is seen */

static void show(void) {
    for (int row = 0; test.picture && row < picture_rows(test.picture); row++)
        printf("    | %s\n", picture_row(test.picture, row));
}

static void fail(const char *why, const char *what) {
    printf("FAILED: %s.keys, line %d: %s: %s\n", test.name, test.line, why, what);
    show();
    fflush(stdout);
    test.failed = 1;
}

static void feed(void *context, const char *bytes, size_t size) {
    char answer[256];
    (void)context;
    picture_feed(test.picture, bytes, size);
    while ((size = picture_answer(test.picture, answer, sizeof answer)))
        if (write(test.child.fd, answer, size) < 0)
            break;
}

/* Rows from 1; -1 is the last. */
static int row_number(int row) {
    return row > 0 ? row - 1 : picture_rows(test.picture) + row;
}

static int in_row(const char *argument) {
    char *text;
    long row = strtol(argument, &text, 10);
    return strstr(picture_row(test.picture, row_number((int)row)), *text == ' ' ? text + 1 : text) != NULL;
}

static int on_screen(const char *text) {
    for (int row = 0; row < picture_rows(test.picture); row++)
        if (strstr(picture_row(test.picture, row), text))
            return 1;
    return 0;
}

static int is_gone(const char *text) {
    return !on_screen(text);
}

static int is_at(const char *argument) {
    int row, column, wanted_row, wanted_column;
    picture_cursor(test.picture, &row, &column);
    return sscanf(argument, "%d %d", &wanted_row, &wanted_column) == 2 && row == row_number(wanted_row) &&
           column == wanted_column - 1;
}

/* LOOK[+LOOK...] ROW TEXT */
static int looks(const char *argument) {
    static const char *const names[] = {"bold", "underline", "reverse", "color"};
    char words[64];
    int row, used = 0, wanted = 0;
    if (sscanf(argument, "%63s %d %n", words, &row, &used) != 2)
        return 0;
    for (char *word = strtok(words, "+"); word; word = strtok(NULL, "+"))
        for (int k = 0; k < 4; k++)
            if (!strcmp(word, names[k]))
                wanted |= 1 << k;
    int has = picture_look(test.picture, row_number(row), argument + used);
    return has >= 0 && (has & ~LOOK_COLOR) == (wanted & ~LOOK_COLOR) && (wanted & LOOK_COLOR) <= (has & LOOK_COLOR);
}

static int has_no_color(const char *argument) {
    (void)argument;
    return !picture_is_colored(test.picture);
}

static void until(int (*holds)(const char *argument), const char *argument, const char *why) {
    for (long late = now_ms() + (test.late ? LATE_MS : 0); child_await(&test.child, late);)
        ;
    long end = now_ms() + PATIENCE_MS;
    while (!holds(argument) && child_await(&test.child, end))
        ;
    if (!holds(argument))
        fail(why, argument);
}

static void step_wait(const char *argument) {
    until(on_screen, argument, "does not appear");
}

static void step_gone(const char *argument) {
    until(is_gone, argument, "does not go away");
}

static void step_row(const char *argument) {
    until(in_row, argument, "does not stand there");
}

static void step_cursor(const char *argument) {
    until(is_at, argument, "the cursor is elsewhere");
}

static void step_look(const char *argument) {
    until(looks, argument, "does not look so");
}

static void step_no_color(const char *argument) {
    until(has_no_color, argument, "there are colours");
}

static void step_settle(const char *argument) {
    if (!child_settle(&test.child, QUIET_MS))
        fail("it does not come to rest", argument);
}

/* ---------------------------------------------------------------- expected text */

static void add_mask(const char *pattern, const char *with) {
    struct mask *mask = &test.masks[test.nmasks];
    if (test.nmasks == MASKS_MOST || regcomp(&mask->pattern, pattern, REG_EXTENDED)) {
        fail("not a pattern", pattern);
        return;
    }
    snprintf(mask->with, sizeof mask->with, "%s", with);
    test.nmasks++;
}

static void step_mask(const char *argument) {
    const char *arrow = strstr(argument, " => ");
    char pattern[256];
    snprintf(pattern, sizeof pattern, "%.*s", arrow ? (int)(arrow - argument) : 0, argument);
    if (arrow)
        add_mask(pattern, arrow + 4);
    else
        fail("PATTERN => TEXT is expected", argument);
}

/* What differs from machine to machine. */
static void add_masks(void) {
    add_mask("[0-9.e+-]+ ms/batch", "# ms/batch");
    add_mask("[0-9]+:[0-9][0-9]:[0-9][0-9] left", "#:##:## left");
    add_mask("outputs/[-0-9]+/[-0-9]+", "outputs/DATE/TIME");
}

static void write_row(FILE *file, const char *row) {
    char text[8192], next[8192];
    snprintf(text, sizeof text, "%s", row);
    for (int k = 0; k < test.nmasks; k++) {
        regmatch_t match;
        size_t from = 0;
        while (!regexec(&test.masks[k].pattern, text + from, 1, &match, from ? REG_NOTBOL : 0) && match.rm_eo > 0) {
            size_t at = from + (size_t)match.rm_so;
            snprintf(next, sizeof next, "%.*s%s%s", (int)at, text, test.masks[k].with, text + from + match.rm_eo);
            memcpy(text, next, sizeof text);
            from = at + strlen(test.masks[k].with);
        }
    }
    fprintf(file, "%s\n", text);
}

static void step_golden(const char *argument) {
    char path[4096], command[9000];
    int row, column;
    step_settle("");
    snprintf(path, sizeof path, "%s/screens/%s.screen", test.folder, argument);
    FILE *file = fopen(test.update ? path : "seen", "w");
    if (!file) {
        fail("cannot be written", path);
        return;
    }
    for (int k = 0; k < picture_rows(test.picture); k++)
        write_row(file, picture_row(test.picture, k));
    picture_cursor(test.picture, &row, &column);
    fprintf(file, "cursor %d %d\n", row + 1, column + 1);
    fclose(file);
    snprintf(command, sizeof command, "diff -u '%s' seen", path);
    fflush(stdout);
    if (!test.update && system(command))
        fail("not as expected", argument);
}

/* ---------------------------------------------------------------- the program */

static void step_environment(const char *argument) {
    if (test.nenvironment == WORDS_MOST) {
        fail("too many", argument);
        return;
    }
    test.environment[test.nenvironment++] = strdup(argument);
    if (!strncmp(argument, "LC_ALL=", 7))
        test.utf8 = strstr(argument, "UTF-8") != NULL;
}

static void step_start(const char *argument) {
    char *words[WORDS_MOST + 2] = {(char *)test.fettle}, *text = strdup(argument);
    int count = 1;
    for (char *word = strtok(text, " "); word && count <= WORDS_MOST; word = strtok(NULL, " "))
        words[count++] = word;
    test.picture = picture_new(test.rows, test.columns, test.utf8);
    test.child = (struct child){.sink = feed};
    if (!test.picture ||
        child_start(&test.child, test.rows, test.columns, words, (const char *const *)test.environment)) {
        printf("skipped: no pseudo-terminal\n");
        exit(EXIT_SKIPPED);
    }
    free(text);
}

static void step_size(const char *argument) {
    if (sscanf(argument, "%d %d", &test.rows, &test.columns) != 2) {
        fail("ROWS COLUMNS are expected", argument);
    } else if (test.picture) {
        picture_resize(test.picture, test.rows, test.columns);
        child_resize(&test.child, test.rows, test.columns);
    }
}

static void send(const char *bytes, size_t size) {
    if (child_type(&test.child, bytes, size))
        fail("it does not take", bytes);
}

static void step_type(const char *argument) {
    send(argument, strlen(argument));
}

static void step_enter(const char *argument) {
    step_type(argument);
    send("\r", 1);
}

static void step_key(const char *argument) {
    static const char *const keys[][2] = {
        {"Enter", "\r"},   {"Tab", "\t"},       {"Esc", "\033"},     {"Space", " "},        {"Backspace", "\177"},
        {"Up", "\033[A"},  {"Down", "\033[B"},  {"Right", "\033[C"}, {"Left", "\033[D"},    {"Home", "\033[H"},
        {"End", "\033[F"}, {"PgUp", "\033[5~"}, {"PgDn", "\033[6~"}, {"Delete", "\033[3~"}, {"BackTab", "\033[Z"}};
    char *text = strdup(argument);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
        char with[3] = {0};
        const char *bytes = strlen(word) == 1 ? word : NULL;
        if (!strncmp(word, "C-", 2))
            bytes = memcpy(with, (char[]){(char)(word[2] & 0x1f)}, 1);
        else if (!strncmp(word, "M-C-", 4))
            bytes = memcpy(with, (char[]){'\033', (char)(word[4] & 0x1f)}, 2);
        else if (!strncmp(word, "M-", 2))
            bytes = memcpy(with, (char[]){'\033', word[2]}, 2);
        for (size_t k = 0; !bytes && k < sizeof keys / sizeof *keys; k++)
            if (!strcmp(word, keys[k][0]))
                bytes = keys[k][1];
        if (bytes)
            send(bytes, strlen(bytes));
        else
            fail("no such key", word);
    }
    free(text);
}

/* TIMES CHARACTER */
static void step_paste(const char *argument) {
    char *text;
    long times = strtol(argument, &text, 10);
    text += *text == ' ';
    for (; times > 0 && !test.failed; times--)
        send(text, strlen(text));
}

/* A button of the mouse pressed and let go, or its wheel: BUTTON ROW COLUMN */
static void step_mouse(const char *argument) {
    int button, row, column;
    char bytes[64];
    if (sscanf(argument, "%d %d %d", &button, &row, &column) != 3) {
        fail("BUTTON ROW COLUMN are expected", argument);
        return;
    }
    send(bytes, (size_t)snprintf(bytes, sizeof bytes, "\033[<%d;%d;%dM", button, column, row));
    if (button < 64)
        send(bytes, (size_t)snprintf(bytes, sizeof bytes, "\033[<%d;%d;%dm", button, column, row));
}

static void step_signal(const char *argument) {
    static const struct {
        const char *name;
        int number;
    } signals[] = {{"INT", SIGINT}, {"TERM", SIGTERM}, {"HUP", SIGHUP}, {"KILL", SIGKILL}};
    for (size_t k = 0; k < sizeof signals / sizeof *signals; k++)
        if (!strcmp(argument, signals[k].name))
            kill(test.child.pid, signals[k].number);
}

static void step_exit(const char *argument) {
    int status = child_finish(&test.child);
    if (status != atoi(argument)) {
        char got[32];
        snprintf(got, sizeof got, "%d, not %s", status, argument);
        fail("exit status", got);
    }
    picture_free(test.picture);
    test.picture = NULL;
}

static void step_file(const char *argument) {
    char path[256] = "", *text = strchr(argument, ' ');
    snprintf(path, sizeof path, "%.*s", (int)strcspn(argument, " "), argument);
    FILE *file = fopen(path, "a");
    if (!file) {
        fail("cannot be made", path);
        return;
    }
    if (text)
        fprintf(file, "%s\n", text + 1);
    fclose(file);
}

/* ---------------------------------------------------------------- scripts */

static const struct step {
    const char *name;
    int needs_program;
    void (*run)(const char *argument);
} steps[] = {
    {"environment", 0, step_environment}, /* NAME=VALUE, or NAME to remove it, for the programs started below */
    {"file", 0, step_file},               /* NAME [TEXT]: one in the scratch folder, with another line in it */
    {"mask", 0, step_mask},               /* PATTERN => TEXT: what the expected text does not hold */
    {"size", 0, step_size},               /* ROWS COLUMNS of the terminal */
    {"start", 0, step_start},             /* ARGUMENT... */
    {"type", 1, step_type},               /* TEXT */
    {"enter", 1, step_enter},             /* TEXT, and the Enter key */
    {"key", 1, step_key},                 /* NAME...: Esc, Tab, C-r, M-x, a single character, ... */
    {"paste", 1, step_paste},             /* TIMES TEXT */
    {"mouse", 1, step_mouse},             /* BUTTON ROW COLUMN */
    {"signal", 1, step_signal},           /* NAME */
    {"wait", 1, step_wait},               /* TEXT stands somewhere */
    {"gone", 1, step_gone},               /* TEXT stands nowhere */
    {"row", 1, step_row},                 /* ROW TEXT: it stands in that row; -1 is the last */
    {"cursor", 1, step_cursor},           /* ROW COLUMN */
    {"look", 1, step_look},               /* plain or LOOK+LOOK... ROW TEXT: all of it looks so */
    {"no-color", 1, step_no_color},
    {"settle", 1, step_settle}, /* nothing is written, and no thread runs */
    {"golden", 1, step_golden}, /* NAME: the screen is as NAME.screen says */
    {"exit", 1, step_exit},     /* STATUS: the program ends with it */
};

static void run_step(char *line) {
    char *argument = line + strcspn(line, " \n");
    argument[strcspn(argument, "\n")] = 0;
    if (*argument)
        *argument++ = 0;
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++)
        if (!strcmp(line, steps[k].name)) {
            if (steps[k].needs_program && !test.picture)
                fail("nothing runs", line);
            else
                steps[k].run(argument);
            return;
        }
    fail("no such step", line);
}

static void run_script(const char *name) {
    char path[4096], command[9000], line[4096];
    snprintf(path, sizeof path, "%s/screens/%s.keys", test.folder, name);
    FILE *file = fopen(path, "r");
    test.name = name;
    test.line = test.failed = 0;
    test.rows = 24;
    test.columns = 80;
    snprintf(test.scratch, sizeof test.scratch, "/tmp/fettle-screens-XXXXXX");
    snprintf(command, sizeof command, "cp '%s'/*.yaml '%s'/water.xyz .", test.folder, test.folder);
    if (!file || !mkdtemp(test.scratch) || chdir(test.scratch) || system(command)) {
        fail("cannot begin", path);
        return;
    }
    add_masks();
    static const char *const environment[] = {"TERM=xterm-256color",
                                              "LC_ALL=C.UTF-8",
                                              "FETTLE_NUM_THREADS=1",
                                              "INPUTRC=/dev/null",
                                              "NO_COLOR",
                                              "COLUMNS",
                                              "LINES",
                                              "FETTLE_LOG_LEVEL"};
    for (size_t k = 0; k < sizeof environment / sizeof *environment; k++)
        step_environment(environment[k]);
    snprintf(line, sizeof line, "XDG_STATE_HOME=%s/state", test.scratch);
    step_environment(line);
    snprintf(line, sizeof line, "XDG_CONFIG_HOME=%s/config", test.scratch);
    step_environment(line);
    while (!test.failed && fgets(line, sizeof line, file)) {
        test.line++;
        if (line[0] != '\n' && line[0] != '#')
            run_step(line);
    }
    fclose(file);
    if (test.picture) {
        if (!test.failed)
            fail("the program still runs", name);
        kill(test.child.pid, SIGKILL);
        step_exit("-");
    }
    for (; test.nmasks > 0; test.nmasks--)
        regfree(&test.masks[test.nmasks - 1].pattern);
    for (; test.nenvironment > 0; test.nenvironment--)
        free(test.environment[test.nenvironment - 1]);
    memset(test.environment, 0, sizeof test.environment);
    snprintf(command, sizeof command, "rm -rf '%s'", test.scratch);
    if (chdir("/") || system(command))
        fail("cannot be removed", test.scratch);
}

static int is_wanted(const char *name, char **names) {
    for (int k = 0; names[k]; k++)
        if (!strcmp(names[k], name))
            return 1;
    return !names[0];
}

int main(int argc, char **argv) {
    char path[4096];
    struct dirent **entries;
    int failures = 0;
    if (argc < 3)
        return 2;
    test.fettle = realpath(argv[1], NULL);
    test.folder = realpath(argv[2], NULL);
    test.update = getenv("UPDATE") != NULL;
    test.late = getenv("LATE") != NULL;
    snprintf(path, sizeof path, "%s/screens", test.folder ? test.folder : "");
    int count = scandir(path, &entries, NULL, alphasort);
    if (!test.fettle || count < 0)
        return 2;
    for (int k = 0; k < count; k++) {
        char *end = strstr(entries[k]->d_name, ".keys");
        if (end)
            *end = 0;
        if (end && is_wanted(entries[k]->d_name, argv + 3)) {
            long begin = now_ms();
            run_script(entries[k]->d_name);
            printf("%s: %s (%.1f s)\n", test.failed ? "FAILED" : "ok", entries[k]->d_name,
                   1e-3 * (double)(now_ms() - begin));
            fflush(stdout);
            failures += test.failed;
        }
        free(entries[k]);
    }
    free(entries);
    free((char *)test.fettle);
    free((char *)test.folder);
    printf("%d failed\n", failures);
    return failures != 0;
}
