#include "model/api.h"
#include "model/evaluator.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/interrupt.h"
#include "base/team.h"
#include "base/text.h"
#include "data/frame/batch.h"
#include "data/module/datamodule.h"
#include "graph/kernel/blas.h"
#include "model/file/safetensors.h"

/* Frames are joined into batches of about this many atoms: large enough for the kernels, small enough for memory. */
enum { BATCH_ATOMS = 2048 };

struct fettle_model {
    pthread_mutex_t lock;
    atomic_int process;                    /* whose the team's threads are; -pid while that one starts its own */
    struct config *config;                 /* what the file held, resolved; NULL for a checkpoint */
    const struct config_node *training;    /* its root, where it is a whole training config */
    const struct config_node *species_map; /* symbol -> type name; NULL: the identity */
    struct model *model;
    struct evaluator *evaluator;
    struct team *team;
    struct batch *batch;
    int has_forces;
    size_t memory_limit, buffer_memory;
};

#define TEXT_OF(x) #x
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *fettle_version(void) {
    return VERSION_TEXT(FETTLE_VERSION_MAJOR, FETTLE_VERSION_MINOR, FETTLE_VERSION_PATCH);
}

/* ---------------------------------------------------------------- errors */

static int status_of(enum error_code code) {
    switch (code) {
    case ERROR_NONE:
        return FETTLE_OK;
    case ERROR_USAGE:
    case ERROR_STATE:
    case ERROR_DATA:
        return FETTLE_ERROR_ARGUMENT;
    case ERROR_SYNTAX:
    case ERROR_IO:
        return FETTLE_ERROR_FILE;
    case ERROR_NAME:
    case ERROR_TYPE:
    case ERROR_VALUE:
        return FETTLE_ERROR_MODEL;
    case ERROR_MEMORY:
        return FETTLE_ERROR_MEMORY;
    case ERROR_NUMERIC:
        return FETTLE_ERROR_NUMERIC;
    case ERROR_INTERRUPT:
        return FETTLE_INTERRUPTED;
    }
    return FETTLE_ERROR_MODEL;
}

int fettle_error_export(struct fettle_error *out, const struct error *error) {
    int status = status_of(error->code);

    if (out) {
        memset(out, 0, sizeof *out);
        out->status = status;
        out->line = error->line;
        out->column = error->column;
        text_shown(out->file, sizeof out->file, error->file); /* a host may print them as they are */
        text_shown(out->message, sizeof out->message, error->message);
    }
    return status;
}

int fettle_error_import(struct error *out, const struct fettle_error *error) {
    static const enum error_code codes[] = {ERROR_NONE, ERROR_DATA, ERROR_IO, ERROR_VALUE, ERROR_MEMORY, ERROR_NUMERIC};
    int known = error->status >= 0 && (size_t)error->status < sizeof codes / sizeof *codes;
    enum error_code code = known                                 ? codes[error->status]
                           : error->status == FETTLE_INTERRUPTED ? ERROR_INTERRUPT
                                                                 : ERROR_STATE;

    if (code == ERROR_NONE)
        return 0;
    if (error->file[0])
        return error_at(out, code, error->file, error->line, error->column, "%s", error->message);
    return error_set(out, code, "%s", error->message);
}

static int fail_argument(struct fettle_error *out, const char *message) {
    struct error error = {0};

    error_set(&error, ERROR_USAGE, "%s", message);
    return fettle_error_export(out, &error);
}

/* ---------------------------------------------------------------- opening */

static int is_target_of_mapper(const char *target) {
    const char *name = "ChemicalSpeciesToAtomTypeMapper";
    size_t length = strlen(target), size = strlen(name);

    return length >= size && strcmp(target + length - size, name) == 0;
}

static const struct config_node *find_species_map(const struct config_node *training) {
    const struct config_node *transforms = config_find(training, "data.transforms");

    for (size_t k = 0; k < config_count(transforms); k++) {
        const struct config_node *transform = config_at(transforms, k);
        const struct config_node *map = config_get(transform, "chemical_species_to_atom_type_map");
        if (config_kind(map) == CONFIG_MAP && is_target_of_mapper(config_text(config_get(transform, "_target_"))))
            return map;
    }
    return NULL;
}

