/* Branches: the same next batches as things are and after a change, beside each other; and any two points compared. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "session/audited.h"
#include "session/command/groups.h"
#include "session/session_internal.h"
#include "session/stop/running.h"
#include "train/run/branch.h"
#include "train/run/point.h"

enum { BATCHES = 10, MOST_BATCHES = 1000000, COLUMNS = 5, MODULES = 12 };

static void forget_fork(struct session *session) {
    struct forking *fork = &session->fork;
    trainer_point_free(fork->start);
    trainer_branch_free(fork->this);
    trainer_branch_free(fork->other);
    for (int k = 0; k < fork->count; k++)
        free(fork->words[k]);
    *fork = (struct forking){0};
}

/* ---------------------------------------------------------------- running both */

struct watched {
    struct session *session;
    const char *name;
    int64_t batches;
    double drawn;
};

static int give_up(void *context, int64_t batches) {
    struct watched *watched = context;
    double now = clock_seconds();
    if (now - watched->drawn > 0.1) {
        char line[96];
        watched->drawn = now;
        snprintf(line, sizeof line, "fork: %s, batch %lld of %lld", watched->name, (long long)batches,
                 (long long)watched->batches);
        session_tell_text(watched->session, TOLD_PROGRESS, line, 0);
    }
    return session_asked(watched->session);
}

static int run_branch(struct session *session, struct trainer_branch **out, const char *name,
                      struct trainer_branch_options *options, struct text *report, struct error *error) {
    struct watched watched = {session, name, options->batches, 0};
    options->give_up = give_up;
    options->context = &watched;
    int code = trainer_branch_new(out, session->trainer, options, report, error);
    session_tell_text(session, TOLD_PROGRESS, "", 0);
    return code;
}

/* fork [N] [val] CHANGE: the words of the change, copied. */
static int read_fork(struct forking *out, const struct command_line *line, int *validate, struct error *error) {
    const struct command *command;
    long batches = BATCHES;
    int first = 1, code = 0;
    *validate = 0;
    if (line->words[first][strspn(line->words[first], "-0123456789")] == 0)
        code = command_integer(line->words[first++], "the number of batches", 1, MOST_BATCHES, &batches, error);
    if (!code && first < line->count && !strcmp(line->words[first], "val")) {
        *validate = 1;
        first++;
    }
    if (!code && first == line->count)
        code = error_set(error, ERROR_USAGE, "fork needs a change to compare with: `fork 20 set lr 0.003`");
    if (!code)
        code = command_find(&command, line->words[first], error);
    if (code)
        return code;
    out->batches = batches;
    for (int k = first; k < line->count; k++) {
        if (!(out->words[out->count] = strdup(k == first ? command->name : line->words[k])))
            return error_memory(error);
        out->count++;
    }
    return 0;
}

/* Whether a word of a line is the name of a change. */
struct spoken {
    const char *word;
    size_t size;
    int found;
};

static void compare_change(void *context, const char *name) {
    struct spoken *spoken = context;
    spoken->found |= strlen(name) == spoken->size && !strncmp(name, spoken->word, spoken->size);
}

/* A change and what follows it, or what may come before one. */
static void fork_complete(struct session *session, const char *line, session_add *add, void *context) {
    const struct command *command;
    char name[64];
    for (const char *word = line; *word; word += strspn(word, " \t")) {
        struct spoken spoken = {word, strcspn(word, " \t"), 0};
        if (word[spoken.size])
            changes_complete(session, "", compare_change, &spoken);
        snprintf(name, sizeof name, "%.*s", (int)spoken.size, word);
        if (spoken.found && !command_find(&command, name, NULL)) {
            command->complete(session, word, add, context);
            return;
        }
        word += spoken.size;
    }
    changes_complete(session, "", add, context);
    add(context, "val");
}

static void print_fork(struct session *session);

static int exec_fork(struct session *session, const struct command_line *line, struct error *error) {
    struct forking fork = {0}, before = session->fork;
    struct text report = {0};
    int validate, code = read_fork(&fork, line, &validate, error);
    if (!code)
        code = trainer_point_new(&fork.start, session->trainer, error);
    fork.hash = state_hash(trainer_state(session->trainer));
    struct trainer_branch_options options = {.batches = fork.batches, .validate = validate};
    if (!code) { /* the one with the change first: it may be refused */
        options.count = fork.count;
        options.words = (const char *const *)fork.words;
        code = run_branch(session, &fork.other, "other", &options, &report, error);
    }
    if (!code) {
        options.count = 0;
        code = run_branch(session, &fork.this, "this", &options, NULL, error);
    }
    session->fork = fork;
    if (code) {
        forget_fork(session);
        session->fork = before;
        if (code == ERROR_INTERRUPT)
            session_print(session, "the fork was given up; the run is where it was\n");
        session->told = 1;
    } else {
        session->fork = before;
        forget_fork(session);
        session->fork = fork;
        session_print(session, "%s", report.data ? report.data : "");
        print_fork(session);
    }
    text_free(&report);
    return code;
}

