/* Another training module, or another optimizer, in the middle of a run.  All is read and checked aside; then the new
 * parts are opened beside the old ones, whose state is set aside under "retired."; what has the same name, type and
 * length in both goes on; and the old parts go. */
#include <stdlib.h>
#include <string.h>

#include "train/core/state.h"
#include "train/run/composition.h"
#include "train/run/retool.h"
#include "train/run/schedule.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"
#include "train/run/trainer_options.h"
#include "train/run/update.h"

static const char retired[] = "retired.";

/* ---------------------------------------------------------------- the change as overrides of the config */

static const struct config_node *module_of(const struct config *config) {
    return config_get(config_root(config), "training_module");
}

static int has_option(const struct composition_kind *kind, const char *name) {
    for (int l = 0; l < MAX_LAYERS && kind->layers[l]; l++)
        for (size_t k = 0; k < kind->layers[l]->noptions; k++)
            if (!strcmp(kind->layers[l]->options[k].name, name))
                return 1;
    return 0;
}

/* key=value, or ~key, of the training module; or the trainer's clipping, which some techniques want for themselves. */
static int override_module(struct config *config, const char *word, struct error *error) {
    static const char *const fixed[] = {"_target_", "model", "loss", "train_metrics", "val_metrics", "test_metrics"};
    const char *key = word + (*word == '~');
    size_t size = strcspn(key, ".=");
    for (size_t k = 0; k < sizeof fixed / sizeof *fixed; k++)
        if (strlen(fixed[k]) == size && !strncmp(fixed[k], key, size))
            return error_set(error, ERROR_VALUE, "%s cannot be changed in the middle of a run", fixed[k]);
    if (*word != '~' && !strchr(word, '='))
        return error_set(error, ERROR_USAGE, "KEY=VALUE is expected, not '%.100s'", word);
    const char *section = strncmp(key, "trainer.gradient_clip", 21) ? "training_module." : "";
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)size, key);
    if (*word != '~' && key[size] == '=' && key[size + 1] == '{' && config_get(module_of(config), name)) {
        /* a whole map takes the place of the one that is there */
        int code = config_override_format(config, error, "~training_module.%s", name);
        if (code)
            return code;
    }
    return config_override_format(config, error, "%s%s%s", *word == '~' ? "~" : "++", section, key);
}

static int override_strategy(struct config *config, int count, const char *const *words, struct error *error) {
    const struct composition_kind *old, *new;
    int code = composition_find(&old, module_of(config), error);
    if (code || (code = config_override_format(config, error, "training_module._target_=%s", words[1])) ||
        (code = composition_find(&new, module_of(config), error)) ||
        (code = config_override_format(config, error, "training_module._target_=%s", new->target.target)))
        return code;
    for (int l = 0; l < MAX_LAYERS && old->layers[l]; l++)
        for (size_t k = 0; k < old->layers[l]->noptions; k++) {
            const char *name = old->layers[l]->options[k].name;
            if (!has_option(new, name) && config_get(module_of(config), name) &&
                (code = config_override_format(config, error, "~training_module.%s", name)))
                return code;
        }
    for (int k = 2; !code && k < count; k++)
        code = override_module(config, words[k], error);
    return code;
}

static int override_optimizer(struct config *config, int count, const char *const *words, struct error *error) {
    int code = config_override_format(config, error, "~training_module.optimizer");
    if (!code)
        code = config_override_format(config, error, "+training_module.optimizer={_target_: %s}", words[1]);
    for (int k = 2; !code && k < count; k++)
        code = strchr(words[k], '=') ? config_override_format(config, error, "++training_module.optimizer.%s", words[k])
                                     : error_set(error, ERROR_USAGE, "KEY=VALUE is expected, not '%.100s'", words[k]);
    return code;
}

