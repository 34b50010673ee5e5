/* Checkpoints that are not as a run has written them: each number of the state changed, each length, each type, with a
 * hash that fits.  What cannot be is told by the variable's name; what can be goes on without harm. */
#include "runs.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "graph/kernel/kernels.h"
#include "model/file/safetensors_internal.h"
#include "train/run/change.h"
#include "train/run/trainer.h"

/* Runs that between them have every owner of a state: techniques, optimizers, schedulers, callbacks. */
static const struct setting {
    const char *folder, *overrides[16];
} settings[] = {
    {"ema_adam",
     {"training_module.lr_scheduler={scheduler: {_target_: torch.optim.lr_scheduler.ReduceLROnPlateau}, monitor: "
      "val0_epoch/weighted_sum}",
      "trainer.callbacks=[{_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: val0_epoch/weighted_sum}, "
      "{_target_: nequip.train.callbacks.ValTimeXYZFileWriter, out_file: seen}, {_target_: "
      "nequip.train.callbacks.LossCoefficientMonitor, interval: batch, frequency: 1}, {_target_: "
      "nequip.train.callbacks.LinearLossCoefficientScheduler, final_coeffs: {per_atom_energy_mse: 2, forces_mse: 1}, "
      "transition_epochs: 3}]"}},
    {"base_accumulate_cosine", {NULL}},
    {"base_accumulate_cosine",
     {"~training_module.lr_scheduler",
      "+training_module.lr_scheduler={interval: step, scheduler: {_target_: torch.optim.lr_scheduler.SequentialLR, "
      "milestones: [2], schedulers: [{_target_: torch.optim.lr_scheduler.ChainedScheduler, schedulers: [{_target_: "
      "torch.optim.lr_scheduler.LinearLR}]}, {_target_: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts, T_0: "
      "2}]}}"}},
    {"ema_config_adamw", {NULL}},
    {"schedulefree_radam", {NULL}},
    {"softadapt_batch", {NULL}},
    {"ema_adam",
     {"training_module._target_=fettle.train.MConFIGLightningModule", "~training_module.ema_decay",
      "training_module.optimizer={_target_: torch.optim.SGD, lr: 0.01}"}},
    {"ema_adam",
     {"training_module._target_=fettle.train.AdaptiveClipLightningModule", "~training_module.ema_decay",
      "~training_module.lr_scheduler",
      "+training_module.lr_scheduler={interval: step, scheduler: {_target_: torch.optim.lr_scheduler.OneCycleLR, "
      "max_lr: "
      "0.1, total_steps: 40}}"}},
    {"ema_adam",
     {"~training_module.optimizer",
      "+training_module.optimizer={_target_: torch.optim.LBFGS, lr: 0.5, max_iter: 3, history_size: 2, line_search_fn: "
      "strong_wolfe}"}},
    {"ema_adam",
     {"training_module.optimizer={_target_: torch.optim.NAdam, lr: 0.01}", "~training_module.lr_scheduler",
      "+training_module.lr_scheduler={interval: step, scheduler: {_target_: torch.optim.lr_scheduler.CyclicLR, "
      "base_lr: 0.001, max_lr: 0.01, step_size_up: 2}}"}},
    {"ema_adam",
     {"training_module.optimizer={_target_: torch.optim.ASGD, lr: 0.01}", "~training_module.lr_scheduler",
      "+training_module.lr_scheduler={interval: step, scheduler: {_target_: torch.optim.swa_utils.SWALR, swa_lr: "
      "0.001}}"}},
};
enum { SETTINGS = sizeof settings / sizeof *settings };

static struct start begin_with(const struct setting *setting) {
    struct start start = {0};
    for (size_t k = 0; k < 16 && setting->overrides[k]; k++)
        start_add(&start, setting->overrides[k]);
    return start;
}

static struct safetensors *open_file(const char *path) {
    struct safetensors *file;
    struct error error = {0};
    cr_assert_eq(safetensors_read(&file, path, &error), 0, "%s", error.message);
    return file;
}

static size_t each(const struct tensor *tensor) {
    return safetensors_dtype_size(tensor->dtype);
}