/* ---------------------------------------------------------------- what is beside each other */

/* The batches that have a column: the first, the last, and some between. */
static int choose_columns(int64_t batches, int64_t columns[COLUMNS]) {
    int count = batches < COLUMNS ? (int)batches : COLUMNS;
    for (int c = 0; c < count; c++)
        columns[c] = count > 1 ? (batches - 1) * c / (count - 1) : 0;
    return count;
}

static void print_cell(struct session *session, const struct trainer_branch *branch, int64_t batch, size_t k) {
    if (batch < trainer_branch_batches(branch))
        session_print(session, " %10.4g", trainer_branch_value(branch, batch, k));
    else
        session_print(session, " %10s", "-");
}

static void print_losses(struct session *session, const struct forking *fork) {
    int64_t columns[COLUMNS], first = trainer_point_batch(fork->start), other = trainer_branch_batches(fork->other),
                              batches = trainer_branch_batches(fork->this);
    int count = choose_columns(batches > other ? batches : other, columns);
    if (!count)
        return;
    session_print(session, "%-27s", "loss of batch");
    for (int c = 0; c < count; c++)
        session_print(session, " %10lld", (long long)(first + columns[c] + 1));
    for (size_t k = 0; k < trainer_branch_values(fork->this); k++)
        for (int b = 0; b < 2; b++) {
            session_print(session, "\n%-20s %-6s", b ? "" : trainer_branch_value_name(session->trainer, k),
                          b ? "other" : "this");
            for (int c = 0; c < count; c++)
                print_cell(session, b ? fork->other : fork->this, columns[c], k);
        }
    session_print(session, "\n");
}

/* Two points, NULL for now, by the names that they have for the user. */
struct pair {
    const struct trainer_point *from, *a, *b; /* from: NULL where they have no beginning in common */
    const char *a_name, *b_name;
};

static int metric_at(const struct session *session, const struct trainer_point *point, const char *name,
                     double *value) {
    return point ? trainer_point_metric(point, name, value) : trainer_metric(session->trainer, name, value);
}

/* Values of validation at both, where there was one, and of the last batch where they were not listed. */
static void print_metrics(struct session *session, const struct pair *pair, int batches) {
    size_t count = pair->a ? trainer_point_metrics(pair->a) : trainer_metrics(session->trainer);
    int any = 0;
    for (size_t k = 0; k < count; k++) {
        const char *name = pair->a ? trainer_point_metric_name(pair->a, k) : trainer_metric_name(session->trainer, k);
        double a, b, before;
        if (strncmp(name, "val", 3) && !(batches && !strncmp(name, "train_loss_step/", 16)))
            continue;
        if (!metric_at(session, pair->a, name, &a) || !metric_at(session, pair->b, name, &b))
            continue;
        if (pair->from && trainer_point_metric(pair->from, name, &before) && a == before && b == before)
            continue;
        if (!any++)
            session_print(session, "%-38s %12s %12s\n", "last value of", pair->a_name, pair->b_name);
        session_print(session, "%-38s %12.6g %12.6g\n", name, a, b);
    }
}

struct module_apart {
    char name[256];
    struct trainer_apart sums;
    double relative;
};

static int by_difference(const void *a, const void *b) {
    double x = ((const struct module_apart *)a)->relative, y = ((const struct module_apart *)b)->relative;
    if (x != y)
        return x < y ? 1 : -1;
    return strcmp(((const struct module_apart *)a)->name, ((const struct module_apart *)b)->name);
}

static void add_sums(struct trainer_apart *to, const struct trainer_apart *more) {
    to->norm += more->norm;
    to->moved_a += more->moved_a;
    to->moved_b += more->moved_b;
    to->along += more->along;
    to->apart += more->apart;
}

static double cosine(const struct trainer_apart *sums) {
    double scale = sqrt(sums->moved_a * sums->moved_b);
    return scale > 0 ? sums->along / scale : NAN;
}

static double ratio(double a, double b) {
    return a > 0 && b > 0 ? sqrt(a / b) : 0;
}

