/* Random keys, bytes and sizes in the panes or at the plain prompt: nothing may end the program, hang it, or spoil the
 * terminal.
 *
 *     test_fuzz FETTLE FOLDER panes|line [SEED]
 *
 * FETTLE_FUZZ_KEYS says how many (1000 without it). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "child.h"
#include "picture.h"

enum { KEYS = 1000, A_LIFE = 5000, BETWEEN_PROBES = 250, REMEMBERED = 512, TAIL = 4096 };

static struct {
    const char *fettle;
    int line; /* the plain prompt */
    char inputrc[64], state[64], leaks[4200];
    unsigned long long random;
    struct child child;
    struct picture *picture;
    struct termios before;
    char typed[REMEMBERED]; /* the last of it */
    size_t ntyped;
    char tail[TAIL + 1]; /* of what came back */
    size_t ntail;
    int probes, lives, failed;
    long memory; /* kB, at most */
} fuzz;

static unsigned pick(unsigned below) {
    fuzz.random ^= fuzz.random << 13;
    fuzz.random ^= fuzz.random >> 7;
    fuzz.random ^= fuzz.random << 17;
    return (unsigned)(fuzz.random >> 33) % below;
}

static void feed(void *context, const char *bytes, size_t size) {
    (void)context;
    if (fuzz.picture)
        picture_feed(fuzz.picture, bytes, size);
    for (size_t k = size > TAIL ? size - TAIL : 0; k < size; k++) {
        if (fuzz.ntail == TAIL) {
            memmove(fuzz.tail, fuzz.tail + TAIL / 2, TAIL / 2);
            fuzz.ntail = TAIL / 2;
        }
        fuzz.tail[fuzz.ntail++] = bytes[k];
    }
}

static void type(const char *bytes, size_t size) {
    for (size_t k = 0; k < size; k++)
        fuzz.typed[fuzz.ntyped++ % REMEMBERED] = bytes[k];
    child_type(&fuzz.child, bytes, size);
}

static void type_text(const char *text) {
    type(text, strlen(text));
}

/* All of the screen is written anew, for the next `shows`. */
static void look_at(int rows, int columns) {
    picture_free(fuzz.picture);
    fuzz.picture = picture_new(rows, columns, 1);
    child_resize(&fuzz.child, rows, columns);
}

/* libvterm bears neither every size nor all that is written meanwhile. */
static void look_away(void) {
    picture_free(fuzz.picture);
    fuzz.picture = NULL;
}

static void fail(const char *what, long key) {
    printf("FAILED: %s, at key %ld\n  typed, at last:", what, key);
    for (size_t k = fuzz.ntyped > REMEMBERED ? fuzz.ntyped - REMEMBERED : 0; k < fuzz.ntyped; k++) {
        char c = fuzz.typed[k % REMEMBERED];
        printf(c >= ' ' && c <= '~' && c != '\\' ? "%c" : "\\x%02x", (unsigned char)c);
    }
    printf("\n  screen:\n");
    for (int row = 0; fuzz.picture && row < picture_rows(fuzz.picture); row++)
        printf("    | %s\n", picture_row(fuzz.picture, row));
    fuzz.tail[fuzz.ntail] = 0;
    printf("  bytes, at last: %s\n", fuzz.tail);
    fflush(stdout);
    if (system("cat sanitizer.* 2>/dev/null | head -n 60")) {
        /* there is nothing to show */
    }
    fuzz.failed = 1;
}

/* ---------------------------------------------------------------- keys */

static const char *const words[] = {
    "print ",  "step",       "next",       "tree ",    "info ",   "ema",     "optimizer", "layout ", "values ",
    "focus ",  "chart ",     "log",        "smooth ",  "0.9",     "last ",   "-1",        "1e400",   "nan",
    "break ",  "watch ",     "lr",         "> ",       "(",       ")",       "catch ",    "delete ", "rewind ",
    "3",       "set ",       "ema_decay ", "strategy", " base",   " config", "=",         "\"",      "'",
    "\\",      "#",          "help ",      "apropos ", "plot ",   "size ",   "100 ",      "worst ",  "hist ",
    "module ", "checkpoint", "a ",         "restart ", "until ",  "stepi",   "display",   "source ", "水",
    "\u0301",  "é",          "commands ",  "end",      "ignore ", "stop",    "audit",     "save ",   "export ",
    "csv ",    "continue",   "find ",      "screen ",  "freeze ", "layer0*", "reinit "};