int retool_override(struct config *config, int count, const char *const *words, struct error *error) {
    int strategy = !strcmp(words[0], "strategy");
    if (count < 2)
        return error_set(error, ERROR_USAGE, "usage: %s NAME [KEY=VALUE...]", words[0]);
    return strategy ? override_strategy(config, count, words, error) : override_optimizer(config, count, words, error);
}

/* ---------------------------------------------------------------- what goes on */

struct retool_parts {
    struct composition composition;
    struct optimizer optimizer;
    struct schedule schedule;
    struct trainer_settings options;
    struct config *config, *given;
};

static int same_text(const struct config_node *a, const struct config_node *b) {
    return !strcmp(config_text(a), config_text(b));
}

static const char *const shared_prefixes[] = {"optimizer.", "scheduler."};

/* Whether the old state of this name fits what stands under it now. */
static int goes_on(const struct trainer *trainer, const struct retool_parts *old, const char *name) {
    const struct config_node *before = module_of(old->config), *now = module_of(trainer->configs.resolved);
    const struct config_node *had = config_find(before, "lr_scheduler.scheduler._target_"),
                             *has = config_find(now, "lr_scheduler.scheduler._target_");
    int same_schedule = same_text(had, has), same_kind = old->optimizer.kind == trainer->optimizer.kind;
    if (!strcmp(name, "optimizer.lr"))
        return same_kind && (same_schedule || !has) &&
               same_text(config_find(before, "optimizer.lr"), config_find(now, "optimizer.lr"));
    if (!strncmp(name, "optimizer.", 10))
        return same_kind;
    return strncmp(name, "scheduler.", 10) || same_schedule;
}

/* Settings whose option was given anew keep the value that it has. */
struct given_settings {
    int count;
    struct layer *layer[MAX_LAYERS * 8];
    const struct layer_setting *setting[MAX_LAYERS * 8];
    double value[MAX_LAYERS * 8];
};

static void find_given(struct trainer *trainer, const struct retool_parts *old, struct given_settings *out) {
    out->count = 0;
    for (int l = 0; l < trainer->composition.nlayers; l++) {
        struct layer *layer = &trainer->composition.layers[l];
        const char *section = l ? "training_module" : "trainer"; /* the base's options are the trainer's */
        for (size_t k = 0; k < layer->kind->nsettings && out->count < MAX_LAYERS * 8; k++) {
            const struct layer_setting *setting = &layer->kind->settings[k];
            const char *name = setting->name;
            if (!setting->set ||
                same_text(config_get(config_get(config_root(old->config), section), name),
                          config_get(config_get(config_root(trainer->configs.resolved), section), name)))
                continue;
            out->layer[out->count] = layer;
            out->setting[out->count] = setting;
            out->value[out->count++] = setting->get(layer);
        }
    }
}

/* "optimizer (exp_avg, lr), ema (weights)": name is added to what is there. */
static void add_name(struct text *out, const char *name, char group[64]) {
    size_t size = strcspn(name, "."), rest = strlen(name + size);
    const char *tail = name + size + (rest > 0);
    size_t length = strlen(tail);
    if (length > 4 && !strcmp(tail + length - 4, ".f64")) /* its other half is named */
        return;
    if (length > 4 && !strcmp(tail + length - 4, ".f32"))
        length -= 4;
    if (strlen(group) != size || strncmp(group, name, size))
        text_format(out, "%s%s%.*s (%.*s", *group ? ")" : "", *group ? ", " : "", (int)size, name, (int)length, tail);
    else
        text_format(out, ", %.*s", (int)length, tail);
    snprintf(group, 64, "%.*s", (int)size, name);
}

static void close_list(struct text *report, const char *label, struct text *list, const char *first) {
    if (report && (list->size || *first))
        text_format(report, "  %-12s %s%s%s%s\n", label, first, *first && list->size ? ", " : "",
                    list->size ? list->data : "", list->size ? ")" : "");
    text_free(list);
}