/* Sums over the parameters of each module, in *out; how many. */
static size_t sum_modules(const struct session *session, const struct pair *pair, struct module_apart *out,
                          struct trainer_apart *all) {
    const struct model *model = trainer_model(session->trainer);
    size_t count = 0;
    *all = (struct trainer_apart){0};
    for (int k = 0; k < model_nparameters(model); k++) {
        const struct parameter *p = model_parameter(model, k);
        const char *dot = strrchr(p->name, '.');
        struct trainer_apart sums;
        char name[256];
        size_t m = 0;
        if (p->is_buffer)
            continue;
        snprintf(name, sizeof name, "%.*s", dot ? (int)(dot - p->name) : 255, p->name);
        trainer_apart(session->trainer, k, pair->from ? pair->from : pair->a, pair->a, pair->b, &sums);
        while (m < count && strcmp(out[m].name, name))
            m++;
        if (m == count) {
            out[count] = (struct module_apart){.relative = 0};
            snprintf(out[count++].name, sizeof name, "%s", name);
        }
        add_sums(&out[m].sums, &sums);
        add_sums(all, &sums);
    }
    for (size_t m = 0; m < count; m++)
        out[m].relative = ratio(out[m].sums.apart, out[m].sums.norm);
    qsort(out, count, sizeof *out, by_difference);
    return count;
}

static int print_weights(struct session *session, const struct pair *pair, struct error *error) {
    struct trainer_apart all;
    size_t most = (size_t)model_nparameters(trainer_model(session->trainer));
    struct module_apart *modules = calloc(most + 1, sizeof *modules);
    if (!modules)
        return error_memory(error);
    size_t count = sum_modules(session, pair, modules, &all);
    if (pair->from)
        session_print(session, "weights of norm %.6g: %s moved by %.4g, %s by %.4g, cosine %.4f\n", sqrt(all.norm),
                      pair->a_name, sqrt(all.moved_a), pair->b_name, sqrt(all.moved_b), cosine(&all));
    session_print(session, "weights are %.4g apart, %.3g of their norm\n", sqrt(all.apart), ratio(all.apart, all.norm));
    session_print(session, "%-44s %10s", "module", "apart");
    if (pair->from)
        session_print(session, " %10.10s %10.10s %8s", pair->a_name, pair->b_name, "cosine");
    session_print(session, "\n");
    for (size_t m = 0; m < count && m < MODULES; m++) {
        const struct trainer_apart *sums = &modules[m].sums;
        size_t size = strlen(modules[m].name), cut = size > 44 ? size - 42 : 0;
        session_print(session, "%s%-*s %10.3g", cut ? ".." : "", cut ? 42 : 44, modules[m].name + cut,
                      modules[m].relative);
        if (pair->from)
            session_print(session, " %10.3g %10.3g %8.4f", ratio(sums->moved_a, sums->norm),
                          ratio(sums->moved_b, sums->norm), cosine(sums));
        session_print(session, "\n");
    }
    if (count > MODULES)
        session_print(session, "and %zu modules that are less apart\n", count - MODULES);
    free(modules);
    return 0;
}

static int print_pair(struct session *session, const struct pair *pair, int batches, struct error *error) {
    print_metrics(session, pair, batches);
    return print_weights(session, pair, error);
}

static void print_branch(struct session *session, const struct trainer_branch *branch) {
    const char *ended = trainer_branch_ended(branch);
    long long batches = (long long)trainer_branch_batches(branch);
    session_print(session, "%lld %s", batches, batches == 1 ? "batch" : "batches");
    if (*ended)
        session_print(session, ", then %s", ended);
    session_print(session, "\n");
}

static void print_fork(struct session *session) {
    const struct forking *fork = &session->fork;
    struct pair pair = {fork->start, trainer_branch_end(fork->this), trainer_branch_end(fork->other), "this", "other"};
    struct error error = {0};
    session_print(session, "from batch %lld on\n  this   as it is, ", (long long)trainer_point_batch(fork->start));
    print_branch(session, fork->this);
    session_print(session, "  other ");
    for (int k = 0; k < fork->count; k++)
        session_print(session, " %s", fork->words[k]);
    session_print(session, ", ");
    print_branch(session, fork->other);
    print_losses(session, fork);
    if (print_pair(session, &pair, 0, &error))
        session_print(session, "%s\n", error.message);
}

/* ---------------------------------------------------------------- diff */

static void points_complete(struct session *session, const char *line, session_add *add, void *context) {
    (void)line;
    for (size_t k = 0; k < session->rewinding.nnamed; k++)
        add(context, session->rewinding.named[k].name);
    add(context, "now");
    if (session->fork.start) {
        add(context, "this");
        add(context, "other");
        add(context, "start");
    }
}

static void branches_complete(struct session *session, const char *line, session_add *add, void *context) {
    (void)session, (void)line;
    add(context, "this");
    add(context, "other");
    add(context, "neither");
}

