#include "train/run/loggers.h"

#include <string.h>

#include "train/run/logging.h"
#include "train/run/tensorboard_log.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"

struct tensorboard_options {
    const char *prefix;
    int has_metric;
};

#define IN_FOLDER "the event file goes to the folder of the run, beside metrics.csv"
#define AT_ONCE "each row is written at once"

static const struct option rows[] = {
    {"save_dir", OPTION_NODE, OPTION_IGNORED, NULL, 0, NULL, IN_FOLDER},
    {"name", OPTION_NODE, OPTION_IGNORED, NULL, 0, NULL, IN_FOLDER},
    {"version", OPTION_NODE, OPTION_IGNORED, NULL, 0, NULL, IN_FOLDER},
    {"sub_dir", OPTION_NODE, OPTION_IGNORED, NULL, 0, NULL, IN_FOLDER},
    {"log_graph", OPTION_BOOL, OPTION_IGNORED, "false", 0, NULL, "`fettle show` and `tree` print the model"},
    {"default_hp_metric", OPTION_BOOL, 0, "true", offsetof(struct tensorboard_options, has_metric), NULL,
     "hp_metric, -1, at the beginning"},
    {"prefix", OPTION_STRING, OPTION_NULLABLE, "", offsetof(struct tensorboard_options, prefix), NULL,
     "before each tag, with a hyphen behind it"},
    {"comment", OPTION_NODE, OPTION_IGNORED, NULL, 0, NULL, IN_FOLDER},
    {"purge_step", OPTION_NODE, OPTION_IGNORED, NULL, 0, NULL, "where a run goes on, or back, is written by itself"},
    {"max_queue", OPTION_NODE, OPTION_IGNORED, NULL, 0, NULL, AT_ONCE},
    {"flush_secs", OPTION_NODE, OPTION_IGNORED, NULL, 0, NULL, AT_ONCE},
    {"filename_suffix", OPTION_NODE, OPTION_IGNORED, NULL, 0, NULL, IN_FOLDER},
};

static int is_tensorboard(const struct config_node *config) {
    return !strcmp(text_behind(config_text(config_get(config, "_target_")), '.'), "TensorBoardLogger");
}

static int read(const struct config_node *config, struct tensorboard_options *out, struct arena *arena,
                struct error *error) {
    return options_read(rows, sizeof rows / sizeof *rows, config, NULL, out, arena, error);
}

int logger_check(const struct config_node *config, struct error *error) {
    struct tensorboard_options options;
    struct arena *arena = is_tensorboard(config) ? arena_new() : NULL;
    if (!is_tensorboard(config))
        return 0;
    if (!arena)
        return error_memory(error);
    int code = arena_result(arena, read(config, &options, arena, error), error);
    arena_free(arena);
    return code;
}

/* The first one; a second would write the same. */
static const struct config_node *find(const struct trainer *trainer) {
    const struct config_node *node = config_find(config_root(trainer->configs.resolved), "trainer.logger");
    int list = config_kind(node) == CONFIG_LIST;
    for (size_t k = 0; k < (list ? config_count(node) : 1); k++)
        if (is_tensorboard(list ? config_at(node, k) : node))
            return list ? config_at(node, k) : node;
    return NULL;
}

int loggers_open(struct trainer *trainer, int64_t from, struct error *error) {
    const struct config_node *config = find(trainer);
    struct tensorboard_options options;
    if (!config || !trainer->folder.path)
        return 0;
    int code = read(config, &options, trainer->arena, error);
    if (!code)
        code = tensorboard_log_open(&trainer->log.tensorboard, trainer->folder.path, options.prefix, from, error);
    if (!code && from <= 0 && options.has_metric) /* what TensorBoard's table of hyperparameters looks for */
        loggers_row(trainer, -1, 0, 1, (const char *const[]){"hp_metric"}, (const double[]){-1});
    return code;
}

void loggers_close(struct trainer *trainer) {
    tensorboard_log_free(trainer->log.tensorboard);
    trainer->log.tensorboard = NULL;
}

static void told(struct trainer *trainer, int code, const struct error *why) {
    if (!code)
        return;
    trainer_tell(trainer, EVENT_NOTICE, "%s; TensorBoard's file ends here, metrics.csv has all", why->message);
    loggers_close(trainer);
}

void loggers_row(struct trainer *trainer, int64_t epoch, int64_t step, size_t count, const char *const *names,
                 const double *values) {
    struct error why = {0};
    if (trainer->log.tensorboard && !trainer->position.aside)
        told(trainer, tensorboard_log_row(trainer->log.tensorboard, epoch, step, count, names, values, &why), &why);
}

void loggers_back(struct trainer *trainer) {
    struct error why = {0};
    if (trainer->log.tensorboard && !trainer->position.aside)
        told(trainer, tensorboard_log_back(trainer->log.tensorboard, cursor_of(trainer)->stepped, &why), &why);
}
