/* A checkpoint that is gone on from.  The input is edits of a good one, written by a run of the same config: what is
 * then wrong is told, or does no harm.  Beside those of edits.h the lines are
 *
 *     length NAME N, type NAME DTYPE, gone NAME    of a tensor
 *     text NAME TEXT                               the bytes of a tensor; \n and \t as in C
 *     metadata KEY TEXT, no KEY
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common.h"
#include "edits.h"
#include "kept.h"
#include "model/file/safetensors.h"
#include "train/run/change.h"
#include "train/run/checkpoint.h"
#include "train/run/resume.h"
#include "train/run/trainer_internal.h"
#include "train/run/trainer.h"

enum { BATCHES = 2, MOST_TENSORS = 512, LONGEST = 4096, MOST_TEXTS = 32 };

static struct kept kept;
static struct safetensors *good;
static struct edits_array arrays[MOST_TENSORS]; /* one for each tensor */
static size_t count;
static char checkpoint[] = "edited.safetensors";

/* What lines other than plain edits have made of the tensors and the metadata. */
static struct change {
    char dtype[8];
    size_t length;
    int gone, changed;
    void *text;
} changes[MOST_TENSORS];
static struct { char *key, *value; /* value: NULL where it is gone */ } texts[MOST_TEXTS];
static size_t ntexts;
static int config_changed; /* or the audit log, which changes the config */

static enum edits_type type_of(const char *dtype) {
    return !strcmp(dtype, "F64")   ? EDITS_F64
           : !strcmp(dtype, "F32") ? EDITS_F32
           : !strcmp(dtype, "I64") ? EDITS_I64
           : dtype[1] == '3'       ? EDITS_I32
                                   : EDITS_U8;
}

static void make_good(void) {
    static const char *const words[] = {"set", "lr", "0.003"};
    struct error error = {0};
    fuzz_need(trainer_change(kept.trainer, 3, words, NULL, &error), &error);
    kept_train(&kept, 2);
    fuzz_need(trainer_save(kept.trainer, "good.safetensors", &error), &error);
    fuzz_need(safetensors_read(&good, "good.safetensors", &error), &error);
    count = safetensors_count(good);
    if (count > MOST_TENSORS)
        fuzz_fail("more than %d tensors", MOST_TENSORS);
    for (size_t k = 0; k < count; k++) {
        const struct tensor *tensor = safetensors_at(good, k);
        enum edits_type type = type_of(tensor->dtype);
        snprintf(arrays[k].name, sizeof arrays[k].name, "%s", tensor->name);
        arrays[k].type = type;
        arrays[k].count = tensor->size / edits_size(type);
        arrays[k].data = malloc(tensor->size + LONGEST);
    }
    kept_return(&kept);
}

void fuzz_open(void) {
    static const char *const verbs[] = {
        "length %s %d",
        "gone %s",
        "type %s I64",
        "type %s U8",
        "type %s U32",
        "type %s F64",
        "no phase",
        "no config",
        "metadata phase load",
        "metadata phase checkpoint",
        "metadata phase done",
        "metadata metrics nan val0_epoch/weighted_sum\\n",
        "metadata threads %d",
        "text %s ../best.safetensors\\t%d\\n",
        "text state.loop.audit epoch 0, batch 0, step 0, before epoch\\tset\\tlr\\t%d\\n"};
    kept_open(&kept, fuzz_config(NULL, 0), 5);
    make_good();
    /* what the loop and those around it keep is drawn more often than weights */
    static struct edits_array offered[MOST_TENSORS];
    size_t noffered = 0;
    for (size_t k = 0; k < count; k++)
        if (!strncmp(arrays[k].name, "state.", 6) || k % 8 == 0)
            offered[noffered++] = arrays[k];
    edits_offer(offered, noffered, verbs, sizeof verbs / sizeof *verbs);
}

static char *unescape(char *text) {
    char *to = text;
    for (const char *from = text; *from; from++) {
        int escape = from[0] == '\\' && (from[1] == 'n' || from[1] == 't');
        *to++ = !escape ? *from : from[1] == 'n' ? '\n' : '\t';
        from += escape;
    }
    *to = 0;
    return text;
}

static void change(void *context, int nwords, char **words) {
    (void)context;
    struct change *changed = NULL;
    if (nwords < 2)
        return;
    for (size_t k = 0; k < count; k++)
        if (!strcmp(arrays[k].name, words[1]))
            changed = &changes[k];
    char *value = nwords > 2 ? words[2] : NULL;
    if (!strcmp(words[0], "gone") && changed) {
        changed->gone = 1;
    } else if (!strcmp(words[0], "length") && changed && value) {
        changed->length = strtoul(value, NULL, 10);
        changed->changed = 1;
    } else if (!strcmp(words[0], "type") && changed && value) {
        snprintf(changed->dtype, sizeof changed->dtype, "%s", value);
    } else if (!strcmp(words[0], "text") && changed && value) {
        changed->text = unescape(value);
    } else if (((!strcmp(words[0], "metadata") && value) || !strcmp(words[0], "no")) && ntexts < MOST_TEXTS) {
        texts[ntexts].key = words[1];
        texts[ntexts++].value = words[0][0] == 'm' ? unescape(value) : NULL;
    }
    config_changed |= !strcmp(words[1], "config") || !strcmp(words[1], "data") || strstr(words[1], "audit");
}