static void carry_over(struct trainer *trainer, const struct retool_parts *old, struct text *report) {
    struct state *state = trainer->state;
    struct text on = {0}, new = {0}, gone = {0};
    char on_group[64] = "", new_group[64] = "", gone_group[64] = "";
    const size_t skip = sizeof retired - 1;
    for (size_t k = 0; k < state_count(state); k++) {
        struct variable *from = state_at(state, k);
        if (strncmp(from->name, retired, skip))
            continue;
        struct variable *to = state_find(state, from->name + skip);
        int fits = to && to->type == from->type && to->count == from->count && goes_on(trainer, old, to->name);
        if (fits && to->count)
            memcpy(to->data, from->data, to->count * state_type_size(to->type));
        if (fits)
            add_name(&on, to->name, on_group);
        else if (!to)
            add_name(&gone, from->name + skip, gone_group);
    }
    for (size_t k = 0; k < state_count(state); k++) {
        const struct variable *to = state_at(state, k);
        int ours = 0;
        char aside[300];
        for (int l = 0; l < trainer->composition.nlayers; l++) {
            size_t size = strlen(trainer->composition.layers[l].kind->name);
            ours |= !strncmp(to->name, trainer->composition.layers[l].kind->name, size) && to->name[size] == '.';
        }
        for (int p = 0; p < 2; p++)
            ours |= !strncmp(to->name, shared_prefixes[p], strlen(shared_prefixes[p]));
        snprintf(aside, sizeof aside, "%s%.280s", retired, to->name);
        const struct variable *from = state_find(state, aside);
        if (ours && !(from && from->type == to->type && from->count == to->count && goes_on(trainer, old, to->name)))
            add_name(&new, to->name, new_group);
    }
    close_list(report, "goes on", &on, "the model");
    close_list(report, "begins anew", &new, "");
    close_list(report, "dropped", &gone, "");
}

/* ---------------------------------------------------------------- the exchange */

static int rename_parts(struct trainer *trainer, const struct composition *composition, int back, struct error *error) {
    char from[96], to[96];
    int code = 0;
    for (int k = 0; !code && k < composition->nlayers + 2; k++) {
        int layer = k < composition->nlayers;
        const char *name = layer ? composition->layers[k].kind->name : shared_prefixes[k - composition->nlayers];
        snprintf(from, sizeof from, "%s%s%s", back ? retired : "", name, layer ? "." : "");
        snprintf(to, sizeof to, "%s%s%s", back ? "" : retired, name, layer ? "." : "");
        code = state_rename(trainer->state, from, to, error);
    }
    return code;
}

static void remove_parts(struct trainer *trainer, const struct composition *composition) {
    char prefix[96];
    for (int k = 0; k < composition->nlayers; k++) {
        snprintf(prefix, sizeof prefix, "%s.", composition->layers[k].kind->name);
        state_remove(trainer->state, prefix);
    }
    for (int p = 0; p < 2; p++)
        state_remove(trainer->state, shared_prefixes[p]);
}

static void take_parts(struct trainer *trainer, struct retool_parts *parts) {
    parts->composition = trainer->composition;
    parts->optimizer = trainer->optimizer;
    parts->schedule = trainer->schedule;
    parts->options = trainer->options;
    parts->config = trainer->configs.resolved;
    parts->given = trainer->configs.given;
}

static void put_parts(struct trainer *trainer, const struct retool_parts *parts) {
    trainer->composition = parts->composition;
    trainer->optimizer = parts->optimizer;
    trainer->schedule = parts->schedule;
    trainer->options = parts->options;
    trainer->configs.resolved = parts->config;
    trainer->configs.given = parts->given;
    for (int k = 0; k < trainer->composition.nlayers; k++)
        trainer->composition.layers[k].trainer = trainer;
}