static int has_deferred(const struct config_node *node) {
    if (config_kind(node) == CONFIG_DEFERRED)
        return 1;
    for (size_t k = 0; k < config_count(node); k++)
        if (has_deferred(config_at(node, k)))
            return 1;
    return 0;
}

static int make_evaluator(struct fettle_model *handle, struct error *error) {
    const struct evaluator_options options = {.wanted = {[PREDICTED_ENERGY] = WANTED,
                                                         [PREDICTED_ATOMIC] = WANTED,
                                                         [PREDICTED_FORCES] = WANTED_WHERE_THERE,
                                                         [PREDICTED_STRESS] = WANTED_WHERE_THERE},
                                              .derivatives = 1,
                                              .memory = handle->buffer_memory};
    int code = evaluator_new(&handle->evaluator, handle->model, &options, error);

    handle->has_forces = !code && evaluator_has(handle->evaluator, PREDICTED_FORCES);
    return code;
}

/* Statistics of the training data, where the model's arguments ask for them: only then is data read. */
static int resolve(struct config *config, const char *model_path, struct error *error) {
    static const char *const sections[] = {"data", "training_module", NULL};
    struct config_context context = {.output_dir = ".", .sections = model_path ? sections : NULL};
    struct datamodule *data = NULL;
    int code = config_resolve(config, &context, error);

    if (code || !has_deferred(model_path ? config_find(config_root(config), model_path) : config_root(config)))
        return code;
    code = datamodule_open(&data, config_get(config_root(config), "data"), 1u << ROLE_TRAIN, error);
    if (!code) {
        context.statistic = datamodule_statistic;
        context.statistic_context = data;
        code = config_resolve(config, &context, error);
    }
    datamodule_free(data);
    return code;
}

static int load_weights(struct fettle_model *handle, const struct safetensors *file, const char *path, int raw,
                        struct error *error) {
    int code = !raw && model_has_average(file) ? model_load_average(handle->model, file, error)
                                               : model_load_weights(handle->model, file, error);

    if (code)
        error_prefix(error, "%s: ", path);
    return code;
}

static int open_checkpoint(struct fettle_model *handle, const char *path, int raw, struct error *error) {
    const struct config_node *training = NULL;
    struct safetensors *file = NULL;
    struct config *arguments = NULL;
    const char *text;
    int code = safetensors_read(&file, path, error);

    if (code)
        goto out;
    text = safetensors_metadata(file, "model_config");
    if (!text) {
        code = error_set(error, ERROR_DATA, "%s holds weights but no model (metadata model_config)", path);
        goto out;
    }
    if ((code = config_parse(&arguments, path, text, strlen(text), error)) ||
        (code = model_build(&handle->model, config_root(arguments), error)) ||
        (code = load_weights(handle, file, path, raw, error)))
        goto out;
    text = safetensors_metadata(file, "config");
    if (text && (code = config_parse(&handle->config, path, text, strlen(text), error)))
        goto out;
    training = config_root(handle->config);
    handle->training = config_kind(config_get(training, "training_module")) == CONFIG_MAP ? training : NULL;
out:
    config_free(arguments);
    safetensors_free(file);
    return code;
}

static int open_config(struct fettle_model *handle, const char *path, struct error *error) {
    const struct config_node *root;
    int code = config_read(&handle->config, path, error), whole;

    if (code)
        return code;
    root = config_root(handle->config);
    whole = config_kind(config_find(root, "training_module.model")) == CONFIG_MAP;
    if (!whole && !config_get(root, "_target_"))
        return config_error(root, error, ERROR_NAME,
                            "neither a model (a map with _target_) nor a training config (training_module.model)");
    if ((code = resolve(handle->config, whole ? "training_module.model" : NULL, error)))
        return code;
    root = config_root(handle->config);
    handle->training = whole ? root : NULL;
    return model_build(&handle->model, whole ? config_find(root, "training_module.model") : root, error);
}

