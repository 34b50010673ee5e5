#include "base/processors.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

enum { PATH = 4096 };

/* A hierarchy of control groups that limits time: version 2 (all in one), or the "cpu" of version 1. */
struct hierarchy {
    int unified;
    char group[PATH];  /* the process's, as /proc/self/cgroup has it */
    char root[PATH];   /* the group that is mounted */
    char folder[PATH]; /* where */
};

/* Whether a list "a,b,c" holds the word. */
static int has_word(const char *list, const char *word) {
    size_t length = strlen(word);
    for (const char *p = list; p; p = strchr(p, ',')) {
        p += *p == ',';
        if (!strncmp(p, word, length) && (!p[length] || p[length] == ','))
            return 1;
    }
    return 0;
}

static FILE *open_below(const char *root, const char *path) {
    char name[2 * PATH];
    int length = snprintf(name, sizeof name, "%s%s", root, path);
    return length > 0 && (size_t)length < sizeof name ? fopen(name, "re") : NULL;
}

/* ID:CONTROLLERS:GROUP; version 2 has the ID 0 and no controllers. */
static int find_group(struct hierarchy *h, const char *root) {
    FILE *file = open_below(root, "/proc/self/cgroup");
    char *line = NULL;
    size_t capacity = 0;
    int found = 0;
    while (file && !found && getline(&line, &capacity, file) > 0) {
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = 0;
        group[strcspn(group, "\n")] = 0;
        found = (h->unified ? !controllers[1] : has_word(controllers + 1, "cpu")) && strlen(group) < PATH;
        if (found)
            strcpy(h->group, group);
    }
    free(line);
    if (file)
        fclose(file);
    return found;
}

/* ID PARENT DEVICE ROOT FOLDER OPTIONS [FIELDS...] - TYPE SOURCE OPTIONS */
static int find_mount(struct hierarchy *h, const char *root) {
    FILE *file = open_below(root, "/proc/self/mountinfo");
    char *line = NULL;
    size_t capacity = 0;
    int found = 0;
    while (file && !found && getline(&line, &capacity, file) > 0) {
        char type[32], options[1024], *rest = strstr(line, " - ");
        if (!rest || sscanf(rest, " - %31s %*s %1023s", type, options) != 2 ||
            sscanf(line, "%*s %*s %*s %4095s %4095s", h->root, h->folder) != 2)
            continue;
        found = h->unified ? !strcmp(type, "cgroup2") : !strcmp(type, "cgroup") && has_word(options, "cpu");
    }
    free(line);
    if (file)
        fclose(file);
    return found;
}

static int read_numbers(const char *root, const char *folder, const char *name, double *first, double *second) {
    char path[2 * PATH], words[2][32] = {"", ""};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = open_below(root, path);
    int count = file ? fscanf(file, "%31s %31s", words[0], words[1]) : 0;
    if (file)
        fclose(file);
    if (count < 1)
        return 0;
    *first = text_to_double(words[0], strlen(words[0])); /* "max" is no number */
    if (second)
        *second = text_to_double(words[1], strlen(words[1]));
    return 1;
}

/* The limit of one group; 0: none. */
static double limit_of(const struct hierarchy *h, const char *root, const char *folder) {
    double quota = 0, period = 0;
    int known = h->unified ? read_numbers(root, folder, "cpu.max", &quota, &period)
                           : read_numbers(root, folder, "cpu.cfs_quota_us", &quota, NULL) &&
                                 read_numbers(root, folder, "cpu.cfs_period_us", &period, NULL);
    return known && quota > 0 && period > 0 ? quota / period : 0; /* false as well where one is no number */
}

double processors_quota(const char *root) {
    double least = 0;
    for (int unified = 0; unified < 2; unified++) {
        struct hierarchy h = {.unified = unified};
        char folder[2 * PATH];
        if (!find_group(&h, root) || !find_mount(&h, root))
            continue;
        /* a container sees its group from outside, and mounts only what is below */
        size_t skip = strcmp(h.root, "/") ? strlen(h.root) : 0;
        const char *below = !strncmp(h.group, h.root, skip) ? h.group + skip : "";
        size_t top = (size_t)snprintf(folder, sizeof folder, "%s", h.folder);
        snprintf(folder + top, sizeof folder - top, "%s", below);
        for (;;) { /* a group has no more time than those above it */
            double limit = limit_of(&h, root, folder);
            if (limit > 0 && (!least || limit < least))
                least = limit;
            char *slash = strrchr(folder, '/');
            if (!slash || slash < folder + top)
                break;
            *slash = 0;
        }
    }
    return least;
}

int processors_usable(void) {
    cpu_set_t set;
    long count = sched_getaffinity(0, sizeof set, &set) ? sysconf(_SC_NPROCESSORS_ONLN) : CPU_COUNT(&set);
    double quota = processors_quota("");
    if (quota > 0 && quota < (double)count)
        count = (long)(quota + 0.5); /* half of one more is worth a thread, less is not */
    return count > 0 ? (int)count : 1;
}
