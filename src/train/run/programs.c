/* The programs of a run: a training step (predictions, loss terms, gradients) and an evaluation (predictions). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/run/program_look.h"
#include "train/metric/metrics.h"
#include "train/metric/metrics_entry.h"
#include "train/run/callback.h"
#include "train/run/composition.h"
#include "train/run/evaluate.h"
#include "train/run/programs.h"
#include "train/run/trainer_internal.h"

/* A step makes more anew in chunks than an evaluation does, and takes half as long again: chunks are for batches that
 * would not fit otherwise. */
enum { STEP_MEMORY = 1 << 30 };

static void set_prediction(struct prediction *prediction, const double *const values[PREDICTIONS]) {
    prediction->total_energy = values[PREDICTED_ENERGY];
    prediction->atomic_energy = values[PREDICTED_ATOMIC];
    prediction->forces = values[PREDICTED_FORCES];
    prediction->stress = values[PREDICTED_STRESS];
    prediction->virial = values[PREDICTED_VIRIAL];
}

static void set_trained(struct prediction *prediction, const struct train_program *train) {
    const double *values[PREDICTIONS];
    for (int k = 0; k < PREDICTIONS; k++)
        values[k] = train->prediction[k] < 0 ? NULL : program_output(train->program, train->prediction[k], NULL, NULL);
    set_prediction(prediction, values);
}

static int predicts(const struct metrics *metrics, const char *field) {
    return metrics && metrics_predicts(metrics, field);
}

/* ---------------------------------------------------------------- training */

/* Stages of a step; the gradients follow, each in one of its own. */
enum { STAGE_PREDICTIONS, STAGE_LOSS, STAGE_GRADIENTS };

static int gradients_of(const struct train_program *train) {
    return train->separate ? train->nactive : 1;
}

static void program_free_of(struct train_program *train) {
    program_free(train->program);
    graph_free(train->graph);
    free(train->grad_parameter);
    free(train->reached);
    free(train->inputs);
    free(train->outputs);
    memset(train, 0, sizeof *train);
}

void train_program_free(struct trainer *trainer) {
    program_free_of(&trainer->evaluation.train);
}

static int coefficient_node(struct graph *graph, const struct metrics *loss, size_t term, struct node **out) {
    struct text name = {0};
    text_format(&name, "coefficient:%s", metrics_term_name(loss, term));
    if (name.failed)
        return -1;
    *out = graph_input(graph, name.data, F64, DIM_STATIC, 1, 1);
    text_free(&name);
    return 0;
}

/* What the program should be now. */
static void wanted(const struct trainer *trainer, struct train_program *out) {
    out->separate = composition_separate(&trainer->composition);
    for (size_t k = 0; k < metrics_nterms(trainer->evaluation.loss) && k < MAX_TERMS; k++)
        if (!isnan(metrics_coefficient(trainer->evaluation.loss, k)))
            out->active[out->nactive++] = (int)k;
    for (int k = 0; k < model_nparameters(trainer->model); k++) {
        const struct parameter *p = model_parameter(trainer->model, k);
        out->ngrads += !p->is_buffer && !p->frozen;
    }
}

static int is_current(const struct trainer *trainer, const struct train_program *want) {
    const struct train_program *have = &trainer->evaluation.train;
    if (!have->program || have->separate != want->separate || have->nactive != want->nactive ||
        have->ngrads != want->ngrads || memcmp(have->active, want->active, sizeof have->active))
        return 0;
    for (int k = 0; k < have->ngrads; k++)
        if (model_parameter(trainer->model, have->grad_parameter[k])->frozen)
            return 0;
    return 1;
}

static void find_reached(const struct train_program *train, struct node *const *gradients) {
    int combined = train->separate && train->nactive > 1;
    for (int k = 0; k < train->ngrads; k++)
        train->reached[train->grad_parameter[k]] = combined || !graph_is_zero(gradients[k]);
}

