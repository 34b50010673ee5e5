/* Going on from a checkpoint: the changes that were made to the run it is of, and whether the config still is that
 * run's.  What a checkpoint holds wins over the config; a difference that would therefore be without effect, or that
 * would make another run of it, is refused. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "model/file/safetensors.h"
#include "train/run/audit.h"
#include "train/run/logging.h"
#include "train/run/resume.h"
#include "train/run/retool.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"

/* ---------------------------------------------------------------- changes that were made */

static int again(void *context, int count, const char *const *words, struct error *error) {
    struct trainer *trainer = context;
    if (strcmp(words[0], "strategy") && strcmp(words[0], "optimizer"))
        return 0; /* the state has the outcome */
    int code = retool_override(trainer->configs.given, count, words, error);
    return code ? code : retool_override(trainer->configs.resolved, count, words, error);
}

const char *resume_path(const struct trainer *trainer) {
    return trainer->origin.path;
}

int resume_find(struct trainer *trainer, struct error *error) {
    const struct config_node *given = config_get(config_root(trainer->configs.resolved), "ckpt_path");
    const char *path = trainer->how.resume;
    if (!path && config_kind(given) == CONFIG_STRING &&
        *config_text(given)) /* an empty name is refused with the rest */
        path = config_text(given);
    if (path && !(trainer->origin.path = arena_string(trainer->arena, path)))
        return error_memory(error);
    return 0;
}

/* The audit log of the run: text with a terminating zero, or nothing; NULL and the error otherwise. */
static int find_audit(const struct safetensors *file, const char **log, struct error *error) {
    const struct tensor *audit = safetensors_find(file, "state.loop.audit");
    *log = audit && audit->size ? audit->data : "";
    if (!audit || strcmp(audit->dtype, "U8"))
        return error_set(error, ERROR_DATA, "the checkpoint has no \"state.loop.audit\" of bytes");
    return audit_check(*log, audit->size, error);
}

int resume_read(struct trainer *trainer, struct error *error) {
    int code = trainer->origin.path ? safetensors_read(&trainer->origin.file, trainer->origin.path, error) : 0;
    if (code == ERROR_SYNTAX) /* what is named there is weights, at most */
        error_prefix(error, "a run goes on from a checkpoint of its own (--init begins one with weights): ");
    return code;
}

int resume_open(struct trainer *trainer, struct error *error) {
    const char *path = trainer->origin.path, *log;
    int code;
    if (!path)
        return 0;
    if (!safetensors_metadata(trainer->origin.file, "training_module"))
        return error_set(error, ERROR_DATA, "%s holds weights but no run that could be gone on with", path);
    if (!safetensors_format(trainer->origin.file))
        return error_set(
            error, ERROR_DATA,
            "%s was written by an earlier fettle: its run cannot be gone on with; --init takes its weights", path);
    if ((code = find_audit(trainer->origin.file, &log, error))) {
        error_prefix(error, "%s: ", path);
        return code;
    }
    return audit_each(log, again, trainer, error);
}

/* ---------------------------------------------------------------- the data */

static uint64_t hash_frame(uint64_t hash, const struct frame *frame) {
    size_t atoms = (size_t)frame->atoms;
    hash = hash_bytes(hash, frame->pos, atoms * 3 * sizeof *frame->pos);
    hash = hash_bytes(hash, frame->types, atoms * sizeof *frame->types);
    hash = hash_bytes(hash, frame->cell, sizeof frame->cell);
    hash = hash_bytes(hash, frame->pbc, sizeof frame->pbc);
    for (int k = 0; k < frame->nfields; k++) {
        const struct field *field = &frame->fields[k];
        size_t rows = field->per_atom ? atoms : 1;
        hash = hash_bytes(hash, field->name, strlen(field->name));
        hash = hash_bytes(hash, field->values, rows * (size_t)field->cols * sizeof *field->values);
    }
    return hash;
}

void resume_fingerprint(const struct trainer *trainer, char out[17]) {
    uint64_t hash = 0;
    for (size_t k = 0; k < datamodule_count(trainer->data, ROLE_TRAIN) && k < 1; k++) {
        const struct dataset *data = datamodule_dataset(trainer->data, ROLE_TRAIN, k);
        for (size_t f = 0; f < data->count; f++)
            hash = hash_frame(hash, data->frames[f]);
    }
    snprintf(out, 17, "%016llx", (unsigned long long)hash);
}

/* ---------------------------------------------------------------- the config */

/* What the state of a checkpoint decides, or what it is the state of; the rest may change and takes effect. */
static int decides(const char *path) {
    static const char *const prefixes[] = {"training_module.",       "data.seed",
                                           "data.train_dataloader.", "trainer.accumulate_grad_batches",
                                           "trainer.gradient_clip",  "trainer.limit_train_batches"};
    static const char *const free_of_state[] = {"training_module.train_metrics", "training_module.val_metrics",
                                                "training_module.test_metrics", "training_module.model.compile_mode",
                                                "training_module.model.seed"};
    for (size_t k = 0; k < sizeof free_of_state / sizeof *free_of_state; k++)
        if (!strncmp(path, free_of_state[k], strlen(free_of_state[k])))
            return 0;
    for (size_t k = 0; k < sizeof prefixes / sizeof *prefixes; k++)
        if (!strncmp(path, prefixes[k], strlen(prefixes[k])))
            return 1;
    return 0;
}