/* A safetensors file begins with the length of its header, which is JSON. */
static int is_checkpoint(const char *path, int *yes, struct error *error) {
    struct stat status;
    FILE *file;
    char head[9] = {0};
    size_t length = strlen(path);
    int failed;

    if (!stat(path, &status) && !S_ISREG(status.st_mode)) { /* what is taken from a pipe is gone from it */
        *yes = 0;
        return 0;
    }
    if (!(file = fopen(path, "rb")))
        return error_set(error, error_of_system(errno), "%s: %s", path, strerror(errno));
    *yes = fread(head, 1, sizeof head, file) == sizeof head && head[8] == '{' && memchr(head, '\0', 8) != NULL;
    *yes = *yes || (length > 12 && strcmp(path + length - 12, ".safetensors") == 0);
    failed = ferror(file) ? errno : 0;
    fclose(file);
    return failed ? error_set(error, error_of_system(failed), "%s: %s", path, strerror(failed)) : 0;
}

static int open_model(struct fettle_model *handle, const char *path, const struct fettle_options *options,
                      struct error *error) {
    struct safetensors *weights = NULL;
    int checkpoint = 0, code;

    handle->memory_limit = options->memory_limit;
    handle->buffer_memory = options->version >= 2 ? options->buffer_memory : 0;
    if ((code = is_checkpoint(path, &checkpoint, error)))
        return code;
    code = checkpoint ? open_checkpoint(handle, path, options->raw_weights, error) : open_config(handle, path, error);
    if (!code && options->weights) {
        code = safetensors_read(&weights, options->weights, error);
        if (!code)
            code = load_weights(handle, weights, options->weights, options->raw_weights, error);
        safetensors_free(weights);
    }
    if (code || (code = make_evaluator(handle, error)))
        return code;
    handle->species_map = find_species_map(handle->training);
    return blas_team_new(&handle->team, options->threads > 0 ? options->threads : team_default_size(), error);
}

int fettle_open(struct fettle_model **out, const char *path, const struct fettle_options *options,
                struct fettle_error *error) {
    static const struct fettle_options defaults = {.version = FETTLE_OPTIONS_VERSION};
    struct fettle_model *handle = NULL;
    struct error cause = {0};
    int code;

    if (!out || !path)
        return fail_argument(error, "fettle_open needs a place for the model and a path");
    *out = NULL;
    if (options && (options->version < 1 || options->version > FETTLE_OPTIONS_VERSION || options->threads < 0))
        return fail_argument(error, "fettle_open does not know these options (version, threads)");
    handle = calloc(1, sizeof *handle);
    if (!handle) {
        error_memory(&cause);
        return fettle_error_export(error, &cause);
    }
    pthread_mutex_init(&handle->lock, NULL);
    handle->process = getpid();
    code = open_model(handle, path, options ? options : &defaults, &cause);
    if (code) {
        fettle_free(handle);
        return fettle_error_export(error, &cause);
    }
    *out = handle;
    return FETTLE_OK;
}

struct model *fettle_inner(struct fettle_model *handle) {
    return handle->model;
}

const struct config_node *fettle_inner_config(const struct fettle_model *handle) {
    return handle->training;
}

void fettle_free(struct fettle_model *model) {
    if (!model)
        return;
    batch_free(model->batch);
    evaluator_free(model->evaluator);
    model_free(model->model);
    config_free(model->config);
    blas_team_free(model->team);
    pthread_mutex_destroy(&model->lock);
    free(model);
}

/* ---------------------------------------------------------------- what the model knows */

double fettle_cutoff(const struct fettle_model *model) {
    return model_r_max(model->model);
}

int fettle_species_count(const struct fettle_model *model) {
    return model_ntypes(model->model);
}

const char *fettle_species(const struct fettle_model *model, int type) {
    return type >= 0 && type < model_ntypes(model->model) ? model_type_names(model->model)[type] : NULL;
}

int fettle_has_forces(const struct fettle_model *model) {
    return model->has_forces;
}

static int find_type(const struct fettle_model *handle, const char *name) {
    for (int k = 0; k < model_ntypes(handle->model); k++)
        if (strcmp(model_type_names(handle->model)[k], name) == 0)
            return k;
    return -1;
}