/* The program for what is wanted now. */
static int make(struct trainer *trainer, struct train_program *out, int inspect, struct error *error) {
    struct train_program want = {0};
    wanted(trainer, &want);
    if (!want.nactive)
        return error_set(error, ERROR_VALUE, "no term of the loss has a coefficient: there is nothing to train on");
    if (!want.ngrads)
        return error_set(error, ERROR_VALUE, "every parameter is frozen: there is nothing to train");

    int code = 0, nterms = (int)metrics_nterms(trainer->evaluation.loss), n = 0;
    size_t most = (size_t)nterms + PREDICTIONS + (size_t)want.ngrads * (size_t)gradients_of(&want);
    int *stages = calloc(most + 1, sizeof *stages);
    struct node *terms[MAX_TERMS], *predictions[PREDICTIONS], **outputs = calloc(most + 1, sizeof *outputs);
    struct node **parameters = calloc((size_t)want.ngrads, sizeof *parameters);
    struct model_outputs model;
    want.grad_parameter = calloc((size_t)want.ngrads, sizeof *want.grad_parameter);
    want.reached = calloc((size_t)model_nparameters(trainer->model) + 1, 1);
    want.graph = graph_new();
    if (!stages || !outputs || !parameters || !want.grad_parameter || !want.reached || !want.graph) {
        code = error_memory(error);
        goto out;
    }
    int derivatives =
        metrics_needs_derivatives(trainer->evaluation.loss) ||
        (trainer->evaluation.train_metrics && metrics_needs_derivatives(trainer->evaluation.train_metrics));
    if ((code = model_emit(trainer->model, want.graph, derivatives, &model, error)))
        goto out;
    graph_push_module(want.graph, "loss");
    if ((code = metrics_emit(trainer->evaluation.loss, want.graph, &model, terms, error)))
        goto out;
    for (int k = 0; k < nterms; k++) {
        stages[n] = STAGE_LOSS;
        outputs[n++] = terms[k];
    }
    predicted_nodes(&model, predictions);
    for (int k = 0; k < PREDICTIONS; k++) {
        want.prediction[k] = -1;
        if (!predicts(trainer->evaluation.loss, predicted_fields[k]) &&
            !predicts(trainer->evaluation.train_metrics, predicted_fields[k]))
            continue;
        if (!predictions[k]) {
            code = error_set(error, ERROR_VALUE, "the model does not predict %s, which the metrics need",
                             predicted_fields[k]);
            goto out;
        }
        want.prediction[k] = n;
        outputs[n++] = predictions[k];
    }
    int at = 0;
    for (int k = 0; k < model_nparameters(trainer->model); k++) {
        const struct parameter *p = model_parameter(trainer->model, k);
        if (p->is_buffer || p->frozen)
            continue;
        want.grad_parameter[at] = k;
        parameters[at++] = model_parameter_node(trainer->model, want.graph, k);
    }
    want.first_grad = n;
    if (want.separate) {
        for (int k = 0; k < want.nactive; k++, n += want.ngrads)
            if ((code = graph_grad(want.graph, terms[want.active[k]], NULL, parameters, want.ngrads, outputs + n)))
                break;
    } else {
        struct node *sum = NULL, *coefficient;
        for (int k = 0; k < want.nactive; k++) {
            if (coefficient_node(want.graph, trainer->evaluation.loss, (size_t)want.active[k], &coefficient)) {
                code = error_memory(error);
                goto out;
            }
            struct node *part = graph_mul(want.graph, coefficient, terms[want.active[k]]);
            sum = sum ? graph_add(want.graph, sum, part) : part;
        }
        code = graph_grad(want.graph, sum, NULL, parameters, want.ngrads, outputs + n);
        n += want.ngrads;
    }
    graph_pop_module(want.graph);
    if (code) {
        graph_error(want.graph, error);
        goto out;
    }
    find_reached(&want, outputs + want.first_grad);
    for (int k = want.first_grad; k < n; k++)
        stages[k] = STAGE_GRADIENTS + (k - want.first_grad) / want.ngrads;
    if ((code = program_build(&want.program, want.graph, outputs, n,
                              &(struct program_options){.inspect = inspect, .stages = stages}, error)))
        goto out;
    program_set_memory(want.program, trainer->how.memory ? trainer->how.memory : STEP_MEMORY);
    want.inputs = calloc((size_t)program_inputs(want.program) + 1, sizeof *want.inputs);
    want.outputs = calloc((size_t)n + 1, sizeof *want.outputs);
    if (!want.inputs || !want.outputs) {
        code = error_memory(error);
        goto out;
    }
    *out = want;
    memset(&want, 0, sizeof want);
out:
    free(stages);
    free(outputs);
    free(parameters);
    program_free(want.program);
    graph_free(want.graph);
    free(want.grad_parameter);
    free(want.reached);
    free(want.inputs);
    free(want.outputs);
    return code;
}