/* good.safetensors with the tensor k as `bad`. */
static void write_with(struct safetensors *good, size_t k, const struct tensor *bad) {
    struct error error = {0};
    struct tensor was = good->tensors[k];
    good->tensors[k] = *bad;
    cr_assert_eq(safetensors_write(good, "bad.safetensors", &error), 0, "%s", error.message);
    good->tensors[k] = was;
}

/* Resumes bad.safetensors and goes on for some batches; the error's text, "" where it was accepted. */
static const char *resume(struct start start) {
    static struct error error;
    struct trainer *trainer;
    memset(&error, 0, sizeof error);
    start.resume = "bad.safetensors";
    if (case_try(&trainer, &start, &error)) {
        cr_expect_null(trainer);
        cr_expect(*error.message);
        return error.message;
    }
    struct error ignored = {0};
    for (int k = 0; k < 3 && !trainer_done(trainer) && !ignored.code; k++)
        trainer_step(trainer, &ignored);
    trainer_free(trainer);
    return "";
}

/* A place and a hostile value for it. */
static void put(char *data, const char *dtype, size_t k, double value) {
    int64_t whole = value >= 0x1p63 ? INT64_MAX : value <= -0x1p63 || isnan(value) ? INT64_MIN : (int64_t)value;
    float single = (float)value;
    uint32_t word = value >= 0 && value <= UINT32_MAX ? (uint32_t)value : UINT32_MAX;
    if (!strcmp(dtype, "F64"))
        memcpy(data + 8 * k, &value, 8);
    else if (!strcmp(dtype, "I64"))
        memcpy(data + 8 * k, &whole, 8);
    else if (!strcmp(dtype, "F32"))
        memcpy(data + 4 * k, &single, 4);
    else if (!strcmp(dtype, "U32"))
        memcpy(data + 4 * k, &word, 4);
    else
        data[k] = (char)word;
}

static int is_big(const char *name) {
    size_t length = strlen(name);
    return length > 4 && (!strcmp(name + length - 4, ".f32") || !strcmp(name + length - 4, ".f64"));
}

static void every_length_and_type(struct safetensors *good, size_t k, const struct start *start) {
    const struct tensor *tensor = &good->tensors[k];
    struct tensor bad = *tensor;
    char *room = calloc(tensor->size + 16, 1);
    int text = !strcmp(tensor->name, "state.loop.audit");
    memcpy(room, tensor->data, tensor->size);
    bad.data = room;
    bad.shape[0] = tensor->shape[0] + 1;
    bad.size = tensor->size + each(tensor);
    write_with(good, k, &bad);
    cr_expect(strstr(resume(*start), tensor->name), "%s may be longer", tensor->name);
    if (tensor->shape[0] && !(text && tensor->shape[0] == 1)) {
        bad.shape[0] = tensor->shape[0] - 1;
        bad.size = tensor->size - each(tensor);
        write_with(good, k, &bad);
        cr_expect(strstr(resume(*start), tensor->name), "%s may be shorter", tensor->name);
    }
    bad = *tensor;
    snprintf(bad.dtype, sizeof bad.dtype, "%s", each(tensor) == 8 ? "U64" : each(tensor) == 4 ? "I32" : "I8");
    write_with(good, k, &bad);
    cr_expect(strstr(resume(*start), tensor->name), "%s may be of another type", tensor->name);
    bad = *tensor;
    bad.ndim = 2;
    bad.shape[1] = 1;
    write_with(good, k, &bad);
    cr_expect(strstr(resume(*start), tensor->name), "%s may have two dimensions", tensor->name);
    free(room);
}

