#include "train/run/run.h"

#include "train/run/trainer_internal.h"

const struct trainer_settings *run_settings(const struct trainer *trainer) {
    return &trainer->options;
}

struct cursor *run_cursor(const struct trainer *trainer) {
    return cursor_of(trainer);
}

double run_limit(const struct trainer *trainer, enum length which) {
    return trainer->position.length[which];
}

int run_is_aside(const struct trainer *trainer) {
    return trainer->position.aside;
}

const struct run_weights *run_weights(const struct trainer *trainer) {
    return &trainer->weights;
}

struct variable *run_module_average(const struct trainer *trainer, enum dtype dtype) {
    return composition_average(&trainer->composition, dtype);
}

int run_has_gradient(const struct trainer *trainer, int entry) {
    return trainer->evaluation.train.reached[entry] || trainer->optimizer.kind->absent_is_zero;
}

struct metrics *run_loss(const struct trainer *trainer) {
    return trainer->evaluation.loss;
}

const double *run_loss_values(const struct trainer *trainer) {
    return trainer->evaluation.values.loss;
}

int run_terms(const struct trainer *trainer, const int **terms) {
    *terms = trainer->evaluation.train.active;
    return trainer->evaluation.train.nactive;
}

const struct optimizer *run_optimizer(const struct trainer *trainer) {
    return &trainer->optimizer;
}

const struct schedule *run_schedule(const struct trainer *trainer) {
    return &trainer->schedule;
}

const struct callbacks *run_callbacks(const struct trainer *trainer) {
    return &trainer->callbacks;
}

void run_count_seconds(struct trainer *trainer) {
    trainer->position.timed = 1;
}

double run_seconds(const struct trainer *trainer) {
    return trainer->position.seconds;
}

double run_started(const struct trainer *trainer) {
    return trainer->position.started;
}
