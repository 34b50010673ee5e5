/* Commands that look closer: at frames, at modules, at numbers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/run/program_look.h"
#include "session/command/groups.h"
#include "session/session_internal.h"
#include "session/view/histogram.h"
#include "session/view/info_data.h"
#include "session/view/submodules.h"
#include "train/run/inspect.h"
#include "train/run/look.h"

/* ---------------------------------------------------------------- worst */

/* By the loss, or by one term of it: its number, -1 for the loss. */
static double badness(const struct trainer_frame *frame, int term) {
    double value = term < 0 ? frame->loss : frame->terms[term];
    return isnan(value) ? INFINITY : value; /* what is no number comes first */
}

static int compare(const void *a, const void *b, void *term) {
    const struct trainer_frame *left = a, *right = b;
    double x = badness(left, *(int *)term), y = badness(right, *(int *)term);
    return x < y ? 1 : x > y ? -1 : left->index < right->index ? -1 : 1;
}

static void print_frames(struct session *session, const struct trainer_frame *frames, size_t count) {
    size_t terms = trainer_terms(session->trainer);
    struct text line = {0};
    text_format(&line, "%6s %12s", "frame", "loss");
    for (size_t k = 0; k < terms; k++)
        text_format(&line, " %20.20s", trainer_term_name(session->trainer, k));
    session_print(session, "%s %11s %11s  %s\n", line.data ? line.data : "", "E meV/atom", "F meV/A", "worst atom");
    for (size_t f = 0; f < count; f++) {
        const struct trainer_frame *frame = &frames[f];
        text_clear(&line);
        text_format(&line, "%6lld %12.4g", (long long)frame->index, frame->loss);
        for (size_t k = 0; k < terms; k++)
            text_format(&line, " %20.4g", frame->terms[k]);
        text_format(&line, " %11.3f %11.3f", 1e3 * frame->energy_error, 1e3 * frame->forces_rmse);
        if (frame->worst_atom >= 0)
            text_format(&line, "  %s %d, %.1f meV/A", frame->frame->symbols[frame->worst_atom], frame->worst_atom,
                        1e3 * frame->worst_error);
        session_print(session, "%s\n", line.data ? line.data : "");
    }
    text_free(&line);
}

static int find_term(struct session *session, const char *name) {
    for (size_t k = 0; k < trainer_terms(session->trainer); k++)
        if (strcmp(trainer_term_name(session->trainer, k), name) == 0)
            return (int)k;
    return -1;
}

static void roles_and_terms_complete(struct session *session, const char *line, session_add *add, void *context) {
    (void)line;
    for (int role = 0; role < ROLE_COUNT; role++)
        add(context, data_role_name((enum data_role)role));
    for (size_t k = 0; session->trainer && k < trainer_terms(session->trainer); k++)
        add(context, trainer_term_name(session->trainer, k));
}

static int exec_worst(struct session *session, const struct command_line *line, struct error *error) {
    enum data_role role = ROLE_TRAIN;
    struct trainer_frame *frames;
    size_t count;
    long most = 10;
    int code, term = -1;

    for (int k = 1; k < line->count; k++) {
        const char *word = line->words[k];
        int found = 0;
        for (int r = 0; r < ROLE_COUNT; r++)
            if (strcmp(word, data_role_name((enum data_role)r)) == 0) {
                role = (enum data_role)r;
                found = 1;
            }
        if (!found && find_term(session, word) >= 0) {
            term = find_term(session, word);
            found = 1;
        }
        if (!found && word[strspn(word, "0123456789")])
            return session_unknown(session, roles_and_terms_complete, "data set or term of the loss", word, error);
        if (!found && (code = command_integer(word, "the number of frames", 1, 1000000, &most, error)))
            return code;
    }
    if ((code = trainer_frames(session->trainer, role, 0, &frames, &count, error)))
        return code;
    session_print_weights(session);
    qsort_r(frames, count, sizeof *frames, compare, &term);
    print_frames(session, frames, count < (size_t)most ? count : (size_t)most);
    free(frames);
    return 0;
}

/* ---------------------------------------------------------------- modules */

static int exec_module(struct session *session, const struct command_line *line, struct error *error) {
    return info_module(session, line->count > 1 ? line->words[1] : NULL, error);
}

/* ---------------------------------------------------------------- hist */

static int hist_kind(const char *word) {
    static const char *const kinds[] = {"weights", "gradients", "activations"};
    for (int k = 0; k < 3; k++)
        if (!strcmp(word, kinds[k]))
            return k;
    return -1;
}

static void print_result(void *context, const struct instruction_info *info, const double *values, size_t count) {
    struct session *session = context;
    session_print(session, "%s %s of %s\n", info->op, info->shape, info->module);
    histogram_print(session, values, count);
}