struct comparison {
    struct trainer *trainer;
    const struct config_node *refused; /* the first; NULL: it is not there any more */
    char path[512], was[64], is[64];
    int differences, refusals;
};

static void show(const struct config_node *node, char out[64]) {
    if (!node)
        snprintf(out, 64, "absent");
    else if (config_kind(node) == CONFIG_MAP || config_kind(node) == CONFIG_LIST)
        snprintf(out, 64, "%s", config_kind_name(node));
    else
        snprintf(out, 64, "%.60s", config_kind(node) == CONFIG_NULL ? "null" : config_text(node));
}

static void differ(struct comparison *c, const char *path, const struct config_node *was,
                   const struct config_node *is) {
    char before[64], now[64];
    show(was, before);
    show(is, now);
    c->differences++;
    trainer_tell(c->trainer, EVENT_NOTICE, "the config has changed: %s was %s, is %s", path, before, now);
    if (!decides(path) || c->refusals++)
        return;
    c->refused = is;
    snprintf(c->path, sizeof c->path, "%s", path);
    snprintf(c->was, sizeof c->was, "%s", before);
    snprintf(c->is, sizeof c->is, "%s", now);
}

static int same_scalar(const struct config_node *a, const struct config_node *b) {
    if (config_is_number(a) && config_is_number(b))
        return config_float(a) == config_float(b);
    return config_kind(a) == config_kind(b) && !strcmp(config_text(a), config_text(b));
}

static void compare(struct comparison *c, const char *path, const struct config_node *was,
                    const struct config_node *is) {
    enum config_kind kind = config_kind(was);
    char below[512];
    if (!was || !is || kind != config_kind(is) || (kind != CONFIG_MAP && kind != CONFIG_LIST)) {
        if (!was || !is || !same_scalar(was, is))
            differ(c, path, was, is);
        return;
    }
    for (size_t k = 0; k < config_count(was); k++) {
        int map = kind == CONFIG_MAP;
        if (map)
            snprintf(below, sizeof below, "%.400s.%.100s", path, config_key(was, k));
        else
            snprintf(below, sizeof below, "%.400s.%zu", path, k);
        compare(c, below, config_at(was, k), map ? config_get(is, config_key(was, k)) : config_at(is, k));
    }
    for (size_t k = 0; k < config_count(is); k++) {
        int map = kind == CONFIG_MAP;
        if (map ? config_get(was, config_key(is, k)) != NULL : k < config_count(was))
            continue;
        if (map)
            snprintf(below, sizeof below, "%.400s.%.100s", path, config_key(is, k));
        else
            snprintf(below, sizeof below, "%.400s.%zu", path, k);
        differ(c, below, NULL, config_at(is, k));
    }
}

static int compare_configs(struct trainer *trainer, const char *yaml, struct error *error) {
    static const char *const sections[] = {"run", "data", "trainer", "training_module"};
    struct config *before;
    struct comparison c = {.trainer = trainer};
    int code = config_parse(&before, trainer->origin.path, yaml, strlen(yaml), error);
    if (code)
        return code;
    for (size_t k = 0; k < sizeof sections / sizeof *sections; k++)
        compare(&c, sections[k], config_get(config_root(before), sections[k]),
                config_get(config_root(trainer->configs.resolved), sections[k]));
    config_free(before);
    if (!c.refusals)
        return 0;
    return config_error(c.refused ? c.refused : config_root(trainer->configs.resolved), error, ERROR_VALUE,
                        "%s%swas %s in the run that %s is of, and is %s now: going on would not be that run%s; give "
                        "the config as it was and make the change while it goes on (set, strategy, optimizer), or "
                        "begin a new run from its weights (--init)",
                        c.refused ? "" : c.path, c.refused ? "" : " ", c.was, trainer->origin.path, c.is,
                        c.refusals > 1 ? " (more differs, see above)" : "");
}

int resume_check(struct trainer *trainer, struct error *error) {
    const struct safetensors *file = trainer->origin.file;
    const char *yaml = safetensors_metadata(file, "config"), *data = safetensors_metadata(file, "data");
    const char *module = safetensors_metadata(file, "training_module");
    int code = yaml ? compare_configs(trainer, yaml, error) : 0;
    if (!code && data && strcmp(data, trainer->origin.fingerprint))
        code = error_set(error, ERROR_DATA,
                         "the training data are not those of the run that %s is of: going on would not be that run; "
                         "begin a new one from its weights (--init)",
                         trainer->origin.path);
    if (!code && strcmp(module, trainer->composition.kind->target.target))
        code = error_set(error, ERROR_DATA, "%s is a checkpoint of %s, this run is one of %s", trainer->origin.path,
                         module, trainer->composition.kind->target.target);
    return code;
}
