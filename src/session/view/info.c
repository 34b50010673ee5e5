#include "session/view/info.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "session/progress.h"
#include "session/session_internal.h"
#include "session/stop/stops_print.h"
#include "session/view/info_data.h"
#include "session/view/info_program.h"
#include "session/view/submodules.h"
#include "train/run/composition.h"
#include "train/run/describe.h"
#include "train/run/registry.h"

/* ---------------------------------------------------------------- where things stand */

static int info_run(struct session *session, int count, char *const *words, struct error *error) {
    struct text place = {0};

    (void)count, (void)words, (void)error;
    progress_place(session->trainer, &place);
    session_print(session, "%s\n%s, %s, next phase: %s\n", session->path, place.data ? place.data : "",
                  trainer_done(session->trainer) ? "done" : "not done", phase_name(trainer_phase(session->trainer)));
    if (trainer_output(session->trainer))
        session_print(session, "writes to %s\n", trainer_output(session->trainer));
    text_free(&place);
    return 0;
}

static int info_session(struct session *session, int count, char *const *words, struct error *error) {
    struct text yaml = {0};

    (void)count, (void)words, (void)error;
    config_write_yaml(trainer_config(session->trainer), &yaml);
    session_print(session, "%s", yaml.data ? yaml.data : "");
    text_free(&yaml);
    return 0;
}

static int info_break(struct session *session, int count, char *const *words, struct error *error) {
    (void)count, (void)words, (void)error;
    session_print_stops(session);
    return 0;
}

static int info_rewind(struct session *session, int count, char *const *words, struct error *error) {
    (void)count, (void)words, (void)error;
    session_print_points(session);
    return 0;
}

static int describe(struct session *session, const char *what, struct error *error) {
    struct text text = {0};
    int code = trainer_describe(session->trainer, what, &text, error);

    if (!code)
        session_print(session, "%s", text.data ? text.data : "");
    text_free(&text);
    return code;
}

/* Of the training module, but for the base where there are others. */
static int info_layers(struct session *session, int count, char *const *words, struct error *error) {
    const char *what;
    int code = 0, layers = 0;
    (void)count, (void)words;
    session_print(session, "%s\n", trainer_strategy(session->trainer));
    for (size_t k = 0; !code && (what = trainer_described(session->trainer, k)); k++)
        if (strcmp(what, "optimizer") && strcmp(what, "scheduler") && strcmp(what, "base")) {
            code = describe(session, what, error);
            layers++;
        }
    return code || layers ? code : describe(session, "base", error);
}

static int info_module_words(struct session *session, int count, char *const *words, struct error *error) {
    return info_module(session, count ? words[0] : NULL, error);
}

enum topic_flags {
    TOPIC_OPEN = 1, /* needs an open session */
    TOPIC_SLOW = 2  /* takes its time: no pane shows it */
};

static const struct topic {
    const char *name;
    const char *usage; /* of what may follow it */
    int max;           /* words after it */
    unsigned flags;
    const char *help;
    session_names *complete; /* of these; may be NULL */
    int (*exec)(struct session *session, int count, char *const *words, struct error *error);
} topics[] = {
    {"run", "", 0, TOPIC_OPEN, "where the loop stands", NULL, info_run},
    {"session", "", 0, TOPIC_OPEN, "the config as resolved", NULL, info_session},
    {"module", " [PATH]", 1, TOPIC_OPEN, "a module and its parameters", modules_complete, info_module_words},
    {"layers", "", 0, TOPIC_OPEN, "all layers of the training module", NULL, info_layers},
    {"break", "", 0, 0, "stop points", NULL, info_break},
    {"rewind", "", 0, TOPIC_OPEN, "states that are kept to go back to", NULL, info_rewind},
    {"program", " [step|eval] [all]", 2, TOPIC_OPEN | TOPIC_SLOW,
     "what a training step is made of, and what its parts cost", info_program_complete, info_program},
    {"data", " [ROLE]", 1, TOPIC_OPEN | TOPIC_SLOW, "data sets, their labels, and what is odd about them",
     roles_complete, info_data},
    {"errors", " [ROLE]", 1, TOPIC_OPEN | TOPIC_SLOW, "errors of energies and of forces, by type", roles_complete,
     info_errors},
};
enum { TOPICS = sizeof topics / sizeof *topics };

/* ---------------------------------------------------------------- what a config may name */

/* The name that people type: the alias, else the last part of the _target_. */
static const char *short_name(const struct registry *registry, size_t k) {
    struct option_target target = registry->entry(k).target;
    return target.alias ? target.alias : text_behind(target.target, '.');
}

static int unknown_entry(const struct registry *registry, const char *name, struct error *error) {
    struct names names = {0};
    for (size_t k = 0; k < registry->count(); k++)
        names_add(&names, short_name(registry, k));
    int code = names_unknown(&names, registry->what, name, error);
    names_free(&names);
    return code;
}

static int print_registry(struct session *session, const struct registry *registry, const char *name,
                          struct error *error) {
    struct text options = {0};
    int which = name ? registry_find(registry, name) : -1;
    if (name && which < 0)
        return unknown_entry(registry, name, error);
    for (size_t k = 0; !name && k < registry->count(); k++)
        session_print(session, "%-24s %s\n", short_name(registry, k), registry->entry(k).help);
    if (!name) {
        session_print(session, "`info %s NAME` shows the options of one\n", registry->name);
        return 0;
    }
    struct registry_entry entry = registry->entry((size_t)which);
    session_print(session, "_target_: %s%s%s\n%s\n", entry.target.target, entry.target.alias ? ", or " : "",
                  entry.target.alias ? entry.target.alias : "", entry.help);
    registry->describe((size_t)which, &options);
    session_print(session, "%s", options.data ? options.data : "  no options\n");
    text_free(&options);
    return 0;
}