static const char *const keys[] = {"\t",
                                   "\t\t",
                                   "\r",
                                   "\r",
                                   "\033",
                                   "\033[A",
                                   "\033[B",
                                   "\033[C",
                                   "\033[D",
                                   "\033[H",
                                   "\033[F",
                                   "\033[5~",
                                   "\033[6~",
                                   "\033[3~",
                                   "\033OA",
                                   "\033[Z",
                                   "\033[1;5C",
                                   "\033b",
                                   "\033f",
                                   "\033[99~",
                                   "\033[",
                                   "\033O",
                                   "\033[<",
                                   "\033[M",
                                   "\033[200~",
                                   "\033[201~",
                                   "\023\021",
                                   "\007",
                                   "\001",
                                   "\005",
                                   "\013",
                                   "\025",
                                   "\027",
                                   "\031",
                                   "\024",
                                   "\014",
                                   "\020",
                                   "\016",
                                   "\017",
                                   "\026",
                                   "\177",
                                   "\010",
                                   "\003",
                                   "\003",
                                   "\003\003",
                                   "\034",
                                   "\037",
                                   "\030\005",
                                   "\0331",
                                   "\0339999",
                                   "\033-",
                                   "\033\033",
                                   "\033\t",
                                   "\xff",
                                   "\xc3",
                                   "\xe6\xb0",
                                   "\x80",
                                   "\xed\xa0\x80",
                                   "\xf0\x9f\x98\x80",
                                   "\022",
                                   "\022",
                                   "\022",
                                   "\022p",
                                   "\022\022",
                                   "\022\033",
                                   "\022\003",
                                   "\022\007",
                                   "\023",
                                   "\023",
                                   "\033<",
                                   "\033>",
                                   "\033p",
                                   "\033n",
                                   "\033.",
                                   "\033_",
                                   "\033\031",
                                   "\033y",
                                   "\033r",
                                   "\033u",
                                   "\033d",
                                   "\033\177",
                                   "\033*",
                                   "\033?",
                                   "\033#",
                                   "\033~",
                                   "\033\r",
                                   "\033\n",
                                   "\035",
                                   "\033\035",
                                   "\030(",
                                   "\030)",
                                   "\030e",
                                   "\030\022",
                                   "\030\030",
                                   "\030\177",
                                   "\030p",
                                   "\030n",
                                   "\030s",
                                   "\030m",
                                   "\030k",
                                   "\036"};
/* Left out are the end of the input, a stop and `quit`. */
static const char singles[] = "?i:sncu+=-hlafvgG<>x123456zkjN/ .*wWbBdDeEpPrRtTyYoO;!@#$%^&()_[]{}|,~`";
/* Bound beside what readline has by itself. */
static const char inputrc[] = "\"\\C-xp\": history-search-backward\n"
                              "\"\\C-xn\": history-search-forward\n"
                              "\"\\C-xs\": history-substring-search-backward\n"
                              "\"\\C-xm\": menu-complete\n"
                              "\"\\C-xk\": \"print \\C-rst\\C-a\\C-k\\C-y\"\n";

static size_t add_key(char *bytes, size_t size) {
    unsigned what = pick(100);
    const char *text = what < 40 ? words[pick(sizeof words / sizeof *words)] : keys[pick(sizeof keys / sizeof *keys)];
    if (what >= 40 && what < 60) {
        bytes[size] = singles[pick(sizeof singles - 1)];
        return size + 1;
    }
    memcpy(bytes + size, text, strlen(text));
    return size + strlen(text);
}

/* Several keys with one write, or byte by byte. */
static void burst(void) {
    char bytes[256];
    size_t size = 0;
    for (unsigned k = 2 + pick(8); k > 0; k--) {
        size = add_key(bytes, size);
        if (pick(6) == 0)
            bytes[size++] = '\003';
    }
    if (pick(2)) {
        type(bytes, size);
        return;
    }
    for (size_t k = 0; k < size; k++) {
        type(bytes + k, 1);
        if (pick(4) == 0)
            usleep(1000 * pick(pick(4) ? 3 : 70));
    }
}