static int add_tensor(struct safetensors *bad, size_t k, struct error *error) {
    const struct tensor *tensor = safetensors_at(good, k);
    struct change *changed = &changes[k];
    const char *dtype = changed->dtype[0] ? changed->dtype : tensor->dtype;
    size_t room = tensor->size + LONGEST, each = edits_size(type_of(dtype)), length = tensor->size / each;
    if (changed->gone)
        return 0;
    if (changed->text) {
        length = strlen(changed->text) + 1;
        length = length < room ? length : room;
        memcpy(arrays[k].data, changed->text, length);
        ((char *)arrays[k].data)[length - 1] = 0;
        length /= each;
    }
    if (changed->changed)
        length = changed->length < room / each ? changed->length : room / each;
    if (changed->text || changed->changed || changed->dtype[0])
        return safetensors_add(bad, tensor->name, dtype, 1, &length, arrays[k].data, error);
    return safetensors_add(bad, tensor->name, dtype, tensor->ndim, tensor->shape, arrays[k].data, error);
}

static int add_metadata(struct safetensors *bad, struct error *error) {
    static const char *const keys[] = {"config",  "training_module", "data",         "phase", "threads",
                                       "kernels", "metrics",         "model_config", "run"};
    int code = 0;
    for (size_t k = 0; !code && k < sizeof keys / sizeof *keys; k++) {
        const char *value = safetensors_metadata(good, keys[k]);
        for (size_t t = 0; t < ntexts; t++)
            if (!strcmp(texts[t].key, keys[k]))
                value = texts[t].value;
        if (value)
            code = safetensors_set_metadata(bad, keys[k], value, error);
    }
    return code;
}

/* The text is cut up, and lives as long as what is made of it is looked at. */
static struct safetensors *edit(char *text) {
    struct safetensors *bad = safetensors_new();
    struct error error = {0};
    memset(changes, 0, sizeof changes);
    ntexts = 0;
    config_changed = 0;
    for (size_t k = 0; k < count; k++) {
        const struct tensor *tensor = safetensors_at(good, k);
        memcpy(arrays[k].data, tensor->data, tensor->size);
        memset((char *)arrays[k].data + tensor->size, 0, LONGEST);
    }
    edits_apply(text, arrays, count, change, NULL);
    for (size_t k = 0; k < count; k++)
        fuzz_told(add_tensor(bad, k, &error), &error);
    fuzz_told(add_metadata(bad, &error), &error);
    return bad;
}

/* What opening a run does with a file, its config and its changes, on copies of the run's own config. */
static int check_file(struct trainer *trainer, struct error *error) {
    struct config *given = trainer->configs.given, *config = trainer->configs.resolved;
    trainer->configs.given = config_copy(given);
    trainer->configs.resolved = config_copy(config);
    int code = resume_read(trainer, error);
    if (!code)
        code = resume_open(trainer, error);
    if (!code)
        code = resume_check(trainer, error);
    safetensors_free(trainer->origin.file);
    trainer->origin.file = NULL;
    config_free(trainer->configs.given);
    config_free(trainer->configs.resolved);
    trainer->configs.given = given;
    trainer->configs.resolved = config;
    return code;
}

/* The whole way, as `--resume` goes it. */
static void open_anew(void) {
    struct kept anew = {.config = kept.config};
    struct trainer_options options = {.threads = 1, .resume = checkpoint};
    struct error error = {0};
    int code = trainer_open(&anew.trainer, kept.config, &options, &error);
    fuzz_told(code, &error);
    if (!code)
        kept_train(&anew, BATCHES);
    trainer_free(anew.trainer);
}

/* By way of a file only where that could make a difference: reading files is tried elsewhere, and takes its time. */
void fuzz_input(const uint8_t *data, size_t size) {
    struct error error = {0};
    char *text = fuzz_text(data, size);
    struct safetensors *bad = edit(text);
    int code = 0;
    kept.trainer->origin.path = checkpoint;
    if (config_changed || fuzz_replays()) {
        fuzz_need(safetensors_write(bad, checkpoint, &error), &error);
        code = check_file(kept.trainer, &error);
    }
    if (!code)
        code = checkpoint_resume(kept.trainer, bad, &error);
    fuzz_told(code, &error);
    if (!code)
        kept_train(&kept, BATCHES);
    kept_return(&kept);
    if (fuzz_replays())
        open_anew();
    safetensors_free(bad);
    free(text);
}