int fettle_inner_type(const struct fettle_model *handle, const char *species) {
    const struct config_node *mapped = config_get(handle->species_map, species);
    int type = find_type(handle, mapped ? config_text(mapped) : species);

    return type >= 0 ? type : find_type(handle, species);
}

/* ---------------------------------------------------------------- evaluating */

static int type_error(const struct fettle_model *handle, const char *species, size_t atom, struct error *error) {
    struct text known = {0};

    for (int k = 0; k < model_ntypes(handle->model); k++)
        text_format(&known, "%s%s", k ? ", " : "", model_type_names(handle->model)[k]);
    error_set(error, ERROR_DATA, "atom %zu: species \"%s\" is unknown to the model, which knows %s", atom, species,
              known.data ? known.data : "none");
    text_free(&known);
    return ERROR_DATA;
}

static int set_types(const struct fettle_model *handle, const struct fettle_frame *in, struct frame *frame,
                     struct error *error) {
    for (size_t a = 0; a < in->atoms; a++) {
        char number[24];
        const char *name = "";
        int type = -1;
        if (in->types) {
            snprintf(number, sizeof number, "type %d", in->types[a]);
            name = number;
            type = in->types[a] < model_ntypes(handle->model) ? in->types[a] : -1;
        } else if (in->species) {
            name = in->species[a] ? in->species[a] : "";
            type = fettle_inner_type(handle, name);
        } else {
            name = element_symbol(in->numbers[a]);
            if (!name || !name[0]) {
                snprintf(number, sizeof number, "number %d", in->numbers[a]);
                name = number;
            }
            type = fettle_inner_type(handle, name);
        }
        if (type < 0)
            return type_error(handle, name, a, error);
        frame->types[a] = type;
        frame->numbers[a] = in->numbers ? in->numbers[a] : element_number(name);
        snprintf(frame->symbols[a], sizeof frame->symbols[a], "%.7s", name);
    }
    return 0;
}

static int set_cell(const struct fettle_frame *in, struct frame *frame, struct error *error) {
    int periodic = in->pbc[0] || in->pbc[1] || in->pbc[2];

    for (int k = 0; k < 3; k++)
        frame->pbc[k] = in->pbc[k] != 0;
    if (!in->cell)
        return periodic ? error_set(error, ERROR_DATA, "a periodic frame needs a cell") : 0;
    for (int k = 0; k < 9; k++) {
        if (!isfinite(in->cell[k]))
            return error_set(error, ERROR_DATA, "cell vector %d holds a number that is not finite", k / 3);
        frame->cell[k] = in->cell[k];
    }
    frame->has_cell = 1;
    return 0; /* whether the vectors of the periodic directions are independent, their neighbours tell */
}

int fettle_inner_takes(const struct fettle_model *handle, const char *input) {
    const struct batch_options *options = model_batch_options(handle->model);

    for (int k = 0; k < options->ncategories; k++)
        if (strcmp(options->category_fields[k], input) == 0)
            return 1;
    return 0;
}

static int input_error(const struct fettle_model *handle, const char *name, struct error *error) {
    const struct batch_options *options = model_batch_options(handle->model);
    struct text known = {0};

    for (int k = 0; k < options->ncategories; k++)
        text_format(&known, "%s%s", k ? ", " : "", options->category_fields[k]);
    error_set(error, ERROR_DATA, "the model takes no input \"%s\" (it takes %s)", name,
              known.data ? known.data : "none");
    text_free(&known);
    return ERROR_DATA;
}