int train_program_make(struct trainer *trainer, struct error *error) {
    struct train_program want = {0}, made;
    wanted(trainer, &want);
    if (is_current(trainer, &want))
        return 0;
    int code = make(trainer, &made, 0, error);
    if (code)
        return code;
    program_free_of(&trainer->evaluation.train);
    trainer->evaluation.train = made;
    return 0;
}

/* What stands beside the batch: coefficients of the weighted sum. */
static const void *coefficient(void *context, const char *name) {
    const struct trainer *trainer = context;
    if (strncmp(name, "coefficient:", 12))
        return NULL;
    return &trainer->evaluation.coefficients[metrics_find_term(trainer->evaluation.loss, name + 12)];
}

/* Gradients go to the trainer's slabs, unless they are to stay inside. */
static int begin(struct trainer *trainer, struct train_program *train, int inside, struct error *error) {
    int code = evaluator_bind(train->program, trainer->batches.now, coefficient, trainer, train->inputs, error);
    if (code)
        return code;
    for (int t = 0; t < gradients_of(train); t++)
        for (int k = 0; k < train->ngrads; k++) {
            const struct parameter *p = model_parameter(trainer->model, train->grad_parameter[k]);
            char *slab = train->separate ? trainer->weights.term_grads[train->active[t]][p->dtype]
                                         : trainer->weights.grads[p->dtype];
            train->outputs[train->first_grad + t * train->ngrads + k] = slab + p->offset * dtype_size(p->dtype);
        }
    struct program_binding binding = {
        .topology = &trainer->batches.now->topology,
        .inputs = train->inputs,
        .params = {trainer->evaluation.at_next ? trainer->weights.parameters[F32]->next
                                               : trainer->weights.parameters[F32]->data,
                   trainer->evaluation.at_next ? trainer->weights.parameters[F64]->next
                                               : trainer->weights.parameters[F64]->data},
        .outputs = inside ? NULL : train->outputs,
    };
    return program_begin(train->program, trainer->team, &binding, error);
}

/* What the program does not differentiate by has no gradient, neither one of an earlier batch nor what a technique has
 * made of it. */
static void clear_frozen(struct trainer *trainer) {
    for (int k = 0; k < model_nparameters(trainer->model); k++) {
        const struct parameter *p = model_parameter(trainer->model, k);
        size_t offset = p->offset * dtype_size(p->dtype), bytes = p->numel * dtype_size(p->dtype);
        if (!p->frozen || p->is_buffer)
            continue;
        memset((char *)trainer->weights.grads[p->dtype] + offset, 0, bytes);
        for (int t = 0; t < MAX_TERMS; t++)
            if (trainer->weights.term_grads[t][p->dtype])
                memset((char *)trainer->weights.term_grads[t][p->dtype] + offset, 0, bytes);
    }
}