/* ---------------------------------------------------------------- topics */

static void topics_complete(struct session *session, const char *line, session_add *add, void *context) {
    (void)line;
    for (int k = 0; k < TOPICS; k++)
        add(context, topics[k].name);
    for (size_t k = 0; session->trainer && trainer_described(session->trainer, k); k++)
        add(context, trainer_described(session->trainer, k));
    for (size_t k = 0; k < registry_count; k++)
        add(context, registries[k].name);
}

/* The shortest topic that begins with a word: it is meant where the others that do go on from it ("optimizer", where
 * there is "optimizers" as well), or where it is the word. */
struct meant {
    const char *word;
    char name[64];
    int several;
};

static int begins(const char *text, const char *with) {
    return !strncmp(text, with, strlen(with));
}

static void find_shortest(void *context, const char *candidate) {
    struct meant *meant = context;
    if (begins(candidate, meant->word) && (!meant->name[0] || strlen(candidate) < strlen(meant->name)))
        snprintf(meant->name, sizeof meant->name, "%s", candidate);
}

static void find_others(void *context, const char *candidate) {
    struct meant *meant = context;
    meant->several |= begins(candidate, meant->word) && !begins(candidate, meant->name);
}

static int find_name(struct session *session, const char *word, char name[64], struct error *error) {
    struct meant meant = {.word = word};
    topics_complete(session, "", find_shortest, &meant);
    topics_complete(session, "", find_others, &meant);
    if (meant.several && strcmp(meant.name, word))
        return error_set(error, ERROR_NAME, "\"%s\" begins several topics; `info` lists them", word);
    snprintf(name, 64, "%s", meant.name[0] ? meant.name : word);
    return 0;
}

/* Techniques that this run could have, but has not. */
static int is_technique(const char *name) {
    for (size_t k = 0; k < composition_kind_count; k++)
        for (int l = 0; l < MAX_LAYERS && composition_kinds[k]->layers[l]; l++)
            if (strcmp(composition_kinds[k]->layers[l]->name, name) == 0)
                return 1;
    return strcmp(name, "optimizer") == 0 || strcmp(name, "scheduler") == 0;
}

static void list_topics(struct session *session) {
    const char *what;
    for (int k = 0; k < TOPICS; k++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", topics[k].name, topics[k].usage);
        session_print(session, "  info %-24s %s\n", name, topics[k].help);
    }
    for (size_t k = 0; session->trainer && (what = trainer_described(session->trainer, k)); k++)
        session_print(session, "  info %-24s what it is at\n", what);
    for (size_t k = 0; k < registry_count; k++) {
        char name[64];
        snprintf(name, sizeof name, "%s [NAME]", registries[k].name);
        session_print(session, "  info %-24s what a config may name\n", name);
    }
}

static int exec_topic(struct session *session, const struct topic *topic, int count, char *const *words,
                      struct error *error) {
    if (count > topic->max)
        return error_set(error, ERROR_USAGE, "usage: info %s%s", topic->name, topic->usage);
    if ((topic->flags & TOPIC_OPEN) && !session->trainer)
        return error_set(error, ERROR_STATE, "no session is open; `open FILE` opens one");
    if ((topic->flags & TOPIC_SLOW) && session->captured)
        return error_set(error, ERROR_USAGE, "info %s takes its time: it is no pane", topic->name);
    return topic->exec(session, count, words, error);
}

int info_exec(struct session *session, const struct command_line *line, struct error *error) {
    int count = line->count - 2, code;
    char name[64];

    if (line->count == 1) {
        list_topics(session);
        return 0;
    }
    if ((code = find_name(session, line->words[1], name, error)))
        return code;
    for (int k = 0; k < TOPICS; k++)
        if (!strcmp(topics[k].name, name))
            return exec_topic(session, &topics[k], count, line->words + 2, error);
    if (count > 1)
        return error_set(error, ERROR_USAGE, "usage: info %s NAME", name);
    for (size_t k = 0; k < registry_count; k++)
        if (!strcmp(registries[k].name, name))
            return print_registry(session, &registries[k], count ? line->words[2] : NULL, error);
    if (!is_technique(name))
        return session_unknown(session, topics_complete, "topic", name, error);
    if (count)
        return error_set(error, ERROR_USAGE, "usage: info %s", name);
    return session->trainer ? describe(session, name, error)
                            : error_set(error, ERROR_STATE, "no session is open; `open FILE` opens one");
}

void info_complete(struct session *session, const char *line, session_add *add, void *context) {
    char word[64], name[64];
    line += strspn(line, " \t");
    line += strcspn(line, " \t");
    line += strspn(line, " \t");
    size_t size = strcspn(line, " \t");
    if (!line[size]) {
        topics_complete(session, line, add, context);
        return;
    }
    snprintf(word, sizeof word, "%.*s", (int)size, line);
    if (find_name(session, word, name, NULL))
        return;
    for (int k = 0; k < TOPICS; k++)
        if (!strcmp(topics[k].name, name) && topics[k].complete &&
            (session->trainer || !(topics[k].flags & TOPIC_OPEN)))
            topics[k].complete(session, line, add, context);
    for (size_t r = 0; r < registry_count; r++)
        for (size_t k = 0; !strcmp(registries[r].name, name) && k < registries[r].count(); k++)
            add(context, short_name(&registries[r], k));
}