static void every_value(struct safetensors *good, size_t k, const struct start *start) {
    static const double values[] = {-1, NAN, 0x1p63, -0x1p63, 2, 1e15};
    const struct tensor *tensor = &good->tensors[k];
    struct tensor bad = *tensor;
    size_t count = tensor->shape[0], most = is_big(tensor->name) ? 1 : sizeof values / sizeof *values;
    char *room = malloc(tensor->size + 1);
    bad.data = room;
    for (size_t v = 0; v < most; v++)
        for (size_t place = 0; place<count; place += count> 1 ? count - 1 : 1) {
            memcpy(room, tensor->data, tensor->size);
            put(room, tensor->dtype, place, values[v]);
            write_with(good, k, &bad);
            const char *told = resume(*start);
            cr_expect(!*told || strstr(told, tensor->name) || strstr(told, "coefficient") || strstr(told, "lr-") ||
                          strstr(told, "cursor") || strstr(told, "audit"),
                      "%s[%zu] = %g: %s", tensor->name, place, values[v], told);
            int whole = !strcmp(tensor->dtype, "I64");
            if (whole && (values[v] < -100 || values[v] >= 0x1p63))
                cr_expect(*told || !strcmp(strrchr(tensor->name, '.'), ".cooldown_counter") ||
                              (values[v] > 0 && !strcmp(strrchr(tensor->name, '.'), ".T_i")),
                          "%s[%zu] = %g is accepted", tensor->name, place, values[v]);
        }
    free(room);
}

ParameterizedTestParameters(checkpoint, a_state_that_cannot_be_is_refused_by_name) {
    static int k[SETTINGS];
    for (int n = 0; n < SETTINGS; n++)
        k[n] = n;
    return cr_make_param_array(int, k, SETTINGS);
}

ParameterizedTest(int *which, checkpoint, a_state_that_cannot_be_is_refused_by_name) {
    struct error error = {0};
    case_enter(settings[*which].folder);
    struct start start = begin_with(&settings[*which]);
    struct trainer *trainer = case_open(&start);
    case_steps(trainer, 3);
    static const char *const words[] = {"set", "lr", "0.003"};
    cr_assert_eq(trainer_change(trainer, 3, words, NULL, &error), 0, "%s", error.message);
    cr_assert_eq(trainer_save(trainer, "good.safetensors", &error), 0, "%s", error.message);
    trainer_free(trainer);
    struct safetensors *good = open_file("good.safetensors");
    cr_assert_eq(safetensors_write(good, "bad.safetensors", &error), 0);
    cr_assert_str_empty(resume(start), "the good one");
    for (size_t k = 0; k < safetensors_count(good); k++) {
        const struct tensor *tensor = &good->tensors[k];
        if (strncmp(tensor->name, "state.", 6))
            continue;
        every_length_and_type(good, k, &start);
        every_value(good, k, &start);
    }
    safetensors_free(good);
}

/* ---------------------------------------------------------------- what files say of themselves */

static void checkpoint_of(const char *path, const char *folder) {
    struct error error = {0};
    case_enter(folder);
    struct trainer *trainer = case_open(&(struct start){0});
    case_steps(trainer, 2);
    cr_assert_eq(trainer_save(trainer, path, &error), 0, "%s", error.message);
    trainer_free(trainer);
}

static void set(struct safetensors *file, const char *key, const char *value) {
    for (size_t k = 0; k < file->nmetadata; k++)
        if (!strcmp(file->metadata[k].key, key))
            file->metadata[k] =
                value ? (struct metadata){(char *)key, (char *)value} : file->metadata[--file->nmetadata];
}

Test(checkpoint, metadata_that_cannot_be_are_refused) {
    static const struct {
        const char *key, *value, *told;
    } cases[] = {{"metrics", "nonsense\n", "nonsense"},
                 {"metrics", "1.0\n", "1.0"},
                 {"metrics", "one lr\n", "one lr"},
                 {"phase", NULL, "phase"},
                 {"phase", "", "phase"},
                 {"training_module", NULL, "no run"},
                 {"config", "{", "YAML"},
                 {"data", "0", "training data"}};
    checkpoint_of("good.safetensors", "ema_adam");
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct safetensors *file = open_file("good.safetensors");
        struct error error = {0};
        set(file, cases[k].key, cases[k].value);
        cr_assert_eq(safetensors_write(file, "bad.safetensors", &error), 0);
        safetensors_free(file);
        const char *told = resume((struct start){0});
        cr_expect(strstr(told, cases[k].told), "%s = %s: %s", cases[k].key,
                  cases[k].value ? cases[k].value : "(absent)", told);
    }
}

#define TABS "\t\t\t\t\t\t\t\t\t\t\t\t\t"
#define SIXTY_FIVE_TABS TABS TABS TABS TABS TABS