/* A checkpoint's own name first. */
static int find_point(struct session *session, const char *name, const struct trainer_point **out,
                      struct error *error) {
    const struct forking *fork = &session->fork;
    *out = NULL;
    const struct named_point *named = session_find_point(session, name);
    if (named) {
        *out = named->point;
        return 0;
    }
    if (!strcmp(name, "now"))
        return 0;
    if (fork->start && !strcmp(name, "this"))
        *out = trainer_branch_end(fork->this);
    else if (fork->start && !strcmp(name, "other"))
        *out = trainer_branch_end(fork->other);
    else if (fork->start && !strcmp(name, "start"))
        *out = fork->start;
    else
        return session_unknown(session, points_complete, "checkpoint", name, error);
    return 0;
}

static int exec_diff(struct session *session, const struct command_line *line, struct error *error) {
    const struct forking *fork = &session->fork;
    struct pair pair = {.a_name = line->count > 1 ? line->words[1] : "",
                        .b_name = line->count > 2 ? line->words[2] : "now"};
    int code = 0;
    if (line->count == 1 && !fork->start)
        return error_set(error, ERROR_STATE,
                         "there is no fork; `diff A B` compares two checkpoints, `diff A` one "
                         "with what is now");
    if (line->count == 1) {
        print_fork(session);
        return 0;
    }
    if ((code = find_point(session, pair.a_name, &pair.a, error)) ||
        (code = find_point(session, pair.b_name, &pair.b, error)))
        return code;
    session_print(session, "%s at batch %lld, %s at batch %lld\n", pair.a_name,
                  (long long)(pair.a ? trainer_point_batch(pair.a) : trainer_accepted(session->trainer)), pair.b_name,
                  (long long)(pair.b ? trainer_point_batch(pair.b) : trainer_accepted(session->trainer)));
    return print_pair(session, &pair, 1, error);
}

/* ---------------------------------------------------------------- keeping one */

static int exec_keep(struct session *session, const struct command_line *line, struct error *error) {
    struct forking *fork = &session->fork;
    const char *which = line->words[1];
    int other = !strcmp(which, "other"), code = 0;
    if (!other && strcmp(which, "this") && strcmp(which, "neither"))
        return error_set(error, ERROR_NAME, "keep this, other or neither, not \"%s\"", which);
    if (!fork->start)
        return error_set(error, ERROR_STATE, "there is no fork to keep a branch of");
    if (trainer_accepted(session->trainer) != trainer_point_batch(fork->start) ||
        state_hash(trainer_state(session->trainer)) != fork->hash)
        code = session_go_back(session, fork->start, trainer_point_batch(fork->start), error);
    if (!code && other)
        code = session_change(session, fork->count, (const char *const *)fork->words, error);
    if (code)
        return code;
    long batches = (long)trainer_branch_batches(other ? fork->other : fork->this);
    forget_fork(session);
    return batches && strcmp(which, "neither") ? session_run(session, (struct run_limits){batches, -1, NULL}, error)
                                               : 0;
}

static const struct command commands[] = {
    {.name = "fork",
     .usage = "fork [N] [val] CHANGE",
     .min = 1,
     .max = COMMAND_MAX_WORDS,
     .flags = COMMAND_OPEN,
     .complete = fork_complete,
     .summary = "the next N batches as things are and after a change, beside each other",
     .help =
         "    fork 20 strategy ema_config ema_decay=0.99\n"
         "    fork 50 val set lr 0.003                    with the validation sets at the end of both\n"
         "    A change is what the audit log would remember: TAB offers those there are.  Both are run aside: nothing "
         "is\n"
         "    written, and the run stays where it is until `keep` goes on with one of them.",
     .exec = exec_fork},
    {.name = "diff",
     .usage = "diff [A [B]]",
     .max = 2,
     .flags = COMMAND_OPEN | COMMAND_LIVE | COMMAND_LOOK,
     .complete = points_complete,
     .summary = "losses and weights of both branches of the fork, or of two checkpoints",
     .help = "    A and B are names of checkpoints, `now` (for B where it is left out), and after a fork `start`, "
             "`this` and\n"
             "    `other`.  Differences are relative to the norm of the weights of a module, the largest first.",
     .exec = exec_diff},
    {.name = "keep",
     .usage = "keep this|other|neither",
     .min = 1,
     .max = 1,
     .flags = COMMAND_OPEN,
     .complete = branches_complete,
     .summary = "go on with a branch of the fork: with the change, or as if there had been none",
     .help = "    The run goes on from where it was forked, over the same batches, to the bits that were compared; now "
             "they\n"
             "    are logged, and a change stands in the audit log.",
     .exec = exec_keep},
};

const struct command_group commands_fork = {
    .name = "branches",
    .commands = commands,
    .count = sizeof commands / sizeof *commands,
    .on_forget = forget_fork,
};
