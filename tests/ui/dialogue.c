#include "dialogue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEEN_MAX = 1 << 20 };

int failures;
const char *fettle;
char scratch[] = "/tmp/fettle-terminal-XXXXXX";

int dialogue_open(int argc, char **argv) {
    char command[4096];

    if (argc < 3 || !mkdtemp(scratch) || !(fettle = realpath(argv[1], NULL)))
        return -1;
    snprintf(command, sizeof command, "cp '%s'/config.yaml '%s'/water.xyz %s", argv[2], argv[2], scratch);
    return system(command) || chdir(scratch) ? -1 : 0;
}

int dialogue_close(void) {
    char command[4096];

    snprintf(command, sizeof command, "rm -rf '%s'", scratch);
    if (system(command))
        failures++;
    free((char *)fettle);
    printf("%d failed\n", failures);
    return failures != 0;
}

void check(int good, const char *what) {
    printf("%s: %s\n", good ? "ok" : "FAILED", what);
    fflush(stdout);
    failures += !good;
}

/* The newest half stays where there is too much. */
static void keep(void *context, const char *bytes, size_t size) {
    struct terminal *t = context;

    if (t->size + size >= SEEN_MAX) {
        memmove(t->seen, t->seen + t->size / 2, t->size - t->size / 2);
        t->size -= t->size / 2;
    }
    memcpy(t->seen + t->size, bytes, size);
    t->size += size;
    t->seen[t->size] = '\0';
}

void start_on(struct terminal *t, const char *type_name, char *const *arguments) {
    char type[64], state[128], config[128];
    const char *environment[] = {type, state, config, "FETTLE_NUM_THREADS=1", NULL};

    snprintf(type, sizeof type, "TERM=%s", type_name);
    snprintf(state, sizeof state, "XDG_STATE_HOME=%s", scratch);
    snprintf(config, sizeof config, "XDG_CONFIG_HOME=%s", scratch);
    memset(t, 0, sizeof *t);
    t->seen = calloc(1, SEEN_MAX);
    t->child.sink = keep;
    t->child.context = t;
    if (child_start(&t->child, 24, 80, arguments, environment)) {
        printf("skipped: no pseudo-terminal (%s)\n", strerror(errno));
        exit(EXIT_SKIPPED);
    }
}

void start(struct terminal *t, char *const *arguments) {
    start_on(t, "xterm", arguments);
}

void expect(struct terminal *t, const char *text, const char *what) {
    long end = now_ms() + PATIENCE_MS;
    char *found;

    while (!(found = strstr(t->seen, text)) && child_await(&t->child, end))
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

void type(struct terminal *t, const char *keys) {
    if (child_type(&t->child, keys, strlen(keys)))
        check(0, "typing");
}

void check_alive(struct terminal *t, const char *question, const char *answer, const char *what) {
    int found = 0;

    type(t, question);
    /* another size: all of the screen is written, until the answer stands on it; ever more time for that */
    for (long k = 0, last = now_ms() + PATIENCE_MS; !found && now_ms() < last; k++) {
        long end = now_ms() + 200 + 50 * k;
        t->size = 0;
        t->seen[0] = '\0';
        child_resize(&t->child, 24, 80 + (int)(k % 2));
        while (!(found = strstr(t->seen, answer) != NULL) && now_ms() < end)
            child_receive(&t->child, end - now_ms());
    }
    check(found, what);
}

int finish(struct terminal *t) {
    int status = child_finish(&t->child);

    free(t->seen);
    return status;
}
