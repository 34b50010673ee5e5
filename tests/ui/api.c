/* The public C API from outside: nothing but fettle.h and the shared library. */
#include <fettle/fettle.h>

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int failures;

static void check(int good, const char *what) {
    if (!good) {
        failures++;
        printf("FAILED: %s\n", what);
    }
}

static const double water[9] = {0, 0, 0.1, 0, 0.76, -0.48, 0.1, -0.76, -0.48};
static const int numbers[3] = {8, 1, 1};

static int evaluate(struct fettle_model *model, const double *positions, const double *cell, double *energy,
                    double *forces, double *stress, double *atomic) {
    struct fettle_frame frame = {.atoms = 3, .positions = positions, .numbers = numbers, .cell = cell};
    struct fettle_result result = {.forces = forces, .stress = stress, .atomic_energy = atomic};
    struct fettle_error error;
    int status;

    if (cell)
        frame.pbc[0] = frame.pbc[1] = frame.pbc[2] = 1;
    status = fettle_evaluate(model, &frame, 1, &result, &error);
    if (status)
        printf("%s\n", error.message);
    *energy = result.energy;
    return status;
}

static void check_derivatives(struct fettle_model *model) {
    static const double cell[9] = {4, 0, 0, 0.3, 4.2, 0, 0, 0.2, 3.9};
    double forces[9], stress[9], atomic[3], energy, low, high, h = 1e-4;
    double volume = 4 * 4.2 * 3.9;

    check(evaluate(model, water, NULL, &energy, forces, stress, atomic) == FETTLE_OK, "a molecule");
    check(isnan(stress[0]), "no stress without a cell");
    check(fabs(atomic[0] + atomic[1] + atomic[2] - energy) < 1e-12, "the energies of the atoms add up");
    check(evaluate(model, water, cell, &energy, forces, stress, atomic) == FETTLE_OK, "a crystal");
    for (int k = 0; k < 9; k++) {
        double moved[9], strained[9], box[9];
        memcpy(moved, water, sizeof moved);
        moved[k] = water[k] + h;
        evaluate(model, moved, cell, &high, NULL, NULL, NULL);
        moved[k] = water[k] - h;
        evaluate(model, moved, cell, &low, NULL, NULL, NULL);
        check(fabs((low - high) / (2 * h) - forces[k]) < 1e-6, "forces are the gradient of the energy");
        for (int sign = -1; sign <= 1; sign += 2) {
            int from = k / 3, to = k % 3;
            memcpy(strained, water, sizeof strained);
            memcpy(box, cell, sizeof box);
            for (int r = 0; r < 3; r++) {
                strained[3 * r + to] += sign * h * water[3 * r + from];
                box[3 * r + to] += sign * h * cell[3 * r + from];
            }
            evaluate(model, strained, box, sign < 0 ? &low : &high, NULL, NULL, NULL);
        }
        check(fabs((high - low) / (2 * h) / volume - stress[k]) < 1e-6, "stress is the derivative by strain");
    }
}

static void check_mistakes(struct fettle_model *model, const char *path) {
    static const int unknown[3] = {8, 1, 79};
    static const double collided[9] = {0, 0, 0, 0, 0, 0, 1, 1, 1};
    struct fettle_options options = {.version = 99};
    struct fettle_model *other = NULL;
    struct fettle_error error = {0};
    struct fettle_result result = {.energy = 7};
    struct fettle_frame frame = {.atoms = 3, .positions = water, .numbers = unknown};

    check(fettle_open(&other, "nowhere.yaml", NULL, &error) == FETTLE_ERROR_FILE && !other, "a missing file");
    check(strstr(error.message, "nowhere.yaml") || strstr(error.file, "nowhere.yaml"), "the error names the file");
    check(fettle_open(&other, path, &options, &error) == FETTLE_ERROR_ARGUMENT, "options of another version");
    check(fettle_open(NULL, path, NULL, &error) == FETTLE_ERROR_ARGUMENT, "no place for the model");
    check(fettle_evaluate(model, &frame, 1, &result, &error) == FETTLE_ERROR_ARGUMENT, "an unknown species");
    check(strstr(error.message, "Au") != NULL, "the error names the species");
    check(result.energy == 7, "nothing is written on failure");
    frame.numbers = numbers;
    frame.positions = collided;
    check(fettle_evaluate(model, &frame, 1, &result, &error) == FETTLE_ERROR_ARGUMENT, "two atoms on one place");
    frame.positions = water;
    frame.pbc[0] = 1;
    check(fettle_evaluate(model, &frame, 1, &result, NULL) == FETTLE_ERROR_ARGUMENT, "periodic without a cell");
    frame.atoms = 0;
    check(fettle_evaluate(model, &frame, 1, &result, NULL) == FETTLE_ERROR_ARGUMENT, "no atoms");
    check(fettle_evaluate(model, NULL, 1, &result, NULL) == FETTLE_ERROR_ARGUMENT, "no frame");
    check(fettle_evaluate(model, NULL, 0, NULL, NULL) == FETTLE_OK, "no frames");
    fettle_free(NULL);
}

