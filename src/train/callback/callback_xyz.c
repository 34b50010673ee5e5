/* TestTimeXYZFileWriter and ValTimeXYZFileWriter: what the model predicts for the frames of a test or a validation, as
 * extended XYZ that ASE reads, appended to OUT_FILE_datasetN[_epochM].xyz.  Beside the predictions (energy, forces,
 * energies, and stress: NaN without a volume) stand labels of the data, as original_dataset_NAME.
 *
 * How long a file is belongs to the state of the run: where the run goes back, what was written since is cut off.  A
 * file with frames of another run is put aside as NAME.xyz.1, 2, ... by the first frames of this one. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "data/format/extxyz.h"
#include "train/callback/callback_kinds.h"
#include "train/metric/metrics.h"
#include "train/run/run.h"
#include "train/run/run_claim.h"
#include "train/run/run_folder.h"

struct xyz_options {
    const char *out_file;
    struct option_strings originals, extra, symbols;
    int file_per_epoch;
    int64_t every;
};

/* Of each data set: the epoch whose file was written last (0 where all go to one), and its size in bytes. */
struct xyz {
    struct variable *files; /* [sets][2] */
};

enum { FILE_EPOCH, FILE_SIZE, FILE_NUMBERS };

#define AT(member) offsetof(struct xyz_options, member)
#define COMMON                                                                                                         \
    {"out_file", OPTION_STRING, OPTION_REQUIRED, NULL, AT(out_file), NULL, "path, without .xyz"},                      \
        {"output_fields_from_original_dataset",     OPTION_STRING_LIST, OPTION_NULLABLE, NULL, AT(originals), NULL,    \
         "labels to write as original_dataset_NAME"},                                                                  \
        {"extra_fields", OPTION_STRING_LIST, OPTION_NULLABLE, NULL, AT(extra), NULL, "further predictions: virial"}, { \
        "chemical_symbols", OPTION_STRING_LIST, OPTION_NULLABLE, NULL, AT(symbols), NULL,                              \
            "one for each of the model's types, for data whose species are no elements"                                \
    }

static const struct option test_rows[] = {COMMON};
static const struct option val_rows[] = {
    COMMON,
    {"separate_file_per_epoch", OPTION_BOOL, 0, "false", AT(file_per_epoch), NULL, "a file for each epoch"},
    {"every_n_epochs", OPTION_INT, OPTION_POSITIVE, "1", AT(every), NULL, "epochs between two validations written"},
};