static int hist_activations(struct session *session, const char *path, struct error *error) {
    const struct module *module = NULL;
    struct text text = {0}, *before = session->captured;
    int code = before ? error_set(error, ERROR_USAGE, "hist PATH activations takes its time: it is no pane")
                      : session_find_module(session, path, &module, error);
    if (code)
        return code;
    session->captured = &text;
    code = trainer_results(session->trainer, module->path, print_result, session, error);
    session->captured = before;
    if (!code)
        session_print(session, "%s", text.data ? text.data : "nothing outside of it reads a result of this module\n");
    text_free(&text);
    return code;
}

/* The parameters of a module, or one of this name. */
static int hist_parameters(struct session *session, const char *name, int gradient, struct error *error) {
    const struct model *model = trainer_model(session->trainer);
    const struct parameter *one = model_find_parameter(model, name);
    const struct module *module = NULL;
    double *all = NULL;
    size_t count = 0;
    int code = one ? 0 : session_find_module(session, name, &module, error);
    if (code)
        return code;
    for (int k = 0; k < model_nparameters(model); k++) {
        const struct parameter *p = model_parameter(model, k);
        if ((one ? p != one : !module_holds(p->name, module->path)) || p->is_buffer)
            continue;
        double *values, *grown;
        size_t n = trainer_values(session->trainer, k, gradient, &values);
        grown = n ? realloc(all, (count + n) * sizeof *all) : NULL;
        if (!grown) {
            free(values);
            free(all);
            return error_memory(error);
        }
        all = grown;
        memcpy(all + count, values, n * sizeof *all);
        count += n;
        free(values);
    }
    if (!count)
        session_print(session, "%s has no parameters\n", name);
    else
        histogram_print(session, all, count);
    free(all);
    return 0;
}

static int exec_hist(struct session *session, const struct command_line *line, struct error *error) {
    int kind = line->count > 2 ? hist_kind(line->words[2]) : 0;
    if (kind < 0)
        return error_set(error, ERROR_NAME, "weights, gradients or activations, not \"%s\"", line->words[2]);
    return kind == 2 ? hist_activations(session, line->words[1], error)
                     : hist_parameters(session, line->words[1], kind, error);
}

/* ---------------------------------------------------------------- ema */

static void on_off_complete(struct session *session, const char *line, session_add *add, void *context) {
    (void)session, (void)line;
    add(context, "on");
    add(context, "off");
}

static int exec_ema(struct session *session, const struct command_line *line, struct error *error) {
    static const char *const said[] = {
        [WEIGHTS_ONLY] = "there are the weights of training only: looks and validation see these",
        [WEIGHTS_AVERAGED] = "on: looks see the average, as validation does",
        [WEIGHTS_RAW] = "off: looks see the raw weights; validation sees the average as before",
    };
    const char *word = line->count > 1 ? line->words[1] : NULL;
    int code = 0;
    if (word && strcmp(word, "on") && strcmp(word, "off"))
        return session_unknown(session, on_off_complete, "state", word, error);
    if (word)
        code = trainer_look_raw(session->trainer, !strcmp(word, "off"), error);
    if (!code)
        session_print(session, "%s\n", said[trainer_look_weights(session->trainer)]);
    return code;
}

static const struct command commands[] = {
    {.name = "worst",
     .usage = "worst [N] [train|val|test] [TERM]",
     .max = 3,
     .flags = COMMAND_OPEN,
     .summary = "the frames that add most to the loss, and their worst atoms",
     .help =
         "    Each frame by itself, with the weights that evaluation sees; ordered by the loss or by one of its terms.",
     .exec = exec_worst},
    {.name = "ema",
     .usage = "ema [on|off]",
     .max = 1,
     .flags = COMMAND_OPEN | COMMAND_LIVE,
     .summary = "whether looks see the averaged weights, as validation does, or the raw ones",
     .help =
         "    Under `ema off`, worst, `info errors` and parity plots use the raw weights, and `validate` shows both "
         "beside\n"
         "    each other.  It is a way to look: the run, its validation and what it logs stay as they are.",
     .exec = exec_ema},
    {.name = "module",
     .usage = "module [PATH]",
     .max = 1,
     .flags = COMMAND_OPEN | COMMAND_LIVE | COMMAND_LOOK,
     .complete = modules_complete,
     .summary = "a module and its parameters: norms, gradients, how far the last step went",
     .help = "    update is the norm of the last change over the norm of the weights.",
     .exec = exec_module},
    {.name = "hist",
     .usage = "hist PATH [weights|gradients|activations]",
     .min = 1,
     .max = 2,
     .flags = COMMAND_OPEN | COMMAND_LIVE | COMMAND_LOOK,
     .complete = modules_complete,
     .summary = "how the weights, gradients or results of a module are distributed",
     .help = "    Activations are what others read of the module, on the batch under way or the last one (before any, "
             "on the\n"
             "    first frames), with the weights of now.",
     .exec = exec_hist},
};

const struct command_group commands_look = {
    .name = "look",
    .commands = commands,
    .count = sizeof commands / sizeof *commands,
};