int train_program_forward(struct trainer *trainer, struct error *error) {
    struct train_program *train = &trainer->evaluation.train;
    int code = begin(trainer, train, 0, error);
    if (!code)
        clear_frozen(trainer);
    if (!code)
        code = program_run_stage(train->program, STAGE_PREDICTIONS, error);
    if (!code)
        set_trained(&trainer->evaluation.prediction, train);
    return code;
}

int train_program_loss(struct trainer *trainer, struct error *error) {
    return program_run_stage(trainer->evaluation.train.program, STAGE_LOSS, error);
}

int train_program_gradients(const struct trainer *trainer) {
    return gradients_of(&trainer->evaluation.train);
}

int train_program_backward(struct trainer *trainer, int gradient, struct error *error) {
    return program_run_stage(trainer->evaluation.train.program, STAGE_GRADIENTS + gradient, error);
}

/* All of a step. */
static int run(struct trainer *trainer, struct train_program *train, int inside, struct error *error) {
    int code = begin(trainer, train, inside, error);
    for (int stage = 0; !code && stage < STAGE_GRADIENTS + gradients_of(train); stage++)
        code = program_run_stage(train->program, stage, error);
    return code;
}

int train_program_time(struct trainer *trainer, int runs, struct error *error) {
    struct train_program *train = &trainer->evaluation.train;
    int code = run(trainer, train, 1, error); /* results have other places than before: once to warm up */
    program_set_timing(train->program, 1);
    for (int k = 0; k < runs && !code; k++)
        code = run(trainer, train, 1, error);
    program_set_timing(train->program, 0);
    if (!code)
        set_trained(&trainer->evaluation.prediction, train);
    return code;
}

int train_program_inspect(struct trainer *trainer,
                          int (*look)(void *context, const struct program *program, struct error *error), void *context,
                          struct error *error) {
    struct train_program inspected;
    int code = make(trainer, &inspected, 1, error);
    if (code)
        return code;
    if (!(code = run(trainer, &inspected, 1, error)))
        code = look(context, inspected.program, error);
    program_free_of(&inspected);
    return code;
}

/* ---------------------------------------------------------------- evaluation */

int eval_program_make(struct trainer *trainer, struct error *error) {
    const struct metrics *all[2 * MAX_SETS];
    size_t nall = 0;
    if (trainer->evaluation.evaluator)
        return 0;
    for (size_t k = 0; k < trainer->evaluation.nval && trainer->evaluation.val_metrics[k]; k++)
        all[nall++] = trainer->evaluation.val_metrics[k];
    for (size_t k = 0; k < trainer->evaluation.ntest && trainer->evaluation.test_metrics[k]; k++)
        all[nall++] = trainer->evaluation.test_metrics[k];
    int all_of_them = callbacks_want_predictions(trainer);
    struct evaluator_options options = {
        .derivatives = all_of_them, .memory = trainer->how.memory, .needed = "which the metrics need"};
    for (size_t k = 0; k < nall; k++)
        options.derivatives |= metrics_needs_derivatives(all[k]);
    for (int k = 0; k < PREDICTIONS; k++) {
        options.wanted[k] = all_of_them ? WANTED_WHERE_THERE : WANTED_NOT;
        for (size_t j = 0; j < nall; j++)
            if (metrics_predicts(all[j], predicted_fields[k]))
                options.wanted[k] = WANTED;
    }
    return evaluator_new(&trainer->evaluation.evaluator, trainer->model, &options, error);
}

int eval_program_run(struct trainer *trainer, const struct batch *batch, const void *const params[DTYPE_COUNT],
                     struct prediction *out, struct error *error) {
    struct evaluator *evaluator = trainer->evaluation.evaluator;
    const double *values[PREDICTIONS];
    int code = evaluator_run(evaluator, trainer->team, batch, params, NULL, error);
    if (code)
        return code;
    for (int k = 0; k < PREDICTIONS; k++)
        values[k] = evaluator_output(evaluator, (enum predicted)k);
    set_prediction(out, values);
    return 0;
}