/* An audit log is read before anything else: the changes in it are made to the config. */
Test(checkpoint, an_audit_log_that_is_none_is_refused) {
    static const char *const logs[] = {"set\tlr\t1\n", "epoch 1, batch 0, step 1, before epoch\n", "\n",
                                       "epoch -1, batch 0, step 1, before epoch\tset\tlr\t1\n",
                                       "epoch 1, batch 0, step 1, before epoch" SIXTY_FIVE_TABS "\n"};
    checkpoint_of("good.safetensors", "ema_adam");
    struct safetensors *good = open_file("good.safetensors");
    size_t k = 0;
    while (strcmp(good->tensors[k].name, "state.loop.audit"))
        k++;
    for (size_t n = 0; n < sizeof logs / sizeof *logs; n++) {
        struct tensor bad = good->tensors[k];
        bad.data = logs[n];
        bad.size = bad.shape[0] = strlen(logs[n]) + 1;
        write_with(good, k, &bad);
        cr_expect(strstr(resume((struct start){0}), "state.loop.audit"), "%s", logs[n]);
    }
    safetensors_free(good);
}

/* A file without the format's number: its weights can be taken, its run cannot be gone on with. */
static void strip(const char *from, const char *to) {
    char *data, *at;
    size_t size;
    struct error error = {0};
    cr_assert_eq(file_read(from, &data, &size, &error), 0, "%s", error.message);
    static const char own[] = ",\"fettle_format\":\"1\",\"fettle_hash\":\"0123456789abcdef\"";
    cr_assert_not_null(at = memmem(data, size, own, 17));
    memset(at, ' ', sizeof own - 1);
    FILE *file = fopen(to, "wb");
    cr_assert_eq(fwrite(data, 1, size, file), size);
    fclose(file);
    free(data);
}

Test(checkpoint, a_run_of_an_earlier_fettle_is_told_from_its_weights) {
    struct error error = {0};
    struct trainer *trainer;
    checkpoint_of("good.safetensors", "ema_adam");
    strip("good.safetensors", "bad.safetensors");
    const char *told = resume((struct start){0});
    cr_expect(strstr(told, "earlier fettle") && strstr(told, "--init"), "%s", told);
    cr_assert_eq(case_try(&trainer, &(struct start){.init = "bad.safetensors"}, &error), 0, "%s", error.message);
    trainer_free(trainer);
}

Test(checkpoint, other_kernels_are_told_once) {
    struct error error = {0};
    cr_assert_eq(kernels_use("portable", &error), 0, "%s", error.message);
    checkpoint_of("good.safetensors", "ema_adam");
    struct heard heard = {0};
    trainer_free(case_open(&(struct start){.resume = "good.safetensors", .heard = &heard}));
    cr_expect_eq(heard.notices, 0);
    struct safetensors *file = open_file("good.safetensors");
    set(file, "kernels", "avx1024");
    cr_assert_eq(safetensors_write(file, "bad.safetensors", &error), 0);
    safetensors_free(file);
    trainer_free(case_open(&(struct start){.resume = "bad.safetensors", .heard = &heard}));
    cr_expect_eq(heard.notices, 1);
}

/* What is no file, or has no end. */
Test(checkpoint, devices_and_pipes_are_refused_or_bounded) {
    struct error error = {0};
    struct trainer *trainer;
    case_enter("ema_adam");
    cr_assert_eq(mkfifo("pipe", 0600), 0);
    const struct start starts[] = {{.resume = "/dev/zero"},
                                   {.init = "/dev/zero"},
                                   {.replay = "/dev/zero"},
                                   {.resume = "pipe"},
                                   {.init = "pipe"},
                                   {.resume = "."},
                                   {.overrides = {"+ckpt_path=/dev/zero"}}};
    for (size_t k = 0; k < sizeof starts / sizeof *starts; k++) {
        memset(&error, 0, sizeof error);
        cr_expect_eq(case_try(&trainer, &starts[k], &error), ERROR_IO);
        cr_expect(strstr(error.message, k == 5 ? "directory" : "no regular file"), "%s", error.message);
    }
}