static int make_frame(struct frame **out, const struct fettle_model *handle, const struct fettle_frame *in,
                      struct error *error) {
    struct frame *frame = NULL;
    int code = 0;

    if (in->atoms > INT32_MAX / 8)
        return error_set(error, ERROR_MEMORY, "%zu atoms are too many", in->atoms);
    if (in->atoms == 0)
        return error_set(error, ERROR_DATA, "a frame without atoms");
    if (!in->positions || (in->numbers != NULL) + (in->species != NULL) + (in->types != NULL) != 1)
        return error_set(error, ERROR_DATA, "a frame needs positions and one of numbers, species and types");
    frame = frame_new((int)in->atoms);
    if (!frame)
        return error_set(error, ERROR_MEMORY, "no memory for %zu atoms", in->atoms);
    frame->source = "";
    for (size_t k = 0; k < 3 * in->atoms; k++) {
        if (!isfinite(in->positions[k])) {
            code = error_set(error, ERROR_DATA, "atom %zu: a position that is not finite", k / 3);
            goto out;
        }
        frame->pos[k] = in->positions[k];
    }
    if ((code = set_types(handle, in, frame, error)) || (code = set_cell(in, frame, error)))
        goto out;
    for (size_t k = 0; k < in->input_count; k++) {
        const struct fettle_input *input = &in->inputs[k];
        if (!input->name || !input->values || input->columns < 1 || strlen(input->name) > 63)
            code = error_set(error, ERROR_DATA, "input %zu needs a name, columns and values", k);
        else if (!fettle_inner_takes(handle, input->name))
            code = input_error(handle, input->name, error);
        else if (!frame_set_field(frame, input->name, input->per_atom, input->columns, input->values))
            code = error_memory(error);
        if (code)
            goto out;
    }
    code =
        frame_neighbours(frame, model_r_max(handle->model), model_directed(handle->model), handle->memory_limit, error);
out:
    if (code) {
        frame_free(frame);
        frame = NULL;
    }
    *out = frame;
    return code;
}

/* Where the results of all frames of a call are gathered before the caller sees any of them. */
struct gathered {
    double *energy, *atomic, *forces, *stress;
    size_t frames, atoms; /* so far */
};

static int run_batch(struct fettle_model *handle, struct gathered *to, struct error *error) {
    void *const outputs[PREDICTIONS] = {[PREDICTED_ENERGY] = to->energy + to->frames,
                                        [PREDICTED_ATOMIC] = to->atomic + to->atoms,
                                        [PREDICTED_FORCES] = to->forces + 3 * to->atoms,
                                        [PREDICTED_STRESS] = to->stress + 9 * to->frames};
    const void *const params[DTYPE_COUNT] = {
        [F32] = model_slab(handle->model, F32), [F64] = model_slab(handle->model, F64)};
    int code = evaluator_run(handle->evaluator, handle->team, handle->batch, params, outputs, error);
    to->frames += (size_t)handle->batch->frames;
    to->atoms += (size_t)handle->batch->atoms;
    return code;
}

static int check_finite(const struct fettle_model *handle, const struct fettle_frame *frames, size_t count,
                        const struct gathered *from, struct error *error) {
    size_t atom = 0;

    for (size_t f = 0; f < count; f++)
        for (size_t a = 0; a < frames[f].atoms; a++, atom++) {
            const double *force = from->forces + 3 * atom;
            int finite = isfinite(from->atomic[atom]);
            if (handle->has_forces)
                finite = finite && isfinite(force[0]) && isfinite(force[1]) && isfinite(force[2]);
            if (!finite)
                return error_set(error, ERROR_NUMERIC, "frame %zu, atom %zu: the energy or the force is not finite", f,
                                 a);
        }
    return 0;
}

/* A frame that is not periodic may have a cell that is none. */
static int has_volume(const struct fettle_frame *frame) {
    struct frame cell = {.has_cell = frame->cell != NULL};

    if (frame->cell)
        memcpy(cell.cell, frame->cell, sizeof cell.cell);
    return frame_volume(&cell) > 0;
}

static void hand_out(const struct fettle_model *handle, const struct fettle_frame *frames, size_t count,
                     const struct gathered *from, struct fettle_result *results) {
    size_t atom = 0;

    for (size_t f = 0; f < count; f++) {
        struct fettle_result *result = &results[f];
        size_t atoms = frames[f].atoms;
        result->energy = from->energy[f];
        if (result->atomic_energy)
            memcpy(result->atomic_energy, from->atomic + atom, atoms * sizeof(double));
        for (size_t k = 0; result->forces && k < 3 * atoms; k++)
            result->forces[k] = handle->has_forces ? from->forces[3 * atom + k] : NAN;
        for (int k = 0; result->stress && k < 9; k++)
            result->stress[k] = handle->has_forces && has_volume(&frames[f]) ? from->stress[9 * f + (size_t)k] : NAN;
        atom += atoms;
    }
}