static void press(void) {
    char text[64];
    unsigned what = pick(100);
    if (what < 26) {
        type_text(words[pick(sizeof words / sizeof *words)]);
    } else if (what < 36) {
        type_text(words[pick(sizeof words / sizeof *words)]);
        type_text("\r");
    } else if (what < 58) {
        type(&singles[pick(sizeof singles - 1)], 1);
    } else if (what < 80) {
        type_text(keys[pick(sizeof keys / sizeof *keys)]);
    } else if (what < 88) {
        burst();
    } else if (what < 92) {
        type(text, (size_t)snprintf(text, sizeof text, "\033[<%u;%u;%u%c", pick(100), pick(210), pick(70),
                                    pick(2) ? 'M' : 'm'));
    } else if (what < 94) {
        type(text, (size_t)snprintf(text, sizeof text, "\033[M%c%c%c", (char)(32 + pick(95)), (char)(33 + pick(94)),
                                    (char)(33 + pick(94))));
    } else if (what < 97) {
        for (unsigned k = pick(40); k > 0; k--) {
            char byte = (char)pick(256);
            if (byte != 4 && byte != 26 && byte != 'q')
                type(&byte, 1);
        }
    } else {
        child_resize(&fuzz.child, 1 + (int)pick(pick(2) ? 5 : 70), 1 + (int)pick(pick(2) ? 30 : 220));
    }
    if (pick(3) == 0)
        child_receive(&fuzz.child, (long)pick(20));
}

/* ---------------------------------------------------------------- lives */

static int shows(const char *text) {
    fuzz.tail[fuzz.ntail] = 0;
    if (fuzz.line)
        return strstr(fuzz.tail, text) != NULL;
    for (int row = 0; row < picture_rows(fuzz.picture); row++)
        if (strstr(picture_row(fuzz.picture, row), text))
            return 1;
    return 0;
}

#ifdef __SANITIZE_THREAD__
#define FUZZ_THREADS "FETTLE_NUM_THREADS=3"
#else
#define FUZZ_THREADS "FETTLE_NUM_THREADS=1"
#endif

static int start(void) {
    char *words_of[] = {(char *)fuzz.fettle, "config.yaml", "trainer.max_epochs=1000000", fuzz.line ? "--line" : NULL,
                        NULL};
    const char *environment[] = {"TERM=xterm-256color",
                                 "LC_ALL=C.UTF-8",
                                 FUZZ_THREADS,
                                 fuzz.inputrc,
                                 fuzz.state,
                                 fuzz.leaks,
                                 "ASAN_OPTIONS=log_path=sanitizer",
                                 "UBSAN_OPTIONS=log_path=sanitizer:print_stacktrace=1",
                                 NULL};
    picture_free(fuzz.picture);
    fuzz.picture = picture_new(24, 80, 1);
    fuzz.ntail = fuzz.ntyped = 0;
    fuzz.child.sink = feed;
    if (child_start(&fuzz.child, 24, 80, words_of, environment))
        return -1;
    tcgetattr(fuzz.child.fd, &fuzz.before);
    fuzz.lives++;
    for (long end = now_ms() + PATIENCE_MS; !shows(fuzz.line ? "(fettle) " : "idle") && now_ms() < end;)
        child_receive(&fuzz.child, 50);
    look_away();
    return 0;
}