struct worker {
    struct fettle_model *model;
    double energy, offset;
    int status;
};

static void check_odd_frames(struct fettle_model *model) {
    static const double flat[9] = {4, 0, 0, 0, 4, 0, 4, 4, 0};
    static const int none[3] = {8, 1, -5};
    struct fettle_input input = {.name = "chargee", .columns = 1, .values = water};
    struct fettle_error error = {0};
    double stress[9];
    struct fettle_result result = {.stress = stress};
    struct fettle_frame frame = {.atoms = 3, .positions = water, .numbers = numbers, .cell = flat};

    check(fettle_evaluate(model, &frame, 1, &result, &error) == FETTLE_OK, "a cell without a volume, not periodic");
    check(isnan(stress[0]) && isnan(stress[8]), "has no stress");
    frame.inputs = &input;
    frame.input_count = 1;
    check(fettle_evaluate(model, &frame, 1, &result, &error) == FETTLE_ERROR_ARGUMENT, "an input of no meaning");
    check(strstr(error.message, "chargee") != NULL, "is named");
    frame.input_count = 0;
    frame.numbers = none;
    check(fettle_evaluate(model, &frame, 1, &result, &error) == FETTLE_ERROR_ARGUMENT, "an atomic number below 0");
    check(strstr(error.message, "number -5") != NULL, "is told");
}

static void *work(void *context) {
    struct worker *worker = context;
    double positions[9], forces[9];

    memcpy(positions, water, sizeof positions);
    positions[0] += worker->offset;
    for (int k = 0; k < 20; k++)
        worker->status |= evaluate(worker->model, positions, NULL, &worker->energy, forces, NULL, NULL);
    return NULL;
}

/* Handles that threads share, and handles of their own, with teams of one and of two: each thread gets its own answer.
 */
static void check_threads(struct fettle_model *model, const char *path) {
    enum { HANDLES = 4, WORKERS = 8 };
    struct fettle_model *models[HANDLES] = {model};
    struct worker workers[WORKERS];
    pthread_t threads[WORKERS];

    for (int k = 1; k < HANDLES; k++) {
        struct fettle_options options = {.version = FETTLE_OPTIONS_VERSION, .threads = 1 + k % 2};
        if (fettle_open(&models[k], path, &options, NULL)) {
            check(0, "a handle more");
            return;
        }
    }
    for (int k = 0; k < WORKERS; k++) { /* the last two handles belong to one thread each */
        workers[k] = (struct worker){.model = models[k < 6 ? k / 3 : k - 4], .offset = 0.25 * (k % 2)};
        if (pthread_create(&threads[k], NULL, work, &workers[k])) {
            check(0, "a thread of the test");
            return;
        }
    }
    for (int k = 0; k < WORKERS; k++) {
        pthread_join(threads[k], NULL);
        check(workers[k].status == FETTLE_OK, "evaluating in threads");
        check(fabs(workers[k].energy - workers[k % 2].energy) < 1e-12, "the same frame, the same energy");
    }
    check(workers[0].energy != workers[1].energy, "another frame, another energy");
    for (int k = 1; k < HANDLES; k++)
        fettle_free(models[k]);
}

/* ThreadSanitizer follows no child that starts threads. */
#ifndef __SANITIZE_THREAD__
/* What a child does with the handle of its parent: 0 if all is well. */
static int use_in_child(struct fettle_model *model, const char *path, double want) {
    struct fettle_model *anew = NULL;
    double energy, forces[9];

    if (evaluate(model, water, NULL, &energy, forces, NULL, NULL) || energy != want)
        return 1;
    if (fettle_open(&anew, path, NULL, NULL) || evaluate(anew, water, NULL, &energy, forces, NULL, NULL))
        return 2;
    if (fabs(energy - want) > 1e-12)
        return 3;
    fettle_free(anew);
    fettle_free(model);
    return 0;
}

static void check_child(int (*use)(struct fettle_model *, const char *, double), struct fettle_model *model,
                        const char *path, double want, const char *what) {
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        alarm(120); /* it would wait for ever for threads that it does not have */
        _exit(use(model, path, want));
    }
    waitpid(child, &status, 0);
    check(status == 0, what);
}

/* A child's child. */
static int pass_on(struct fettle_model *model, const char *path, double want) {
    int before = failures;

    check_child(use_in_child, model, path, want, "a child's child");
    return use_in_child(model, path, want) || failures != before;
}