static int ends_in(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

static const struct config_node *place(const struct config_node *config, const char *option) {
    const struct config_node *node = config_get(config, option);
    return node ? node : config;
}

static int check(const void *given, const struct config_node *config, struct error *error) {
    const struct xyz_options *how = given;
    if (how->out_file && !*how->out_file)
        return config_error(place(config, "out_file"), error, ERROR_VALUE, "the name of a file is empty");
    if (how->out_file && (ends_in(how->out_file, ".xyz") || ends_in(how->out_file, ".extxyz")))
        return config_error(place(config, "out_file"), error, ERROR_VALUE,
                            "a path without its ending is expected: _datasetN.xyz is added to it");
    for (int k = 0; k < how->extra.count; k++)
        if (strcmp(how->extra.values[k], "virial"))
            return config_error(place(config, "extra_fields"), error, ERROR_NAME,
                                "'%.60s' cannot be written: total_energy, atomic_energy, forces and stress are written "
                                "anyway, and virial can be asked for",
                                how->extra.values[k]);
    for (int k = 0; k < how->symbols.count; k++)
        if (!element_number(how->symbols.values[k]))
            return config_error(place(config, "chemical_symbols"), error, ERROR_NAME, "'%.60s' is no chemical element",
                                how->symbols.values[k]);
    return 0;
}

/* Labels that frames lack are missed now, not when the training is done. */
static int check_labels(const struct xyz_options *how, const struct config_node *config, const struct dataset *data,
                        struct error *error) {
    char where[512];
    for (int k = 0; k < how->originals.count; k++)
        for (size_t f = 0; f < data->count; f++)
            if (!frame_field(data->frames[f], how->originals.values[k]))
                return config_error(place(config, "output_fields_from_original_dataset"), error, ERROR_DATA,
                                    "%s has no '%.60s' to write as original_dataset_%.60s",
                                    frame_label(data->frames[f], where, sizeof where), how->originals.values[k],
                                    how->originals.values[k]);
    return 0;
}

static int path_of(const struct xyz_options *how, size_t set, int64_t epoch, char path[4096], struct error *error) {
    char number[32] = "";
    if (how->file_per_epoch)
        snprintf(number, sizeof number, "_epoch%lld", (long long)epoch);
    return snprintf(path, 4096, "%s_dataset%zu%s.xyz", how->out_file, set, number) < 4096
               ? 0
               : error_set(error, ERROR_IO, "the path %.60s... is too long", how->out_file);
}

static int open_state(struct callback *callback, struct trainer *trainer, enum data_role role, struct error *error) {
    const struct xyz_options *how = callback->options;
    struct xyz *own = callback->own;
    static const struct state_range numbers = {-1, 0x1p53, 0}; /* -1: of no epoch yet */
    size_t sets = datamodule_count(trainer_data(trainer), role);
    char name[96], path[4096];
    int code = 0;
    snprintf(name, sizeof name, "%sfiles", callback->prefix);
    own->files = state_add(trainer_state(trainer), name, STATE_I64, FILE_NUMBERS * sets, 0, error);
    if (!own->files)
        return ERROR_MEMORY;
    own->files->range = &numbers;
    for (size_t k = 0; !code && k < sets; k++) {
        int64_t *file = (int64_t *)own->files->data + FILE_NUMBERS * k;
        file[FILE_EPOCH] = how->file_per_epoch ? -1 : 0;
        if (!(code = path_of(how, k, 0, path, error)))
            code = run_claim_file(trainer, path, error);
    }
    return code;
}

static int check_state(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct variable *files = ((struct xyz *)callback->own)->files;
    const int64_t *numbers = files->data;
    (void)trainer;
    for (size_t k = 0; k < files->count; k += FILE_NUMBERS)
        if (numbers[k + FILE_SIZE] < 0)
            return state_refuse(files, error, "has a file of %lld bytes", (long long)numbers[k + FILE_SIZE]);
    return 0;
}

static int open_callback(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct xyz_options *how = callback->options;
    enum data_role role = callback->kind == &callback_test_xyz ? ROLE_TEST : ROLE_VAL;
    int types = model_ntypes(trainer_model(trainer)), code = 0;
    for (size_t k = 0; !code && k < datamodule_count(trainer_data(trainer), role); k++)
        code = check_labels(how, callback->config, datamodule_dataset(trainer_data(trainer), role, k), error);
    if (code)
        return code;
    if (how->symbols.count && how->symbols.count != types)
        return config_error(place(callback->config, "chemical_symbols"), error, ERROR_VALUE,
                            "%d symbols for a model of %d types", how->symbols.count, types);
    return open_state(callback, trainer, role, error);
}

/* Frame f of the batch with predictions for labels. */
static struct frame *predicted_frame(const struct xyz_options *how, const struct evaluated *what, int f,
                                     struct error *error) {
    const struct batch *batch = what->batch;
    const struct prediction *prediction = what->prediction;
    const struct frame *source = batch->source[f];
    size_t first = (size_t)batch->frame_atoms[f];
    struct frame *frame = frame_copy(source);
    int fine = frame != NULL;
    while (fine && frame->nfields)
        frame_remove_field(frame, frame->fields[0].name);
    for (int k = 0; fine && k < how->originals.count; k++) {
        const char *field = how->originals.values[k];
        const struct field *label = frame_field(source, field);
        char name[64];
        if (snprintf(name, sizeof name, "original_dataset_%s", strcmp(field, "total_energy") ? field : "energy") >=
            (int)sizeof name) {
            error_set(error, ERROR_VALUE, "the name original_dataset_%.60s is too long", field);
            frame_free(frame);
            return NULL;
        }
        fine = label && frame_set_field(frame, name, label->per_atom, label->cols, label->values) != NULL;
    }
    if (fine && prediction->total_energy)
        fine = frame_set_field(frame, "total_energy", 0, 1, prediction->total_energy + f) != NULL;
    if (fine && prediction->atomic_energy)
        fine = frame_set_field(frame, "atomic_energy", 1, 1, prediction->atomic_energy + first) != NULL;
    if (fine && prediction->forces)
        fine = frame_set_field(frame, "forces", 1, 3, prediction->forces + 3 * first) != NULL;
    if (fine && prediction->stress)
        fine = frame_set_field(frame, "stress", 0, 9, prediction->stress + 9 * f) != NULL;
    if (fine && prediction->virial && how->extra.count)
        fine = frame_set_field(frame, "virial", 0, 9, prediction->virial + 9 * f) != NULL;
    for (int a = 0; fine && how->symbols.count && a < frame->atoms; a++)
        if (!frame->numbers[a])
            snprintf(frame->symbols[a], sizeof frame->symbols[a], "%s", how->symbols.values[frame->types[a]]);
    if (fine)
        return frame;
    frame_free(frame);
    error_memory(error);
    return NULL;
}

/* Frames beyond those that this run has written are its own where it went back; else they are another's. */
static int put_aside(struct trainer *trainer, const char *path, int64_t size, struct error *error) {
    char aside[4096 + 16];
    struct stat status;
    if (run_folder_went_back(trainer) || stat(path, &status) || !S_ISREG(status.st_mode) || status.st_size <= size)
        return 0;
    int number = 1;
    do
        snprintf(aside, sizeof aside, "%s.%d", path, number++);
    while (file_exists(aside));
    if (rename(path, aside))
        return error_set(error, error_of_system(errno), "cannot rename %s to %s: %s", path, aside, strerror(errno));
    trainer_tell(trainer, EVENT_NOTICE, "%s held frames of another run: they are in %s now", path, aside);
    return 0;
}

static FILE *open_file(struct trainer *trainer, const char *path, int64_t size, struct error *error) {
    if (run_folder_prepare(trainer, path, error) || run_claim_file(trainer, path, error) ||
        put_aside(trainer, path, size, error))
        return NULL;
    FILE *stream = file_append_stream(path);
    if (!stream)
        error_set(error, error_of_system(errno), "cannot write %s: %s", path, strerror(errno));
    return stream;
}

/* As Lightning counts: a pass of its own counts the epochs that are over. */
static int64_t epoch_now(const struct trainer *trainer) {
    const struct cursor *cursor = run_cursor(trainer);
    return cursor->phase == PHASE_TEST ? cursor->epochs : cursor->epoch;
}

/* All frames of the batch, or none. */
static int append(struct callback *callback, struct trainer *trainer, const struct evaluated *what,
                  struct error *error) {
    const struct xyz_options *how = callback->options;
    int64_t *file = (int64_t *)((struct xyz *)callback->own)->files->data + FILE_NUMBERS * what->set;
    int64_t epoch = how->file_per_epoch ? epoch_now(trainer) : 0, size;
    char path[4096];
    if (run_is_aside(trainer))
        return 0;
    int code = path_of(how, what->set, epoch, path, error);
    if (code)
        return code;
    size = file[FILE_EPOCH] == epoch ? file[FILE_SIZE] : 0;
    FILE *stream = open_file(trainer, path, size, error);
    if (!stream)
        return error && error->code ? (int)error->code : ERROR_IO;
    struct stat status;
    int failed = fstat(fileno(stream), &status) != 0;
    if (!failed && S_ISREG(status.st_mode)) {
        if (status.st_size > size)
            failed = ftruncate(fileno(stream), size) != 0;
        else
            size = status.st_size; /* somebody has cut it */
    }
    for (int f = 0; !code && !failed && f < what->batch->frames; f++) {
        struct frame *frame = predicted_frame(how, what, f, error);
        if (frame)
            extxyz_write(stream, frame);
        else
            code = error && error->code ? (int)error->code : ERROR_MEMORY;
        frame_free(frame);
    }
    failed |= fflush(stream) != 0 || ferror(stream);
    int why = errno;
    if (failed && !code)
        code = error_set(error, error_of_system(why), "cannot write %s: %s", path, strerror(why));
    if (code && ftruncate(fileno(stream), size)) {
        /* a pipe: what has gone has gone */
    }
    if (!code && !fstat(fileno(stream), &status)) {
        file[FILE_EPOCH] = epoch;
        file[FILE_SIZE] = (int64_t)status.st_size;
    }
    fclose(stream);
    return code;
}

static int after_test(struct callback *callback, struct trainer *trainer, const struct evaluated *what,
                      struct error *error) {
    return what->role == ROLE_TEST ? append(callback, trainer, what, error) : 0;
}

static int after_validation(struct callback *callback, struct trainer *trainer, const struct evaluated *what,
                            struct error *error) {
    const struct xyz_options *how = callback->options;
    return what->role == ROLE_VAL && epoch_now(trainer) % how->every == 0 ? append(callback, trainer, what, error) : 0;
}

const struct callback_kind callback_test_xyz = {
    .target = {"nequip.train.callbacks.TestTimeXYZFileWriter", "test_xyz"},
    .help = "writes the predictions of a test as extended XYZ",
    .options = test_rows,
    .noptions = sizeof test_rows / sizeof *test_rows,
    .options_size = sizeof(struct xyz_options),
    .private_size = sizeof(struct xyz),
    .wants_predictions = 1,
    .check = check,
    .open = open_callback,
    .check_state = check_state,
    .evaluated = after_test,
};

const struct callback_kind callback_val_xyz = {
    .target = {"nequip.train.callbacks.ValTimeXYZFileWriter", "val_xyz"},
    .help = "writes the predictions of validations as extended XYZ",
    .options = val_rows,
    .noptions = sizeof val_rows / sizeof *val_rows,
    .options_size = sizeof(struct xyz_options),
    .private_size = sizeof(struct xyz),
    .wants_predictions = 1,
    .check = check,
    .open = open_callback,
    .check_state = check_state,
    .evaluated = after_validation,
};
