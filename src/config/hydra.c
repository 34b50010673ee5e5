/* Hydra's own settings: what a config says of them under `hydra`, on top of what Hydra has by itself.  They are no
 * part of the config that is trained by, and are reached by ${hydra:KEY} only. */
#include "config/resolver.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Hydra 1.3's defaults, as nequip-train runs it.  An empty map takes any keys, one with keys only those. */
static const char defaults[] = "hydra:\n"
                               "  mode: null\n"
                               "  searchpath: []\n"
                               "  run:\n"
                               "    dir: outputs/${now:%Y-%m-%d}/${now:%H-%M-%S}\n"
                               "  sweep:\n"
                               "    dir: multirun/${now:%Y-%m-%d}/${now:%H-%M-%S}\n"
                               "    subdir: ${hydra.job.num}\n"
                               "  hydra_logging: {}\n"
                               "  job_logging: {}\n"
                               "  sweeper: {}\n"
                               "  launcher: {}\n"
                               "  callbacks: {}\n"
                               "  help: {app_name: '${hydra.job.name}', header: '', footer: '', template: ''}\n"
                               "  hydra_help:\n"
                               "    hydra_help: ???\n"
                               "    template: ''\n"
                               "  output_subdir: .hydra\n"
                               "  overrides: {hydra: [], task: []}\n"
                               "  job:\n"
                               "    name: train\n"
                               "    chdir: null\n"
                               "    override_dirname: ''\n"
                               "    id: ???\n"
                               "    num: ???\n"
                               "    config_name: ???\n"
                               "    env_set: {}\n"
                               "    env_copy: []\n"
                               "    config:\n"
                               "      override_dirname: {kv_sep: '=', item_sep: ',', exclude_keys: []}\n"
                               "  runtime:\n"
                               "    version: 1.3.8\n"
                               "    version_base: '1.3'\n"
                               "    cwd: ???\n"
                               "    config_sources: []\n"
                               "    output_dir: ???\n"
                               "    choices: {}\n"
                               "  verbose: false\n";

/* ---------------------------------------------------------------- the tree of settings */

static int check_keys(const struct config_node *known, const struct config_node *given, struct error *error) {
    for (size_t k = 0; k < config_count(given) && given->kind == CONFIG_MAP; k++) {
        const struct config_node *inner = tree_child(known, given->keys[k]->text);
        const char *nearest = tree_nearest_key(known, given->keys[k]->text);
        if (!inner)
            return config_error(given->keys[k], error, ERROR_NAME, "Hydra has no such setting%s",
                                DID_YOU_MEAN(nearest));
        int code = 0;
        if (inner->kind == CONFIG_MAP && given->values[k]->kind != CONFIG_MAP && given->values[k]->kind != CONFIG_NULL)
            code = config_error(given->values[k], error, ERROR_TYPE, "expected a map, not %s",
                                config_kind_name(given->values[k]));
        else if (inner->kind == CONFIG_MAP && inner->count)
            code = check_keys(inner, given->values[k], error);
        if (code)
            return code;
    }
    return 0;
}

/* What Hydra can do and one run in one folder cannot. */
static int check_values(const struct config_node *given, struct error *error) {
    const struct config_node *mode = tree_child(given, "mode");
    const struct config_node *chdir = tree_child(tree_child(given, "job"), "chdir");
    const struct config_node *callbacks = tree_child(given, "callbacks");
    if (mode && mode->kind != CONFIG_NULL && strcmp(mode->text, "RUN"))
        return config_error(mode, error, ERROR_VALUE, "one run is made here, no sweep over several: RUN is expected");
    if (chdir && chdir->kind == CONFIG_BOOL && chdir->boolean)
        return config_error(chdir, error, ERROR_VALUE,
                            "the folder of the process stays what it is here: give paths with "
                            "${hydra:runtime.output_dir} in front where they shall lie in the run's folder");
    if (config_count(callbacks))
        return config_error(callbacks, error, ERROR_VALUE, "Hydra's callbacks are Python classes; there are none here");
    return 0;
}