/* Whatever it was in the middle of, it comes back to the prompt and answers. */
static void probe(long key) {
    char question[64], answer[64];
    int number = 1000 + ++fuzz.probes, found = 0;
    snprintf(question, sizeof question, "print %d*3\r", number);
    snprintf(answer, sizeof answer, "= %d.0", 3 * number);
    for (long end = now_ms() + PATIENCE_MS; !found && now_ms() < end && !child_ended(&fuzz.child);) {
        /* a paste ends, output goes on, searches end, a run pauses, panes are left; what follows Ctrl-C at once could
         * be dropped with what waits */
        static const char *const steps[] = {"\033[201~\021\007\003", "\033", "i\003", "\025end\r"};
        for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
            type_text(steps[k]);
            for (long until = now_ms() + 150; now_ms() < until;)
                child_receive(&fuzz.child, 20);
        }
        fuzz.ntail = 0;
        type_text(question);
        for (long until = now_ms() + 3000; !found && now_ms() < until && !child_ended(&fuzz.child);) {
            look_at(24, 80 + (int)pick(2));
            for (long look = now_ms() + 300; !found && now_ms() < look; child_receive(&fuzz.child, 50))
                found = shows(answer);
        }
    }
    long memory = child_memory(&fuzz.child);
    fuzz.memory = memory > fuzz.memory ? memory : fuzz.memory;
    if (!found && !child_ended(&fuzz.child))
        fail("it does not answer any more", key);
    look_away();
}

/* It has ended by itself: `quit` may have been among the keys. */
static void bury(long key) {
    int status = child_finish(&fuzz.child);
    char what[64];
    snprintf(what, sizeof what, "it ended with status %d", status);
    if (status)
        fail(what, key);
}

static void end_life(long key) {
    if (!child_ended(&fuzz.child))
        probe(key);
    if (fuzz.failed || child_ended(&fuzz.child)) {
        if (fuzz.failed)
            kill(fuzz.child.pid, SIGKILL);
        bury(key);
        return;
    }
    type_text("quit\r");
    int restored = child_modes_become(&fuzz.child, &fuzz.before);
    bury(key);
    if (!restored)
        fail("the terminal's modes are not as they were", key);
}

static int write_inputrc(void) {
    FILE *file = fopen("inputrc", "w");
    if (!file)
        return -1;
    fputs(inputrc, file);
    return fclose(file);
}

int main(int argc, char **argv) {
    char scratch[] = "/tmp/fettle-fuzz-XXXXXX", command[9000];
    const char *count_text = getenv("FETTLE_FUZZ_KEYS");
    long count = count_text ? atol(count_text) : KEYS, key;
    if (argc < 4 || !mkdtemp(scratch) || !(fuzz.fettle = realpath(argv[1], NULL)))
        return 2;
    fuzz.line = !strcmp(argv[3], "line");
    fuzz.random = 0x9e3779b97f4a7c15ull + (argc > 4 ? strtoull(argv[4], NULL, 10) : 0);
    snprintf(fuzz.inputrc, sizeof fuzz.inputrc, "INPUTRC=%s/inputrc", scratch);
    snprintf(fuzz.state, sizeof fuzz.state, "XDG_STATE_HOME=%s/state", scratch);
    char *folder = realpath(argv[2], NULL);
    snprintf(fuzz.leaks, sizeof fuzz.leaks, "LSAN_OPTIONS=print_suppressions=0:suppressions=%s/readline.supp",
             folder ? folder : "");
    free(folder);
    snprintf(command, sizeof command, "cp '%s'/*.yaml '%s'/water.xyz %s", argv[2], argv[2], scratch);
    if (system(command) || chdir(scratch) || write_inputrc())
        return 2;
    if (start()) {
        printf("skipped: no pseudo-terminal\n");
        return EXIT_SKIPPED;
    }
    for (key = 1; key <= count && !fuzz.failed; key++) {
        press();
        if (key % A_LIFE == 0)
            end_life(key);
        else if (key % BETWEEN_PROBES == 0)
            probe(key);
        if (!fuzz.failed && key % A_LIFE && child_ended(&fuzz.child))
            bury(key);
        if (!fuzz.failed && child_ended(&fuzz.child) && start())
            return 2;
    }
    if (!fuzz.failed)
        end_life(key);
    else
        kill(fuzz.child.pid, SIGKILL);
    picture_free(fuzz.picture);
    snprintf(command, sizeof command, "rm -rf '%s'", scratch);
    if (chdir("/") || system(command))
        fuzz.failed = 1;
    printf("%ld keys, %d answers, %d lives, %ld kB at most; %s\n", key - 1, fuzz.probes, fuzz.lives, fuzz.memory,
           fuzz.failed ? "FAILED" : "ok");
    free((char *)fuzz.fettle);
    return fuzz.failed;
}