static int evaluate(struct fettle_model *handle, const struct fettle_frame *frames, size_t count,
                    struct fettle_result *results, struct error *error) {
    struct frame **made = NULL;
    struct gathered all = {0};
    size_t atoms = 0, done = 0;
    int code = 0;

    for (size_t f = 0; f < count; f++)
        atoms += frames[f].atoms;
    made = calloc(count, sizeof *made);
    all.energy = calloc(count + 1, sizeof(double));
    all.stress = calloc(9 * count + 1, sizeof(double));
    all.atomic = calloc(atoms + 1, sizeof(double));
    all.forces = calloc(3 * atoms + 1, sizeof(double));
    if (!made || !all.energy || !all.stress || !all.atomic || !all.forces) {
        code = error_set(error, ERROR_MEMORY, "no memory for the results of %zu frames, %zu atoms", count, atoms);
        goto out;
    }
    while (done < count && !code) {
        size_t end = done, batch_atoms = 0;
        while (end < count && !code && (end == done || batch_atoms + frames[end].atoms <= BATCH_ATOMS)) {
            code = make_frame(&made[end], handle, &frames[end], error);
            if (code && count > 1)
                error_prefix(error, "frame %zu: ", end);
            batch_atoms += frames[end++].atoms;
        }
        if (!code)
            code = interrupt_check(error);
        if (!code)
            code = batch_join(&handle->batch, (const struct frame *const *)(made + done), (int)(end - done),
                              model_batch_options(handle->model), error);
        for (; done < end; done++) {
            frame_free(made[done]);
            made[done] = NULL;
        }
        if (!code && !(code = interrupt_check(error)))
            code = run_batch(handle, &all, error);
    }
    if (!code)
        code = check_finite(handle, frames, count, &all, error);
    if (!code)
        hand_out(handle, frames, count, &all, results);
out:
    free(made);
    free(all.energy);
    free(all.stress);
    free(all.atomic);
    free(all.forces);
    return code;
}

/* A child after fork has the handle, but none of the threads: it starts its own.  Where a thread that is not there any
 * more was in the handle, nobody can say in what state it left it. */
static int adopt(struct fettle_model *handle, struct error *error) {
    int here = (int)getpid(), owner, code = 0;

    while ((owner = atomic_load(&handle->process)) != here && !code) {
        if (owner == -here) { /* another thread of this process is at it */
            sched_yield();
            continue;
        }
        if (owner > 0 && !atomic_compare_exchange_strong(&handle->process, &owner, -here))
            continue;
        if (owner < 0 || pthread_mutex_trylock(&handle->lock)) {
            atomic_store(&handle->process, -1);
            code = error_set(error, ERROR_STATE,
                             "another thread used this model while the process was forked: open it "
                             "anew in the child");
        } else {
            pthread_mutex_unlock(&handle->lock);
            if (team_revive(handle->team))
                code = error_set(error, ERROR_MEMORY, "threads cannot be started");
            atomic_store(&handle->process, code ? owner : here);
        }
    }
    return code;
}

int fettle_evaluate(struct fettle_model *model, const struct fettle_frame *frames, size_t count,
                    struct fettle_result *results, struct fettle_error *error) {
    struct error cause = {0};
    int code;

    if (!model || (count && (!frames || !results)))
        return fail_argument(error, "fettle_evaluate needs a model, frames and results");
    if (count == 0)
        return FETTLE_OK;
    code = adopt(model, &cause);
    if (!code) {
        pthread_mutex_lock(&model->lock);
        code = evaluate(model, frames, count, results, &cause);
        pthread_mutex_unlock(&model->lock);
    }
    return code ? fettle_error_export(error, &cause) : FETTLE_OK;
}