static int put_string(struct config_node *map, const char *key, const char *text, struct error *error) {
    struct config *config = map->config;
    struct config_node *name = tree_string(config, key, strlen(key), NULL, error);
    struct config_node *value = tree_string(config, text, strlen(text), NULL, error);
    return name && value ? tree_put(map, name, value, error) : (int)ERROR_MEMORY;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* job.override_dirname: the overrides of the command line as the name of a folder, sorted, without those of
 * exclude_keys. */
static int name_overrides(struct config_node *hydra, struct error *error) {
    struct config_node *job = tree_child(hydra, "job");
    const struct config_node *how = tree_child(tree_child(job, "config"), "override_dirname");
    const struct config_node *task = tree_child(tree_child(hydra, "overrides"), "task");
    const struct config_node *exclude = tree_child(how, "exclude_keys");
    const char *between = config_text(tree_child(how, "item_sep")), *equals = config_text(tree_child(how, "kv_sep"));
    const char **names = calloc(config_count(task) + 1, sizeof *names);
    struct text text = {0};
    size_t count = 0;
    for (size_t k = 0; names && k < config_count(task); k++) {
        const char *override = task->values[k]->text, *key = override + strspn(override, "+~");
        size_t size = strcspn(key, "=@");
        int left_out = 0;
        for (size_t j = 0; j < config_count(exclude); j++)
            left_out |= strlen(exclude->values[j]->text) == size && !strncmp(exclude->values[j]->text, key, size);
        if (!left_out)
            names[count++] = override;
    }
    if (names)
        qsort(names, count, sizeof *names, by_text);
    for (size_t k = 0; k < count; k++) {
        text_add(&text, k ? between : "");
        for (const char *s = names[k]; *s; s++)
            *s == '=' ? text_add(&text, equals) : text_add_bytes(&text, s, 1);
    }
    int code = !names || text.failed ? error_memory(error)
                                     : put_string(job, "override_dirname", text.data ? text.data : "", error);
    text_free(&text);
    free(names);
    return code;
}

/* The map above `hydra`, made once for each pass; NULL with the error. */
static struct config_node *settings(struct interpolation *evaluation) {
    struct config *config = evaluation->config;
    struct error *error = evaluation->error;
    if (config->hydra && config->hydra_pass == config->pass)
        return config->hydra;
    const struct config_node *given = tree_child(config->source, "hydra");
    struct config_node *top = yaml_parse(config, "Hydra's settings", defaults, sizeof defaults - 1, 1, error), *copy;
    struct config_node *hydra = tree_child(top, "hydra"), *runtime = tree_child(hydra, "runtime");
    if (!hydra || !runtime)
        return NULL;
    if (given && given->kind != CONFIG_NULL) {
        if (given->kind != CONFIG_MAP) {
            config_error(given, error, ERROR_TYPE, "expected a map, not %s", config_kind_name(given));
            return NULL;
        }
        if (check_keys(hydra, given, error) || check_values(given, error) ||
            !(copy = tree_copy(config, given, 0, error)) || tree_merge(hydra, copy, error))
            return NULL;
    }
    if (config->launch && (!(copy = tree_copy(config, config->launch, 0, error)) || tree_merge(hydra, copy, error)))
        return NULL;
    char *folder = getcwd(NULL, 0);
    int code = put_string(runtime, "cwd", folder ? folder : ".", error);
    free(folder);
    if (code || name_overrides(hydra, error) ||
        (evaluation->context->output_dir && put_string(runtime, "output_dir", evaluation->context->output_dir, error)))
        return NULL;
    config->hydra = top;
    config->hydra_pass = config->pass;
    return top;
}

int hydra_check(struct interpolation *evaluation) {
    const struct config_node *given = tree_child(evaluation->config->source, "hydra");
    return !given || settings(evaluation) ? 0 : (int)evaluation->error->code;
}

struct config_node *hydra_top(const struct interpolation *evaluation) {
    const struct config *config = evaluation->config;
    const struct config_node *node = evaluation->frame ? evaluation->frame->node : NULL;
    while (node && node->parent)
        node = node->parent;
    return node && node == config->hydra && config->hydra_pass == config->pass ? config->hydra : NULL;
}

/* ---------------------------------------------------------------- resolvers */

struct config_node *hydra_value(const struct call *call) {
    struct reference reference;
    struct interpolation_place place;
    struct config_node *top = settings(call->evaluation);
    if (!top || call_reference(call, 0, &reference))
        return NULL;
    reference.from = tree_child(top, "hydra");
    reference.dots = 0;
    if (reference_find(call->evaluation, &reference, 1, &place))
        return NULL;
    return is_missing(place.node) ? call_node(call, CONFIG_NULL) : evaluate_place(call->evaluation, &place);
}

int hydra_environment(struct interpolation *evaluation, const char *name, struct config_node **out) {
    *out = NULL;
    if (hydra_top(evaluation) || !tree_child(evaluation->config->source, "hydra"))
        return 0;
    struct config_node *top = settings(evaluation);
    if (!top)
        return -1;
    struct config_node *set = tree_child(tree_child(tree_child(top, "hydra"), "job"), "env_set");
    struct config_node *value = tree_child(set, name);
    if (!value)
        return 0;
    value = evaluate_written(evaluation, value);
    if (value) {
        struct text text = {0};
        write_python(value, 0, &text);
        *out = tree_string(evaluation->config, text.data ? text.data : "", text.size, evaluation->frame->node,
                           evaluation->error);
        text_free(&text);
    }
    return *out ? 0 : -1;
}

struct config_node *hydra_now(const struct call *call) {
    const char *format = call_text(call, 0);
    if (!format)
        return NULL;
    struct config *config = call->evaluation->config;
    if (!config->now) { /* one moment for the whole config, however often it is resolved */
        struct timespec time;
        clock_gettime(CLOCK_REALTIME, &time);
        config->now = (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
    }
    time_t seconds = (time_t)(config->now / 1000000);
    struct tm local;
    struct text python = {0}; /* %f: microseconds, which C does not have */
    for (const char *s = format; *s; s++) {
        int pair = s[0] == '%' && s[1];
        if (pair && s[1] == 'f')
            text_format(&python, "%06d", (int)(config->now % 1000000));
        else
            text_add_bytes(&python, s, pair ? 2 : 1);
        s += pair;
    }
    char text[1024] = "";
    int made = !python.failed && localtime_r(&seconds, &local) &&
               (!*format || strftime(text, sizeof text, python.data, &local));
    text_free(&python);
    return made ? call_string(call, text) : call_fail(call, ERROR_VALUE, "the format \"%.60s\" gives no text", format);
}

/* ---------------------------------------------------------------- the run's folder */

int config_run_dir(struct config *config, char **out, struct error *error) {
    static const struct config_context nothing;
    struct error ours = {0};
    struct interpolation evaluation = {.config = config, .context = &nothing, .error = error ? error : &ours};
    *out = NULL;
    if (!tree_child(tree_child(tree_child(config->source, "hydra"), "run"), "dir"))
        return 0;
    config->pass++;
    struct config_node *top = settings(&evaluation);
    struct config_node *dir = tree_child(tree_child(tree_child(top, "hydra"), "run"), "dir");
    dir = dir ? evaluate_written(&evaluation, dir) : NULL;
    if (!dir)
        return evaluation.error->code ? (int)evaluation.error->code : error_memory(error);
    if (dir->kind != CONFIG_STRING && !config_is_number(dir))
        return config_error(dir, error, ERROR_TYPE, "expected the name of the run's folder, not %s",
                            config_kind_name(dir));
    if (!*dir->text)
        return config_error(dir, error, ERROR_VALUE, "the name of the run's folder is empty");
    *out = strdup(dir->text);
    return *out ? 0 : error_memory(error);
}