static int exchange(struct trainer *trainer, const struct retool_parts *next, const struct module_options *module,
                    struct text *report, struct error *error) {
    struct retired *kept = calloc(1, sizeof *kept);
    struct config **givens =
        realloc(trainer->configs.before, (size_t)(trainer->configs.exchanges + 1) * sizeof *givens);
    struct retool_parts old, opened;
    struct given_settings given;
    if (givens)
        trainer->configs.before = givens;
    if (!kept || !givens) {
        free(kept);
        return error_memory(error);
    }
    take_parts(trainer, &old);
    int code = rename_parts(trainer, &old.composition, 0, error);
    if (!code) {
        put_parts(trainer, next);
        if (!(code = trainer_open_optimizer(trainer, module, error)) && !(code = trainer_open_terms(trainer, error)))
            code = composition_open(&trainer->composition, trainer, error);
    }
    code = arena_result(trainer->arena, code, error);
    if (code) {
        struct error second = {0};
        take_parts(trainer, &opened);
        if (opened.config == next->config) {
            composition_close(&trainer->composition);
            remove_parts(trainer, &next->composition);
            schedule_free(&opened.schedule);
        }
        put_parts(trainer, &old);
        rename_parts(trainer, &old.composition, 1, &second);
        free(kept);
        return code;
    }
    find_given(trainer, &old, &given);
    if (report)
        text_format(report, "%s\n", trainer->composition.kind->target.target);
    carry_over(trainer, &old, report);
    for (int k = 0; k < given.count; k++)
        given.setting[k]->set(given.layer[k], given.value[k], NULL);
    composition_close(&old.composition);
    schedule_free(&old.schedule);
    state_remove(trainer->state, retired);
    if (trainer_look_weights(trainer) == WEIGHTS_ONLY)
        trainer->evaluation.look_raw = 0;
    trainer_sync(trainer);
    state_sync(trainer->state);
    kept->config = old.config;
    kept->next = trainer->configs.retired;
    trainer->configs.retired = kept;
    trainer->configs.before[trainer->configs.exchanges++] = old.given;
    return 0;
}

/* From here on both configs belong to the trainer, or are gone. */
static int retool_with(struct trainer *trainer, struct retool_parts *next, struct text *report, struct error *error) {
    struct module_options module;
    struct config_context context = {.sections = trainer_sections,
                                     .output_dir = trainer->folder.path,
                                     .statistic = datamodule_statistic,
                                     .statistic_context = trainer->data};
    arena_again(trainer->arena);
    int code = config_resolve(next->config, &context, error);
    if (!code && !(code = trainer_check(config_root(next->config), error)) &&
        !(code = trainer_settings_read(&next->options, config_get(config_root(next->config), "trainer"), trainer->arena,
                                       error)) &&
        !(code = composition_read(&next->composition, &module, module_of(next->config), &next->options, trainer->arena,
                                  error)) &&
        !(code = callbacks_fit(&trainer->callbacks, &next->composition, error)))
        code = exchange(trainer, next, &module, report, error);
    if (code) {
        code = arena_result(trainer->arena, code, error);
        config_free(next->given);
        config_free(next->config);
    }
    return code;
}

int retool_to(struct trainer *trainer, const struct config *given, struct error *error) {
    struct retool_parts next = {.given = config_copy(given), .config = config_copy(given)};
    if (!next.given || !next.config) {
        config_free(next.given);
        config_free(next.config);
        return error_memory(error);
    }
    return retool_with(trainer, &next, NULL, error);
}

int retool(struct trainer *trainer, int count, const char *const *words, struct text *report, struct error *error) {
    struct retool_parts next = {0};
    if (cursor_of(trainer)->window)
        return error_set(error, ERROR_STATE, "gradients of several batches are being summed: step on to their last");
    next.given = config_copy(trainer->configs.given);
    next.config = config_copy(trainer->configs.resolved);
    int code = next.given && next.config ? 0 : error_memory(error);
    if (!code && !(code = retool_override(next.given, count, words, error)))
        code = retool_override(next.config, count, words, error);
    if (!code)
        return retool_with(trainer, &next, report, error);
    config_free(next.given);
    config_free(next.config);
    return code;
}