static int free_unused(struct fettle_model *model, const char *path, double want) {
    (void)path, (void)want;
    fettle_free(model);
    return 0;
}

/* Either it works or it is refused. */
static int use_or_be_refused(struct fettle_model *model, const char *path, double want) {
    struct fettle_frame frame = {.atoms = 3, .positions = water, .numbers = numbers};
    struct fettle_result result = {0};
    struct fettle_error error = {0};

    (void)path;
    for (int k = 0; k < 2; k++)
        if (fettle_evaluate(model, &frame, 1, &result, &error) ? error.status != FETTLE_ERROR_ARGUMENT
                                                               : result.energy != want)
            return 1;
    fettle_free(model);
    return 0;
}

struct busy {
    struct fettle_model *model;
    atomic_int begun, ended;
};

static void *keep_busy(void *context) {
    struct busy *busy = context;
    double energy;

    while (!busy->ended) {
        evaluate(busy->model, water, NULL, &energy, NULL, NULL, NULL);
        busy->begun = 1;
    }
    return NULL;
}

static void check_forks(const char *path) {
    for (int threads = 1; threads <= 4; threads *= 2)
        for (int used = 0; used < 2; used++) {
            struct fettle_options options = {.version = FETTLE_OPTIONS_VERSION, .threads = threads};
            struct fettle_model *model = NULL, *same = NULL;
            struct busy busy = {0};
            pthread_t thread;
            double energy, again;
            if (fettle_open(&model, path, &options, NULL) || fettle_open(&same, path, &options, NULL) ||
                evaluate(same, water, NULL, &energy, NULL, NULL, NULL)) {
                check(0, "handles to fork with");
                return;
            }
            if (used)
                evaluate(model, water, NULL, &again, NULL, NULL, NULL);
            check_child(use_in_child, model, path, energy, "a child evaluates");
            check_child(pass_on, model, path, energy, "a child and its child evaluate");
            check_child(free_unused, model, path, energy, "a child frees");
            busy.model = model;
            if (pthread_create(&thread, NULL, keep_busy, &busy)) {
                check(0, "a thread of the test");
                return;
            }
            while (!busy.begun)
                ;
            for (int k = 0; k < 5; k++)
                check_child(use_or_be_refused, model, path, energy, "a handle that was in use");
            busy.ended = 1;
            pthread_join(thread, NULL);
            check(evaluate(model, water, NULL, &again, NULL, NULL, NULL) == FETTLE_OK && again == energy,
                  "and the parent goes on");
            fettle_free(model);
            fettle_free(same);
        }
}
#else
static void check_forks(const char *path) {
    (void)path;
}
#endif

static void check_batches(struct fettle_model *model) {
    static const char *const species[3] = {"O", "H", "H"};
    static const int types[3] = {1, 0, 0};
    struct fettle_frame frames[3] = {{.atoms = 3, .positions = water, .numbers = numbers},
                                     {.atoms = 3, .positions = water, .species = species},
                                     {.atoms = 3, .positions = water, .types = types}};
    struct fettle_result results[3] = {{.energy = 0}};

    check(fettle_evaluate(model, frames, 3, results, NULL) == FETTLE_OK, "three frames at once");
    check(fabs(results[0].energy - results[1].energy) < 1e-12, "numbers and species");
    check(fabs(results[0].energy - results[2].energy) < 1e-12, "numbers and types");
}

int main(int argc, char **argv) {
    struct fettle_model *model = NULL;
    struct fettle_error error = {0};
    char version[32];

    if (argc < 2 || fettle_open(&model, argv[1], NULL, &error)) {
        printf("FAILED: %s\n", error.message);
        return 1;
    }
    if (argc > 2) { /* where there is little memory: no more than this */
        double energy;
        int status = evaluate(model, water, NULL, &energy, NULL, NULL, NULL);
        fettle_free(model);
        return status != FETTLE_OK;
    }
    snprintf(version, sizeof version, "%d.%d.%d", FETTLE_VERSION_MAJOR, FETTLE_VERSION_MINOR, FETTLE_VERSION_PATCH);
    check(strcmp(fettle_version(), version) == 0, "the version of the library is the header's");
    check(fettle_cutoff(model) == 3.0, "cutoff");
    check(fettle_species_count(model) == 2, "number of species");
    check(strcmp(fettle_species(model, 1), "O") == 0 && !fettle_species(model, 2), "names of species");
    check(fettle_has_forces(model), "forces");
    check_derivatives(model);
    check_mistakes(model, argv[1]);
    check_odd_frames(model);
    check_threads(model, argv[1]);
    check_batches(model);
    check_forks(argv[1]);
    fettle_free(model);
    printf("%s\n", failures ? "failed" : "all passed");
    return failures != 0;
}
